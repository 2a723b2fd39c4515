"""Which resources have values for the same search parameters.

Revision: 0010, after 0009.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and its index; what is stored already gets its likeness by a reindex, and is found without."""
    op.add_column("resource", sa.Column("likeness", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.create_index(
        "ix_resource_likeness_key", "resource", ["likeness", "key"], postgresql_where=sa.text("content IS NOT NULL")
    )


def downgrade() -> None:
    """Drop both."""
    op.drop_index("ix_resource_likeness_key", table_name="resource")
    op.drop_column("resource", "likeness")
