"""The texts of the statements that write changes, one for each shape of these: see `write_statement`."""

from __future__ import annotations

from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from sqlalchemy.dialects import postgresql

from service.fhir.search.contained import CONTAINED, CONTAINED_KINDS
from service.fhir.sight import SEEN
from service.store.contained import sql_contained_key, sql_is_contained_in
from service.store.tables import INDEX_TABLES, seen_by

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Table

    from service.fhir.search.contained import RowsName
    from service.fhir.sight import SeenName

_DIALECT: Final = postgresql.dialect()  # type: ignore[no-untyped-call]
_COLUMNS: Final = "identity, last_updated, version_id, type, id, method, content"
_CURRENT_COLUMNS: Final = f"{_COLUMNS}, likeness"
_TYPES: Final = ("uuid", "timestamptz", "integer", "text", "text", "text", "json", "bigint")
CLAIMED: Final = 1
"""The number of the argument that holds the keys of claims, where there are any."""

# One row of plain values, or a row for each item of the arrays.
_ONE: Final = "WITH change({columns}) AS MATERIALIZED (VALUES ({values}))"
_MANY: Final = """WITH change AS MATERIALIZED (
  SELECT * FROM unnest({arrays}) WITH ORDINALITY AS c({columns}, number))"""

_MANY_SPELLED: Final = """WITH change AS MATERIALIZED (
  SELECT * FROM (VALUES {rows}) AS c({columns}, number))"""

_INSERT_ONE: Final = """WITH inserted AS (
  INSERT INTO resource ({columns}) VALUES ({values}) RETURNING key, identity)"""

_INSERT_MANY: Final = """inserted AS (
  INSERT INTO resource ({columns}) SELECT {columns} FROM change{go} WHERE version_id = 1 RETURNING key, identity)"""

# In the order of the keys, so that two statements never wait for each other in a circle.
_CLAIM: Final = """claimed AS (
  INSERT INTO criteria_claim AS c (key, generation)
  SELECT key, CASE seen WHEN 0 THEN floor(extract(epoch FROM now()) / 3600)::bigint << 32 ELSE seen + 1 END
  FROM unnest({keys}::bigint[], {seen}::bigint[]) AS w(key, seen) ORDER BY key
  ON CONFLICT (key) DO UPDATE SET generation = EXCLUDED.generation, touched_at = EXCLUDED.touched_at
  WHERE c.generation = EXCLUDED.generation - 1
  RETURNING 1)"""

# The same where nothing was seen before: the statement itself looks for what matches (`store.match`).
_CLAIM_UNLESS_MATCHED: Final = _CLAIM.replace(
    "FROM unnest({keys}::bigint[], {seen}::bigint[]) AS w(key, seen)",
    "FROM seen AS w(key, seen) WHERE NOT EXISTS (SELECT FROM matched)",
)

_GO: Final = "go AS MATERIALIZED (SELECT WHERE {conditions})"
_ALL_CLAIMED: Final = "(SELECT count(*) FROM claimed) = cardinality({keys}::bigint[])"
_ALL_LATEST: Final = "(SELECT count(*) FROM superseded) = (SELECT count(*) FROM change WHERE version_id > 1)"

# The lock is taken in the order of the identities, so that two statements never wait for each other in a circle; the
# version is compared again after waiting, so a row that another writer superseded meanwhile drops out.
_SUPERSEDE: Final = """superseded AS (
  SELECT r.key, r.identity, r.last_updated, r.version_id, r.type, r.id, r.method, r.content
  FROM resource r JOIN change c ON c.identity = r.identity
  WHERE c.version_id > 1 AND r.version_id = c.version_id - 1
  ORDER BY r.identity FOR UPDATE OF r)"""

_UPDATE: Final = """archived AS (
  INSERT INTO resource_history ({columns}) SELECT {columns} FROM superseded{go}),
updated AS (
  UPDATE resource r SET last_updated = c.last_updated, version_id = c.version_id, method = c.method,
    content = c.content, likeness = c.likeness
  FROM superseded s JOIN change c ON c.identity = s.identity{go} WHERE r.key = s.key
  RETURNING r.key, r.identity)"""

_CLEAR: Final = """cleared_{kind} AS (
  DELETE FROM {table} USING superseded s{go} WHERE {found})"""

_INDEX_ONE: Final = """indexed_{kind} AS (
  INSERT INTO {table} (resource_key, {columns})
  SELECT {key}, {values} FROM written w, unnest({arrays}) AS v({names}))"""

_INDEX_SPELLED: Final = """indexed_{kind} AS (
  INSERT INTO {table} (resource_key, {columns})
  SELECT w.key, {values} FROM written w, (VALUES {rows}) AS v({columns}))"""

_INDEX_MANY_SPELLED: Final = """indexed_{kind} AS (
  INSERT INTO {table} (resource_key, {columns})
  SELECT w.key, {values} FROM (VALUES {rows}) AS v(number, {columns}) JOIN written w ON w.number = v.number)"""

_INDEX_MANY: Final = """indexed_{kind} AS (
  INSERT INTO {table} (resource_key, {columns})
  SELECT {key}, {values} FROM unnest({arrays}) AS v(number, {names}) JOIN written w ON w.number = v.number)"""

_NUMBERED: Final = "SELECT w.key, c.number FROM {} w JOIN change c ON c.identity = w.identity"

TABLES: Final[Mapping[RowsName | SeenName, Table]] = {
    **{name: table for kind, table in INDEX_TABLES.items() for name in (kind, CONTAINED[kind])},
    SEEN: seen_by,
}
"""Kind of rows → the table that they stand in."""

WRITTEN: Final = "\nSELECT count(*) FROM written"
"""How every text ends."""


