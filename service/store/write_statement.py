"""The one statement that writes changes: versions, history and index rows, whatever their number.

Round trips are the price of a write (Decision 7 in the README), so a create is a single autocommitted statement and
a transaction Bundle of any size adds one. The text depends only on the *shape* of the changes: whether any is a first
version, whether any supersedes one, and which index tables receive rows. It is written as SQL, not built from
SQLAlchemy expressions: a chain of data-modifying CTEs is far easier to read as what it is.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.dialects import postgresql

from service.store.tables import INDEX_TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Table

    from service.store.change import Change

_DIALECT: Final = postgresql.dialect()  # type: ignore[no-untyped-call]

_CHANGE: Final = """WITH change AS MATERIALIZED (
  SELECT * FROM unnest({0}::uuid[], {1}::timestamptz[], {2}::integer[], {3}::text[], {4}::text[], {5}::text[],
    {6}::json[]) AS c(identity, last_updated, version_id, type, id, method, content))"""

_INSERT: Final = """inserted AS (
  INSERT INTO resource (identity, last_updated, version_id, type, id, method, content)
  SELECT identity, last_updated, version_id, type, id, method, content FROM change WHERE version_id = 1
  RETURNING key, identity)"""

# The lock is taken in the order of the identities, so that two statements never wait for each other in a circle; the
# version is compared again after waiting, so a row that another writer superseded meanwhile drops out.
_SUPERSEDE: Final = """superseded AS (
  SELECT r.key, r.identity, r.last_updated, r.version_id, r.type, r.id, r.method, r.content
  FROM resource r JOIN change c ON c.identity = r.identity
  WHERE c.version_id > 1 AND r.version_id = c.version_id - 1
  ORDER BY r.identity FOR UPDATE OF r),
archived AS (
  INSERT INTO resource_history (identity, last_updated, version_id, type, id, method, content)
  SELECT identity, last_updated, version_id, type, id, method, content FROM superseded),
updated AS (
  UPDATE resource r SET last_updated = c.last_updated, version_id = c.version_id, method = c.method, content = c.content
  FROM superseded s JOIN change c ON c.identity = s.identity WHERE r.key = s.key
  RETURNING r.key, r.identity)"""

_CLEAR: Final = """cleared_{kind} AS (
  DELETE FROM {table} USING superseded s WHERE {table}.resource_key = s.key)"""

_INDEX: Final = """indexed_{kind} AS (
  INSERT INTO {table} (resource_key, {columns})
  SELECT w.key, {values} FROM unnest({identity}::uuid[], {arrays}) AS v(identity, {columns})
  JOIN written w ON w.identity = v.identity)"""

Shape = tuple[bool, bool, frozenset[str]]


def write_statement(changes: Sequence[Change]) -> tuple[str, list[Any]]:
    """The text and the arguments that write `changes`; the statement returns how many resources it wrote."""
    kinds = [kind for kind in INDEX_TABLES if any(change.rows.get(kind) for change in changes)]
    inserts = any(change.version.version_id == 1 for change in changes)
    supersedes = any(change.version.version_id > 1 for change in changes)
    text = _text((inserts, supersedes, frozenset(kinds)))
    return text, [*_version_arguments(changes), *_index_arguments(changes, kinds)]


@lru_cache(maxsize=256)
def _text(shape: Shape) -> str:
    inserts, supersedes, kinds = shape
    number = count(1)
    parts = [_CHANGE.format(*_placeholders(number, 7))]
    written = []
    if inserts:
        parts.append(_INSERT)
        written.append("SELECT key, identity FROM inserted")
    if supersedes:
        parts.append(_SUPERSEDE)
        parts.extend(_CLEAR.format(kind=kind, table=table.name) for kind, table in INDEX_TABLES.items())
        written.append("SELECT key, identity FROM updated")
    parts.append(f"written AS ({' UNION ALL '.join(written)})")
    parts.extend(_index_part(kind, INDEX_TABLES[kind], number) for kind in INDEX_TABLES if kind in kinds)
    return ",\n".join(parts) + "\nSELECT count(*) FROM written"


def _index_part(kind: str, table: Table, number: Iterator[int]) -> str:
    columns = [column for column in table.columns if column.name != "resource_key"]
    (identity,) = _placeholders(number, 1)
    arrays = [
        f"{placeholder}::{_sql_type(column.type)}[]"
        for placeholder, column in zip(_placeholders(number, len(columns)), columns, strict=True)
    ]
    return _INDEX.format(
        kind=kind,
        table=table.name,
        columns=", ".join(column.name for column in columns),
        values=", ".join(f"v.{column.name}" for column in columns),
        identity=identity,
        arrays=", ".join(arrays),
    )


def _sql_type(column_type: Any) -> str:
    return str(column_type.compile(dialect=_DIALECT)).split(" COLLATE ")[0]


def _placeholders(number: Iterator[int], how_many: int) -> list[str]:
    return [f"${next(number)}" for _ in range(how_many)]


def _version_arguments(changes: Sequence[Change]) -> list[list[Any]]:
    versions = [change.version for change in changes]
    return [
        [change.identity for change in changes],
        [version.last_updated for version in versions],
        [version.version_id for version in versions],
        [version.type for version in versions],
        [version.id for version in versions],
        [version.method for version in versions],
        [version.content for version in versions],
    ]


def _index_arguments(changes: Sequence[Change], kinds: Sequence[str]) -> list[list[Any]]:
    arguments: list[list[Any]] = []
    for kind in kinds:
        rows = [(change.identity, *row) for change in changes for row in change.rows.get(kind, ())]
        arguments.extend(list(column) for column in zip(*rows, strict=True))
    return arguments
