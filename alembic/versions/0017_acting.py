"""Whose patients somebody has, and what is theirs, from an index alone.

Revision: 0017, after 0016.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and its index; the rows that there are get their subjects by a reindex, and are found without."""
    op.add_column("index_reference", sa.Column("subject", sa.UUID()))
    op.create_index(
        "ix_index_reference_acting",
        "index_reference",
        ["target", "source", "resource_key"],
        postgresql_include=["subject"],
        postgresql_where=sa.text("target_type IN (-18300, -8196, -6332, 25161)"),
    )


def downgrade() -> None:
    """Drop both."""
    op.drop_index("ix_index_reference_acting", table_name="index_reference")
    op.drop_column("index_reference", "subject")
