"""Resources, their superseded versions, and a narrow table of index rows per search parameter type.

Revision: 0001, the first.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TIME = postgresql.TIMESTAMP(timezone=True)
_EXACT = sa.Text(collation="C")


def _version_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("identity", sa.UUID(), nullable=False),
        sa.Column("last_updated", _TIME, nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("type", _EXACT, nullable=False),
        sa.Column("id", _EXACT, nullable=False),
        sa.Column("method", _EXACT, nullable=False),
        sa.Column("content", postgresql.JSON(), nullable=True),
    ]


def _index_table(name: str, *columns: sa.Column[object], searched: list[str]) -> None:
    op.create_table(
        name,
        sa.Column("resource_key", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Integer(), nullable=False),
        *columns,
    )
    op.create_index(f"ix_{name}_value", name, ["source", *searched, "resource_key"])
    op.create_index(f"ix_{name}_resource_key", name, ["resource_key"])


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "resource",
        sa.Column("key", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        *_version_columns(),
        sa.CheckConstraint("(content IS NULL) = (method = 'DELETE')", name=op.f("ck_resource_tombstone")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_resource")),
        sa.UniqueConstraint("identity", name=op.f("uq_resource_identity")),
    )
    op.create_index(
        "ix_resource_type_key", "resource", ["type", "key"], postgresql_where=sa.text("content IS NOT NULL")
    )
    op.create_index("ix_resource_type_last_updated", "resource", ["type", "last_updated", "key"])
    op.create_table(
        "resource_history",
        *_version_columns(),
        sa.PrimaryKeyConstraint("identity", "version_id", name=op.f("pk_resource_history")),
    )
    op.create_index("ix_resource_history_type_last_updated", "resource_history", ["type", "last_updated"])

    _index_table(
        "index_token",
        sa.Column("system", sa.UUID(), nullable=True),
        sa.Column("code", _EXACT, nullable=False),
        searched=["code"],
    )
    _index_table(
        "index_reference",
        sa.Column("target_type", sa.Integer(), nullable=False),
        sa.Column("target", sa.UUID(), nullable=False),
        searched=["target"],
    )
    _index_table(
        "index_string",
        sa.Column("value", _EXACT, nullable=False),
        sa.Column("exact", _EXACT, nullable=False),
        searched=["value"],
    )
    _index_table(
        "index_date",
        sa.Column("low", _TIME, nullable=False),
        sa.Column("high", _TIME, nullable=False),
        searched=["low", "high"],
    )
    _index_table("index_uri", sa.Column("value", _EXACT, nullable=False), searched=["value"])


def downgrade() -> None:
    """Drop the tables with all that they hold."""
    for name in ("uri", "date", "string", "reference", "token"):
        op.drop_table(f"index_{name}")
    op.drop_table("resource_history")
    op.drop_table("resource")
