"""Audit records of one moment in one row, with a row for each clue that leads to them.

Revision: 0013, after 0012. Records that were kept before stay where they are; where there are none, their tables go.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_TIME = TIMESTAMP(timezone=True)
_TABLES = ("audit_link", "audit_clue")
_BEFORE = ("audit_event", "audit_patient")


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
    for table in _TABLES:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
        )
    if not op.get_bind().scalar(sa.text("SELECT EXISTS (SELECT FROM audit_event)")):
        for table in _BEFORE:
            op.drop_table(table)


def downgrade() -> None:
    """Drop the tables, and with them everything that is on record; those of before are not made again."""
    for table in _TABLES:
        op.drop_table(table)
