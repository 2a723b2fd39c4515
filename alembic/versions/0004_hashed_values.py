"""Values by their hashes, the ordinals of composites' elements, quantities.

The index tables are written anew, because a new column only fits into the padding of a row where it stands in front.

Revision: 0004, after 0003.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TIME = postgresql.TIMESTAMP(timezone=True)
_EXACT = sa.Text(collation="C")
_TYPE_HASH = sa.text("hashtextextended(type, 0)")

_KEPT = ("token", "string", "date", "uri")
_SEARCHED_BEFORE = {
    "token": ["code"],
    "reference": ["target"],
    "string": ["value"],
    "date": ["low", "high"],
    "uri": ["value"],
}


def upgrade() -> None:
    """Rewrite the index tables with their rows, and index them and the types by hashes."""
    for kind in _KEPT:
        columns = _columns_of(kind)
        _rewritten(kind, [_element(), *columns], f"0, {_names(columns)}")
    # the number of a target's type loses its upper half, which tells no two types apart
    target_type, target = sa.Column("target_type", sa.SmallInteger(), nullable=False), _target()
    _rewritten(
        "reference",
        [_element(), target_type, target],
        "0, (((target_type & 65535) + 32768) % 65536 - 32768)::smallint, target",
    )
    _create("quantity", [_element(), *_columns_of("quantity")])
    _create_value_indexes()
    _drop_type_indexes()
    op.create_index("ix_resource_type_key", "resource", [_TYPE_HASH, "key"], postgresql_where="content IS NOT NULL")
    op.create_index("ix_resource_type_last_updated", "resource", [_TYPE_HASH, "last_updated"])
    op.create_index("ix_resource_history_type_last_updated", "resource_history", [_TYPE_HASH, "last_updated"])


def downgrade() -> None:
    """Write the tables as they were; what was kept of quantities is lost, so are the types of references' targets."""
    _drop_type_indexes()
    op.create_index("ix_resource_type_key", "resource", ["type", "key"], postgresql_where="content IS NOT NULL")
    op.create_index("ix_resource_type_last_updated", "resource", ["type", "last_updated", "key"])
    op.create_index("ix_resource_history_type_last_updated", "resource_history", ["type", "last_updated"])
    op.drop_table("index_quantity")
    for kind in _KEPT:
        columns = _columns_of(kind)
        _rewritten(kind, columns, _names(columns))
    # 0 counts as any type, until the resource is written again
    _rewritten("reference", [sa.Column("target_type", sa.Integer(), nullable=False), _target()], "0, target")
    for kind, searched in _SEARCHED_BEFORE.items():
        op.create_index(f"ix_index_{kind}_value", f"index_{kind}", ["source", *searched, "resource_key"])


def _columns_of(kind: str) -> list[sa.Column[Any]]:
    """The columns of the values; a column belongs to one table, so they are made anew for each."""
    columns: dict[str, list[sa.Column[Any]]] = {
        "token": [sa.Column("system", sa.UUID()), sa.Column("code", _EXACT, nullable=False)],
        "string": [sa.Column("value", _EXACT, nullable=False), sa.Column("exact", _EXACT, nullable=False)],
        "date": [sa.Column("low", _TIME, nullable=False), sa.Column("high", _TIME, nullable=False)],
        "uri": [sa.Column("value", _EXACT, nullable=False)],
        "quantity": [
            sa.Column("low", sa.Numeric()),
            sa.Column("high", sa.Numeric()),
            sa.Column("system", sa.UUID()),
            sa.Column("code", _EXACT),
            sa.Column("unit", _EXACT),
            sa.Column("canonical_unit", _EXACT),
            sa.Column("canonical_low", sa.Numeric()),
            sa.Column("canonical_high", sa.Numeric()),
        ],
    }
    return columns[kind]


def _names(columns: list[sa.Column[Any]]) -> str:
    return ", ".join(column.name for column in columns)


def _target() -> sa.Column[Any]:
    return sa.Column("target", sa.UUID(), nullable=False)


def _element() -> sa.Column[Any]:
    return sa.Column("element", sa.SmallInteger(), server_default=sa.text("0"), nullable=False)


def _create(kind: str, columns: list[sa.Column[Any]]) -> None:
    op.create_table(
        f"index_{kind}",
        sa.Column("resource_key", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Integer(), nullable=False),
        *columns,
    )
    op.create_index(f"ix_index_{kind}_resource_key", f"index_{kind}", ["resource_key"])


def _rewritten(kind: str, columns: list[sa.Column[Any]], values: str) -> None:
    """The table with other columns; its rows, in the order of the resources."""
    op.drop_index(f"ix_index_{kind}_value", f"index_{kind}")
    op.drop_index(f"ix_index_{kind}_resource_key", f"index_{kind}")
    op.rename_table(f"index_{kind}", f"index_{kind}_before")
    _create(kind, columns)
    op.execute(
        f"INSERT INTO index_{kind} SELECT resource_key, source, {values} "  # noqa: S608 - constants of this module
        f"FROM index_{kind}_before ORDER BY resource_key"
    )
    op.drop_table(f"index_{kind}_before")


def _create_value_indexes() -> None:
    for kind, expression in {
        "token": "hashtextextended(code, source)",
        "reference": "uuid_hash_extended(target, source)",
        "uri": "hashtextextended(value, source)",
    }.items():
        op.create_index(f"ix_index_{kind}_value", f"index_{kind}", [sa.text(expression), "resource_key"])
    for kind, searched in {"string": "value", "date": "low", "quantity": "low"}.items():
        op.create_index(f"ix_index_{kind}_value", f"index_{kind}", ["source", searched, "resource_key"])
    op.create_index(
        "ix_index_date_long",
        "index_date",
        ["source", "high", "resource_key"],
        postgresql_where="(high AT TIME ZONE 'UTC') > (low AT TIME ZONE 'UTC') + interval '1 day'",
    )
    op.create_index(
        "ix_index_quantity_wide",
        "index_quantity",
        ["source", "high", "resource_key"],
        postgresql_where="low IS DISTINCT FROM high",
    )
    op.create_index(
        "ix_index_quantity_canonical",
        "index_quantity",
        ["source", "canonical_unit", "canonical_low", "resource_key"],
        postgresql_where="canonical_unit IS NOT NULL",
    )
    op.create_index(
        "ix_index_quantity_canonical_wide",
        "index_quantity",
        ["source", "canonical_unit", "canonical_high", "resource_key"],
        postgresql_where="canonical_unit IS NOT NULL AND canonical_low IS DISTINCT FROM canonical_high",
    )


def _drop_type_indexes() -> None:
    op.drop_index("ix_resource_type_key", "resource")
    op.drop_index("ix_resource_type_last_updated", "resource")
    op.drop_index("ix_resource_history_type_last_updated", "resource_history")