class Shape(Struct, frozen=True, cache_hash=True):
    """All that a text depends on.

    `single`: one change, `inserts` and `supersedes`: any is a first version, any supersedes one; `indexed` and
    `cleared` are the kinds of index rows. With `claims` on criteria, `unless_matched` where the statement itself looks.
    """

    single: bool
    inserts: bool
    supersedes: bool
    indexed: frozenset[RowsName | SeenName]
    cleared: frozenset[RowsName]
    claims: bool = False
    unless_matched: bool = False
    spelled: tuple[tuple[int, ...], ...] = ()
    """How many index rows are spelled out: for each of the `indexed`, in the order of the tables, those of each change.

    Empty: arrays.
    """
    left: frozenset[tuple[RowsName | SeenName, str]] = frozenset()
    """The columns that are left out, where all rows have the default."""

    @property
    def changes(self) -> int:
        """How many changes are spelled out, several of them with their versions."""
        return len(self.spelled[0]) if self.spelled else 0

    @property
    def guarded(self) -> bool:
        """Whether something may keep the statement from going on after it has begun to write."""
        return self.claims or (self.supersedes and not self.single)


@lru_cache(maxsize=512)
def write_text(shape: Shape) -> str:
    """The text for a shape; its arguments are numbered in the order in which `write_statement` gives them."""
    number = count(1)
    claims = [f"${next(number)}" for _ in range(shape.claims * (2 - shape.unless_matched))]
    go = ", go" if shape.guarded else ""
    changes = 1 if shape.single or not shape.spelled else shape.changes
    values = [[f"${next(number)}::{sql_type}" for sql_type in _TYPES] for _ in range(changes)]
    parts = _version_parts(shape, values, claims, go)
    parts.extend(_clear_part(kind, TABLES[kind].name, go) for kind in TABLES if kind in shape.cleared)
    number_of = "SELECT w.key FROM {} w" if shape.single else _NUMBERED
    sources = (("inserted", shape.inserts), ("updated", shape.supersedes))
    written = [number_of.format(source) for source, present in sources if present]
    parts.append(f"written AS ({' UNION ALL '.join(written)})")
    indexed = [kind for kind in TABLES if kind in shape.indexed]
    parts.extend(
        _index_part(kind, shape, number, spelled=rows)
        for kind, rows in zip(indexed, shape.spelled or [()] * len(indexed), strict=True)
    )
    return ",\n".join(parts) + WRITTEN


def _version_parts(shape: Shape, values: list[list[str]], claims: list[str], go: str) -> list[str]:
    """`values` are those of the one change, of each that is spelled out, or the arrays of all."""
    update = [_UPDATE.format(columns=_COLUMNS, go=go)]
    if shape.single:
        if shape.inserts:
            return [_INSERT_ONE.format(columns=_CURRENT_COLUMNS, values=", ".join(values[0]))]
        return [_ONE.format(columns=_CURRENT_COLUMNS, values=", ".join(values[0])), _SUPERSEDE, *update]
    if shape.spelled:
        rows = ", ".join(f"({', '.join(each)}, {number})" for number, each in enumerate(values, start=1))
        parts = [_MANY_SPELLED.format(columns=_CURRENT_COLUMNS, rows=rows)]
    else:
        parts = [_MANY.format(columns=_CURRENT_COLUMNS, arrays=", ".join(f"{value}[]" for value in values[0]))]
    conditions = []
    if shape.claims:
        claim = _CLAIM_UNLESS_MATCHED if shape.unless_matched else _CLAIM
        parts.append(claim.format(keys=claims[0], seen=claims[-1]))
        conditions.append(_ALL_CLAIMED.format(keys=claims[0]))
    if shape.supersedes:
        parts.append(_SUPERSEDE)
        conditions.append(_ALL_LATEST)
    if shape.guarded:
        parts.append(_GO.format(conditions=" AND ".join(conditions)))
    if shape.inserts:
        parts.append(_INSERT_MANY.format(columns=_CURRENT_COLUMNS, go=go))
    return [*parts, *update] if shape.supersedes else parts


def _clear_part(kind: RowsName, table: str, go: str) -> str:
    key = f"{table}.resource_key"
    found = sql_is_contained_in(key, "s.key") if kind in CONTAINED_KINDS else f"{key} = s.key"
    return _CLEAR.format(kind=kind, table=table, found=found, go=go)


def _index_part(kind: RowsName | SeenName, shape: Shape, number: Iterator[int], *, spelled: tuple[int, ...]) -> str:
    table, single = TABLES[kind], shape.single
    columns = [each for each in list(table.columns)[1:] if (kind, each.name) not in shape.left]
    types = [_sql_type(column.type) for column in columns]
    names = ", ".join(column.name for column in columns)
    named = {
        "kind": kind,
        "table": table.name,
        "columns": names,
        "values": ", ".join(f"v.{column.name}" for column in columns),
        "key": "w.key",
        "names": names,
    }
    if kind in CONTAINED_KINDS:
        types = ["bigint", *types]
        named |= {"key": sql_contained_key("w.key", "v.place"), "names": f"place, {names}"}
    if spelled:
        rows = [
            ", ".join([*([] if single else [str(owner)]), *(f"${next(number)}::{each}" for each in types)])
            for owner, times in enumerate(spelled, start=1)
            for _ in range(times)
        ]
        text = _INDEX_SPELLED if single else _INDEX_MANY_SPELLED
        return text.format(**named, rows=", ".join(f"({row})" for row in rows))
    arrays = [f"${next(number)}::{sql_type}[]" for sql_type in (types if single else ["integer", *types])]
    return (_INDEX_ONE if single else _INDEX_MANY).format(**named, arrays=", ".join(arrays))


def _sql_type(column_type: Any) -> str:
    return str(column_type.compile(dialect=_DIALECT)).split(" COLLATE ")[0]
