"""The index rows of stored resources, read and replaced; `reindex` rebuilds them while clients write.

A writer's statement clears the index rows that it saw when it began. If it then waits for a row that is being rebuilt,
it clears the old index rows and misses the rebuilt ones, which stay beside its own. So whoever replaces rows has to
look again, once no statement can be left that began before (`none_older`), at the resources that have another version
by then.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final

from service.store.likeness import likeness_of
from service.store.tables import INDEX_TABLES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from service.fhir.search.extract import IndexRows
    from service.store.store import Session

_NEXT: Final = """SELECT key, type, id FROM resource WHERE key > $1 AND ($2::text[] IS NULL OR type = ANY($2))
ORDER BY key LIMIT $3"""
_VERSIONS: Final = "SELECT key, version_id FROM resource WHERE key = ANY($1::bigint[])"
_LIKENESSES: Final = """SELECT key, type, likeness FROM resource
WHERE key = ANY($1::bigint[]) AND content IS NOT NULL"""
_SET_LIKENESSES: Final = """UPDATE resource r SET likeness = n.likeness
FROM unnest($1::bigint[], $2::bigint[]) AS n(key, likeness) WHERE r.key = n.key"""
_OF_KEYS: Final = "resource_key = ANY($1::bigint[])"
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
    rows = await _connection(session).fetch(_NEXT, key, types, limit)
    return {row["key"]: (row["type"], row["id"]) for row in rows}


async def last_key(session: Session) -> int:
    """The highest key so far; 0 where nothing is stored."""
    return int(await _connection(session).fetchval("SELECT coalesce(max(key), 0) FROM resource"))


async def version_ids(session: Session, keys: Collection[int]) -> dict[int, int]:
    """Key → version id, of now."""
    return {row["key"]: row["version_id"] for row in await _connection(session).fetch(_VERSIONS, list(keys))}


async def rows_of(session: Session, keys: Collection[int]) -> dict[int, IndexRows]:
    """The rows that the keys have."""
    found: dict[int, IndexRows] = {key: {} for key in keys}
    for kind, table in INDEX_TABLES.items():
        columns = ", ".join(column.name for column in table.columns)
        select = f"SELECT {columns} FROM {table.name} WHERE {_OF_KEYS}"  # noqa: S608 - names of columns
        for key, *row in await _connection(session).fetch(select, list(keys)):
            found[key].setdefault(kind, []).append(tuple(row))
    return found


async def replace_rows(session: Session, expected: Mapping[int, IndexRows]) -> set[int]:
    """Give every key the rows that are expected; the keys where that took a change."""
    changed: set[int] = set()
    connection = _connection(session)
    for kind, table in INDEX_TABLES.items():
        columns = [column.name for column in table.columns]
        found: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
        select = f"SELECT {', '.join(columns)} FROM {table.name} WHERE {_OF_KEYS}"  # noqa: S608 - names of columns
        for key, *row in await connection.fetch(select, list(expected)):
            found[key].append(tuple(row))
        differ = [key for key, rows in expected.items() if Counter(rows.get(kind, ())) != Counter(found[key])]
        if differ:
            changed.update(differ)
            await connection.execute(f"DELETE FROM {table.name} WHERE {_OF_KEYS}", differ)  # noqa: S608
            records = [(key, *row) for key in differ for row in expected[key].get(kind, ())]
            await connection.copy_records_to_table(table.name, records=records, columns=columns)
    return changed | await _replace_likenesses(connection, expected)


async def _replace_likenesses(connection: Any, expected: Mapping[int, IndexRows]) -> set[int]:
    found = await connection.fetch(_LIKENESSES, list(expected))
    likenesses = {row["key"]: likeness_of(row["type"], expected[row["key"]]) for row in found}
    differ = {row["key"] for row in found if row["likeness"] != likenesses[row["key"]]}
    if differ:
        await connection.execute(_SET_LIKENESSES, list(differ), [likenesses[key] for key in differ])
    return differ


async def transaction_id(session: Session) -> str:
    """The id of the session's transaction, for `none_older`."""
    return str(await _connection(session).fetchval("SELECT pg_current_xact_id()::xid::text"))


async def none_older(session: Session, transaction: str) -> bool:
    """Whether every statement of others that is under way began after that transaction had ended."""
    return bool(await _connection(session).fetchval(_NONE_OLDER, transaction))


async def none_begun_before(session: Session, transaction: str) -> bool:
    """The same, and whether every transaction of others that has written began after that one, too."""
    return bool(await _connection(session).fetchval(_NONE_BEGUN_BEFORE, transaction))


def _connection(session: Session) -> Any:
    return session._connection  # noqa: SLF001 - the statements of a session, in a module of their own
