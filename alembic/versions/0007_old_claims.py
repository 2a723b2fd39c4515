"""When a claim on criteria was touched last, so that old ones can be removed.

Revision: 0007, after 0006.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table anew: its rows are of use only to units of work that are under way."""
    op.drop_table("criteria_claim")
    op.create_table(
        "criteria_claim",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("touched_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_criteria_claim")),
    )


def downgrade() -> None:
    """Make the table as it was, without rows."""
    op.drop_table("criteria_claim")
    op.create_table(
        "criteria_claim",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_criteria_claim")),
    )
