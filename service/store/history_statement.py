"""The statement that reads a page of history, of an instance, a type or the system.

Current versions live in `resource`, superseded ones in `resource_history`; a page is the newest `limit` rows of both.
Each type is walked by its own index and the pages are merged, so no further index has to be kept.
https://hl7.org/fhir/R4/http.html#history
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.sight import seen_number
from service.store.sight import is_open, sees

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from service.fhir.resource import Version

_COLUMNS: Final = "identity, type, id, version_id, last_updated, method, content"
_VERSION: Final = ", ".join(f"v.{each}" for each in _COLUMNS.split(", "))
_ORDER: Final = "ORDER BY last_updated DESC, identity DESC, version_id DESC"

# A version that made its resource: the first one, or the first after a deletion, which is never the current one.
_MADE: Final = """version_id = 1 OR EXISTS (SELECT FROM resource_history p WHERE p.identity = page.identity
    AND p.version_id = page.version_id - 1 AND p.method = 'DELETE') AS made"""

# The types are indexed by their hashes.
_OF_TYPE: Final = "hashtextextended(v.type, 0) = hashtextextended(t.type, 0) AND v.type = t.type"

# Whoever sees little of what there is would walk past what others have, so his own is looked up if it is not too much.
_FEW: Final = 5000
_MANY: Final = f"(SELECT count(*) FROM mine) > {_FEW}"  # noqa: S608 - constants only
_MINE: Final = f"""WITH mine AS MATERIALIZED (
  SELECT DISTINCT s.resource_key FROM unnest({{organisations}}::uuid[]) AS o(organisation)
  CROSS JOIN unnest({{numbers}}::integer[]) AS n(source)
  CROSS JOIN LATERAL (
    SELECT resource_key FROM seen_by s
    WHERE uuid_hash_extended(s.organisation, s.source) = uuid_hash_extended(o.organisation, n.source)
    AND s.organisation = o.organisation AND s.source = n.source AND s.resource_key > 0 LIMIT {_FEW + 1}) s
  LIMIT {_FEW + 1})
"""  # noqa: S608 - constants only
_OF_MINE: Final = (
    "mine m CROSS JOIN LATERAL (SELECT * FROM resource r WHERE r.key = m.resource_key OFFSET 0) v",
    """mine m CROSS JOIN LATERAL (SELECT identity FROM resource r WHERE r.key = m.resource_key OFFSET 0) r
  CROSS JOIN LATERAL (SELECT * FROM resource_history h WHERE h.identity = r.identity OFFSET 0) v""",
)

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

    conditions, limit = _conditions(page, bind), bind(page.limit)
    kept = [each for each in page.types if by is not None and not is_open(each)]
    organisations = bind(list(by or ())) if kept else ""
    seen = f"EXISTS (SELECT FROM resource k WHERE k.identity = v.identity AND {sees('k.key', organisations)})"
    mine = ""
    if page.identity is not None:
        scopes = [_Scope(where=[f"v.identity = {bind(page.identity)}", *([seen] if kept else [])])]
    else:
        shared = [each for each in page.types if each not in kept]
        scopes = [_Scope(types=bind(shared))] if shared else []
        if kept:
            mine = _MINE.format(organisations=organisations, numbers=bind([seen_number(each) for each in kept]))
            scopes += [_Scope(types=bind(kept), where=[_MANY, seen]), _Scope(tables=_OF_MINE, where=[f"NOT {_MANY}"])]
    found = " UNION ALL ".join(f"({scope.newest(conditions, limit)})" for scope in scopes)
    newest = f"SELECT * FROM ({found}) AS p {_ORDER} LIMIT {limit}"  # noqa: S608
    return f"{mine}SELECT {_COLUMNS}, {_MADE} FROM ({newest}) AS page {_ORDER}", arguments  # noqa: S608


class _Scope(Struct, frozen=True, kw_only=True):
    """What a page is read from: the rows `v` of the `tables`, `where`; of each of the `types`, an array, by itself."""

    where: Sequence[str] = ()
    tables: Sequence[str] = ("resource v", "resource_history v")
    types: str = ""

    def newest(self, conditions: Sequence[str], limit: str) -> str:
        """The statement that reads the newest `limit` versions which meet the conditions."""
        where = " AND ".join([*([_OF_TYPE] if self.types else []), *self.where, *conditions])
        ending = f"{_ORDER} LIMIT {limit}"
        branches = " UNION ALL ".join(
            f"(SELECT {_VERSION} FROM {each} WHERE {where} {ending})"  # noqa: S608
            for each in self.tables
        )
        newest = f"SELECT * FROM ({branches}) AS b {ending}"  # noqa: S608
        if not self.types:
            return newest
        return f"SELECT b.* FROM unnest({self.types}::text[]) AS t(type) CROSS JOIN LATERAL ({newest}) AS b {ending}"  # noqa: S608


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
