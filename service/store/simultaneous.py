"""What somebody takes part in at a time: looked up where nobody may be at two places at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.store.referrals import COLUMNS
from service.store.sight import sees
from service.store.store import version_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

    from service.fhir.resource import Version
    from service.store.store import Session

_LOCK: Final = """WITH k AS MATERIALIZED (SELECT DISTINCT hashtextextended(i::text, 0) AS key
FROM unnest($1::uuid[]) AS i ORDER BY 1) SELECT pg_advisory_xact_lock(key) FROM k"""
_FOUND: Final = f"""WITH p AS MATERIALIZED (
  SELECT identity FROM unnest($4::uuid[]) AS g(identity)
  UNION SELECT r.identity FROM unnest($4::uuid[]) AS g(identity) CROSS JOIN LATERAL (
    SELECT i.resource_key FROM index_reference i
    WHERE uuid_hash_extended(i.target, i.source) = uuid_hash_extended(g.identity, $7::integer)
    AND i.target = g.identity AND i.source = $7::integer OFFSET 0) i
  CROSS JOIN LATERAL (SELECT identity FROM resource WHERE key = i.resource_key OFFSET 0) r),
k AS MATERIALIZED (
  SELECT DISTINCT d.resource_key AS key FROM index_date d
  WHERE d.source = ANY($1::integer[]) AND d.low >= $2 AND d.low < $3 AND d.resource_key > 0)
SELECT {COLUMNS} FROM k
CROSS JOIN LATERAL (SELECT * FROM resource WHERE key = k.key AND content IS NOT NULL OFFSET 0) r
WHERE EXISTS (
  SELECT FROM p CROSS JOIN unnest($5::integer[]) AS s(source)
  JOIN index_reference i ON uuid_hash_extended(i.target, i.source) = uuid_hash_extended(p.identity, s.source)
  AND i.target = p.identity AND i.source = s.source AND i.resource_key = k.key)
AND ($6::uuid[] IS NULL OR {sees("r.key", "$6")}) ORDER BY k.key"""  # noqa: S608 - constants only


class Sources(Struct, frozen=True, kw_only=True):
    """The numbers of sources: of dates, of the references to people, and of a role's reference to who has it."""

    dates: tuple[int, ...]
    people: tuple[int, ...]
    role: int


async def lock_people(session: Session, people: Collection[UUID]) -> None:
    """Wait until no other transaction that looks after the same people is under way; the last locks that it takes."""
    await _connection(session).fetch(_LOCK, list(people))


async def begun_between(
    session: Session, sources: Sources, people: Collection[UUID], since: datetime, until: datetime
) -> list[Version]:
    """What began from `since` to before `until` and names one of the people, or a role of one; as the session sees."""
    by = session._by  # noqa: SLF001 - the statements of a session, in a module of their own
    asked = (list(sources.dates), since, until, list(people), list(sources.people), by, sources.role)
    rows = await _connection(session).fetch(_FOUND, *asked)
    return [version_of(row) for row in rows]


def _connection(session: Session) -> Any:
    return session._connection  # noqa: SLF001
