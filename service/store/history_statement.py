"""The statement that reads a page of history, of an instance, a type or the system.

Current versions live in `resource`, superseded ones in `resource_history`; a page is the newest `limit` rows of both.
For the system each type is walked by its own index and the pages are merged, so no further index has to be kept.
https://hl7.org/fhir/R4/http.html#history
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.store.sight import OPEN, is_open, shows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from service.fhir.resource import Version

_COLUMNS: Final = "identity, type, id, version_id, last_updated, method, content"
_ORDER: Final = "ORDER BY last_updated DESC, identity DESC, version_id DESC"

# A version that made its resource: the first one, or the first after a deletion, which is never the current one.
_MADE: Final = """version_id = 1 OR EXISTS (SELECT FROM resource_history p WHERE p.identity = page.identity
    AND p.version_id = page.version_id - 1 AND p.method = 'DELETE') AS made"""

# The types are indexed by their hashes.
_OF_TYPE: Final = "hashtextextended(v.type, 0) = hashtextextended({type}, 0) AND v.type = {type}"

# A version was current at some point of [low, high) when it began before `high` and its successor, if any, after `low`.
_CURRENT_WITHIN: Final = """NOT EXISTS (SELECT FROM resource n WHERE n.identity = v.identity
    AND n.version_id = v.version_id + 1 AND n.last_updated <= {low})
  AND NOT EXISTS (SELECT FROM resource_history n WHERE n.identity = v.identity
    AND n.version_id = v.version_id + 1 AND n.last_updated <= {low})"""


class HistoryPage(Struct, frozen=True, kw_only=True):
    """Which versions: of `identity`, or of `types`; `since` inclusive; `at` a half-open range of instants.

    `after` is the (last_updated, identity, version_id) of the last version of the page before.
    """

    identity: UUID | None
    types: Sequence[str]
    limit: int
    since: datetime | None = None
    at: tuple[datetime, datetime] | None = None
    after: tuple[datetime, UUID, int] | None = None


class PastVersion(Struct, frozen=True, kw_only=True):
    """A version, and whether it made its resource, for the first time or again."""

    version: Version
    made: bool


def history_statement(page: HistoryPage, by: Sequence[UUID] | None = None) -> tuple[str, list[Any]]:
    """The text and the arguments that read `page`, newest first: of what the organisations `by` see, None for all.

    The rows are the identity, the columns of a version, and whether it made its resource.
    """
    arguments: list[Any] = []

    def bind(value: Any) -> str:
        arguments.append(value)
        return f"${len(arguments)}"

    conditions = _conditions(page, bind)
    if by is not None and not all(is_open(each) for each in page.types):
        shown = shows("k", bind(list(by)), bind(OPEN))
        conditions.append(f"EXISTS (SELECT FROM resource k WHERE k.identity = v.identity AND {shown})")
    limit = bind(page.limit)

    def newest(scope: str) -> str:
        where = " AND ".join([scope, *conditions])
        branches = " UNION ALL ".join(
            f"(SELECT {_COLUMNS} FROM {table} v WHERE {where} {_ORDER} LIMIT {limit})"  # noqa: S608 - no values in it
            for table in ("resource", "resource_history")
        )
        return f"SELECT * FROM ({branches}) AS page {_ORDER} LIMIT {limit}"  # noqa: S608

    if page.identity is not None:
        found = newest(f"v.identity = {bind(page.identity)}")
    elif len(page.types) == 1:
        found = newest(_OF_TYPE.format(type=f"{bind(page.types[0])}::text"))
    else:
        per_type = newest(_OF_TYPE.format(type="t.type"))
        found = (
            f"SELECT p.* FROM unnest({bind(list(page.types))}::text[]) AS t(type) "  # noqa: S608
            f"CROSS JOIN LATERAL ({per_type}) AS p {_ORDER} LIMIT {limit}"
        )
    return f"SELECT {_COLUMNS}, {_MADE} FROM ({found}) AS page {_ORDER}", arguments  # noqa: S608


def _conditions(page: HistoryPage, bind: Any) -> list[str]:
    conditions = []
    if page.since is not None:
        conditions.append(f"v.last_updated >= {bind(page.since)}")
    if page.at is not None:
        low, high = (bind(instant) for instant in page.at)
        conditions.append(f"v.last_updated < {high}")
        conditions.append(_CURRENT_WITHIN.format(low=low))
    if page.after is not None:
        last_updated, identity, version_id = (bind(value) for value in page.after)
        conditions.append(f"v.last_updated <= {last_updated}")
        conditions.append(f"(v.last_updated, v.identity, v.version_id) < ({last_updated}, {identity}, {version_id})")
    return conditions
