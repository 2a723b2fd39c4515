"""Audit records, which are only ever added.

Revision: 0011, after 0010.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_TIME = TIMESTAMP(timezone=True)
_TABLES = ("audit_link", "audit_clue")

_FUNCTION = """CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit records are only ever added' USING ERRCODE = 'insufficient_privilege';
END $$"""


def upgrade() -> None:
    """Create the tables, and the triggers that refuse to change or remove what is in them."""
    op.create_table(
        "audit_link",
        sa.Column("chain", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("recorded", _TIME, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("chain", "number", name=op.f("pk_audit_link")),
    )
    op.create_index("ix_audit_link_recorded", "audit_link", ["recorded"])
    op.create_table(
        "audit_clue",
        sa.Column("clue", sa.BigInteger(), nullable=False),
        sa.Column("recorded", _TIME, nullable=False),
        sa.Column("chain", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_audit_clue_clue", "audit_clue", ["clue", "recorded"])
    op.execute(_FUNCTION)
    for table in _TABLES:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
        )


def downgrade() -> None:
    """Drop the tables, and with them everything that is on record."""
    for table in _TABLES:
        op.drop_table(table)
    op.execute("DROP FUNCTION audit_is_append_only()")
