"""Claims on criteria, which keep two clients from creating the same thing at the same time.

Revision: 0003, after 0002.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "criteria_claim",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_criteria_claim")),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("criteria_claim")
