"""Search parameters that clients store, and the reindexes that they, or people, ask for.

Revision: 0008, after 0007.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_EXACT = sa.Text(collation="C")
_TIME = postgresql.TIMESTAMP(timezone=True)


def _counter(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False)


def upgrade() -> None:
    """Create the tables; SearchParameter resources that are stored already take effect with their next version."""
    op.create_table(
        "search_generation",
        sa.Column("single", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("single", name=op.f("ck_search_generation_one_row")),
        sa.PrimaryKeyConstraint("single", name=op.f("pk_search_generation")),
    )
    op.execute("INSERT INTO search_generation (number) VALUES (0)")
    op.create_table(
        "search_parameter",
        sa.Column("id", _EXACT, nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("state", _EXACT, nullable=False),
        sa.Column("types", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("job", sa.BigInteger()),
        sa.Column("content", postgresql.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", "version_id", name=op.f("pk_search_parameter")),
    )
    op.create_table(
        "reindex_job",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("state", _EXACT, server_default=sa.text("'waiting'"), nullable=False),
        sa.Column("types", postgresql.ARRAY(sa.Text())),
        sa.Column("parameters", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("asked", sa.Boolean(), nullable=False),
        sa.Column("extraction", _EXACT, server_default=sa.text("''"), nullable=False),
        *map(_counter, ("position", "last", "passed", "total", "replaced")),
        sa.Column("asked_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("began_at", _TIME),
        sa.Column("ended_at", _TIME),
        sa.Column("problem", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reindex_job")),
    )


def downgrade() -> None:
    """Drop the tables; the rows of stored parameters go with the next reindex."""
    op.drop_table("reindex_job")
    op.drop_table("search_parameter")
    op.drop_table("search_generation")
