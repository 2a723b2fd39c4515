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

_EXACT = sa.Text(collation="C")
_TIME = TIMESTAMP(timezone=True)
_CLUES = ("entity", "client", "organisation", "person")
_TABLES = ("audit_event", "audit_patient")

_FUNCTION = """CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit records are only ever added' USING ERRCODE = 'insufficient_privilege';
END $$"""


def upgrade() -> None:
    """Create the tables, and the triggers that refuse to change or remove what is in them."""
    op.create_table(
        "audit_event",
        sa.Column("chain", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("recorded", _TIME, nullable=False),
        *(sa.Column(name, sa.BigInteger()) for name in _CLUES),
        sa.Column("outcome", sa.SmallInteger(), nullable=False),
        sa.Column("action", _EXACT, nullable=False),
        sa.Column("interaction", _EXACT, nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("chain", "number", name=op.f("pk_audit_event")),
    )
    op.create_index("ix_audit_event_recorded", "audit_event", ["recorded"])
    for name in _CLUES:
        known = sa.text(f"{name} IS NOT NULL")
        op.create_index(f"ix_audit_event_{name}", "audit_event", [name, "recorded"], postgresql_where=known)
    op.create_table(
        "audit_patient",
        sa.Column("patient", sa.BigInteger(), nullable=False),
        sa.Column("recorded", _TIME, nullable=False),
        sa.Column("chain", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_audit_patient_patient", "audit_patient", ["patient", "recorded"])
    op.execute(_FUNCTION)
    for table in _TABLES:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
        )


def downgrade() -> None:
    """Drop the tables, and with them everything that is on record."""
    for table in _TABLES:
        op.execute(f"DROP TABLE IF EXISTS {table}")
    op.execute("DROP FUNCTION audit_is_append_only()")
