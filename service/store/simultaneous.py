"""What somebody takes part in at a time: looked up where nobody may be at two places at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.store.reading import version_of
from service.store.referrals import COLUMNS
from service.store.sight import sees

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

    from service.fhir.resource import Version
    from service.store.store import Session

_LOCK: Final = """WITH k AS MATERIALIZED (SELECT DISTINCT hashtextextended(i::text, 0) AS key
FROM unnest($1::uuid[]) AS i ORDER BY 1) SELECT pg_advisory_xact_lock(key) FROM k"""
_NAMES: Final = """EXISTS (SELECT FROM {people} p CROSS JOIN unnest($6::integer[]) AS s(source)
  JOIN index_reference i ON uuid_hash_extended(i.target, i.source) = uuid_hash_extended(p.identity, s.source)
  AND i.target = p.identity AND i.source = s.source AND i.resource_key = k.key)"""
_FOUND: Final = f"""WITH t AS MATERIALIZED (
  SELECT identity FROM unnest($4::uuid[]) AS g(identity)
  UNION SELECT r.identity FROM unnest($4::uuid[]) AS g(identity) CROSS JOIN LATERAL (
    SELECT i.resource_key FROM index_reference i
    WHERE uuid_hash_extended(i.target, i.source) = uuid_hash_extended(g.identity, $8::integer)
    AND i.target = g.identity AND i.source = $8::integer OFFSET 0) i
  CROSS JOIN LATERAL (SELECT identity FROM resource WHERE key = i.resource_key OFFSET 0) r),
a AS MATERIALIZED (SELECT identity FROM unnest($5::uuid[]) AS g(identity)),
k AS MATERIALIZED (
  SELECT DISTINCT d.resource_key AS key FROM index_date d
  WHERE d.source = ANY($1::integer[]) AND d.low >= $2 AND d.low < $3 AND d.resource_key > 0),
f AS MATERIALIZED (
  SELECT k.key, {_NAMES.format(people="t")} AS therapist, {_NAMES.format(people="a")} AS patient FROM k)
SELECT f.therapist, f.patient AND ($7::uuid[] IS NULL OR {sees("f.key", "$7")}) AS patient, {COLUMNS} FROM f
CROSS JOIN LATERAL (SELECT * FROM resource WHERE key = f.key AND content IS NOT NULL OFFSET 0) r
WHERE f.therapist OR (f.patient AND ($7::uuid[] IS NULL OR {sees("f.key", "$7")})) ORDER BY f.key"""  # noqa: S608 - constants only


class Sources(Struct, frozen=True, kw_only=True):
    """The numbers of sources: of dates, of the references to people, and of a role's reference to who has it."""

    dates: tuple[int, ...]
    people: tuple[int, ...]
    role: int


class Meanwhile(Struct, frozen=True, kw_only=True):
    """What one of the therapists is named in, or one of the patients as far as the session sees it."""

    of_therapist: bool
    of_patient: bool
    version: Version


async def lock_people(session: Session, people: Collection[UUID]) -> None:
    """Wait until no other transaction that looks after the same people is under way; the last locks that it takes."""
    await _connection(session).fetch(_LOCK, list(people))


async def begun_between(
    session: Session,
    sources: Sources,
    therapists: Collection[UUID],
    patients: Collection[UUID],
    since: datetime,
    until: datetime,
) -> list[Meanwhile]:
    """What began from `since` to before `until` and names one of the therapists, or a role of one, or a patient.

    That of therapists is found whoever may see it; that of patients as far as the session sees it.
    """
    by = session._by  # noqa: SLF001 - the statements of a session, in a module of their own
    asked = (list(sources.dates), since, until, list(therapists), list(patients), list(sources.people), by)
    rows = await _connection(session).fetch(_FOUND, *asked, sources.role)
    return [Meanwhile(of_therapist=row[0], of_patient=row[1], version=version_of(row[2:])) for row in rows]


def _connection(session: Session) -> Any:
    return session._connection  # noqa: SLF001
