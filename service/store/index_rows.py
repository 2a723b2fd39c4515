"""The index rows of stored resources, read and replaced; `reindex` rebuilds them while clients write.

A writer's statement clears the index rows that it saw when it began. If it then waits for a row that is being rebuilt,
it clears the old index rows and misses the rebuilt ones, which stay beside its own. So whoever replaces rows has to
look again, once no statement can be left that began before (`none_older`), at the resources that have another version
by then.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final

from service.fhir.search.contained import CONTAINED
from service.store.contained import contained_key, contained_position, container_key, sql_is_contained_in
from service.store.likeness import likeness_of
from service.store.on_session import connection_of
from service.store.tables import INDEX_TABLES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from service.fhir.search.extract import IndexRows
    from service.fhir.search.parameter import IndexName
    from service.store.store import Session

_NEXT: Final = """SELECT key, type, id FROM resource WHERE key > $1 AND ($2::text[] IS NULL OR type = ANY($2))
ORDER BY key LIMIT $3"""
_VERSIONS: Final = "SELECT key, version_id FROM resource WHERE key = ANY($1::bigint[])"
_LIKENESSES: Final = """SELECT key, type, likeness FROM resource
WHERE key = ANY($1::bigint[]) AND content IS NOT NULL"""
_SET_LIKENESSES: Final = """UPDATE resource r SET likeness = n.likeness
FROM unnest($1::bigint[], $2::bigint[]) AS n(key, likeness) WHERE r.key = n.key"""
_OF_KEYS: Final = f"""SELECT {{columns}} FROM {{table}} WHERE resource_key = ANY($1::bigint[]) UNION ALL
SELECT i.* FROM unnest($1::bigint[]) AS k CROSS JOIN LATERAL (
  SELECT {{columns}} FROM {{table}} WHERE {sql_is_contained_in("resource_key", "k")} OFFSET 0) AS i"""  # noqa: S608
_DELETE: Final = "DELETE FROM {table} WHERE resource_key = ANY($1::bigint[])"
_NONE_OLDER: Final = """SELECT NOT EXISTS (SELECT FROM pg_stat_activity
  WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
  AND age(backend_xmin) >= age($1::text::xid))"""
_NONE_BEGUN_BEFORE: Final = """SELECT NOT EXISTS (SELECT FROM pg_stat_activity
  WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
  AND (age(backend_xmin) >= age($1::text::xid) OR age(backend_xid) >= age($1::text::xid)))"""


async def resources_after(
    session: Session, key: int, types: Sequence[str] | None, limit: int
) -> dict[int, tuple[str, str]]:
    """Key → (type, id) of the next resources, tombstones included, of all types or of these."""
    rows = await connection_of(session).fetch(_NEXT, key, types, limit)
    return {row["key"]: (row["type"], row["id"]) for row in rows}


async def last_key(session: Session) -> int:
    """The highest key so far; 0 where nothing is stored."""
    return int(await connection_of(session).fetchval("SELECT coalesce(max(key), 0) FROM resource"))


async def version_ids(session: Session, keys: Collection[int]) -> dict[int, int]:
    """Key → version id, of now."""
    return {row["key"]: row["version_id"] for row in await connection_of(session).fetch(_VERSIONS, list(keys))}


async def rows_of(session: Session, keys: Collection[int]) -> dict[int, IndexRows]:
    """The rows that the keys have."""
    found: dict[int, IndexRows] = {key: {} for key in keys}
    for kind, table in INDEX_TABLES.items():
        columns = ", ".join(column.name for column in table.columns)
        for key, *row in await connection_of(session).fetch(
            _OF_KEYS.format(columns=columns, table=table.name), list(keys)
        ):
            position, rows = contained_position(key), found[container_key(key)]
            if position is None:
                rows.setdefault(kind, []).append(tuple(row))
            else:
                rows.setdefault(CONTAINED[kind], []).append((position + 1, *row))
    return found


async def replace_rows(session: Session, expected: Mapping[int, IndexRows]) -> set[int]:
    """Give every key, and what is contained, the rows that are expected; the keys where that took a change."""
    changed: set[int] = set()
    connection = connection_of(session)
    for kind, table in INDEX_TABLES.items():
        columns = [column.name for column in table.columns]
        found: dict[int, Counter[tuple[Any, ...]]] = defaultdict(Counter)
        selected = ", ".join(columns)
        for row in await connection.fetch(_OF_KEYS.format(columns=selected, table=table.name), list(expected)):
            found[container_key(row[0])][tuple(row)] += 1
        records = {key: keyed_rows(key, kind, rows) for key, rows in expected.items()}
        differ = [key for key, rows in records.items() if Counter(rows) != found[key]]
        if differ:
            changed.update(differ)
            stale = [row[0] for key in differ for row in found[key]]
            await connection.execute(_DELETE.format(table=table.name), stale)
            missing = [row for key in differ for row in records[key]]
            await connection.copy_records_to_table(table.name, records=missing, columns=columns)
    return changed | await _replace_likenesses(connection, expected)


async def _replace_likenesses(connection: Any, expected: Mapping[int, IndexRows]) -> set[int]:
    found = await connection.fetch(_LIKENESSES, list(expected))
    likenesses = {row["key"]: likeness_of(row["type"], expected[row["key"]]) for row in found}
    differ = {row["key"] for row in found if row["likeness"] != likenesses[row["key"]]}
    if differ:
        await connection.execute(_SET_LIKENESSES, list(differ), [likenesses[key] for key in differ])
    return differ


def keyed_rows(key: int, kind: IndexName, rows: IndexRows) -> list[tuple[Any, ...]]:
    """The rows that a table has for a resource and what it contains, with all columns."""
    contained = rows.get(CONTAINED[kind], ())
    return [
        *((key, *row) for row in rows.get(kind, ())),
        *((contained_key(key, number), *row) for number, *row in contained),
    ]


async def transaction_id(session: Session) -> str:
    """The id of the session's transaction, for `none_older`."""
    return str(await connection_of(session).fetchval("SELECT pg_current_xact_id()::xid::text"))


async def none_older(session: Session, transaction: str) -> bool:
    """Whether every statement of others that is under way began after that transaction had ended."""
    return bool(await connection_of(session).fetchval(_NONE_OLDER, transaction))


async def none_begun_before(session: Session, transaction: str) -> bool:
    """The same, and whether every transaction of others that has written began after that one, too."""
    return bool(await connection_of(session).fetchval(_NONE_BEGUN_BEFORE, transaction))
