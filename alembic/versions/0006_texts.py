"""A table of its own for the texts that tokens are found by.

Revision: 0006, after 0005.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; what is stored already gets its rows by a reindex."""
    op.create_table(
        "index_text",
        sa.Column("resource_key", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Integer(), nullable=False),
        sa.Column("element", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("value", sa.Text(collation="C"), nullable=False),
    )
    op.create_index("ix_index_text_resource_key", "index_text", ["resource_key"])
    op.create_index("ix_index_text_value", "index_text", ["source", "value"])


def downgrade() -> None:
    """Drop the table; a reindex by the release before makes its rows anew."""
    op.drop_table("index_text")
