"""What somebody takes part in at a time: looked up where nobody may be at two places at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.store.on_session import connection_of, organisations_of
from service.store.reading import version_of
from service.store.referrals import COLUMNS
from service.store.sight import sees

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from service.fhir.resource import Version
    from service.fhir.temporal import Range
    from service.store.store import Session

_LOCK: Final = """WITH k AS MATERIALIZED (SELECT DISTINCT hashtextextended(i::text, 0) AS key
FROM unnest($1::uuid[]) AS i ORDER BY 1) SELECT pg_advisory_xact_lock(key) FROM k"""
_FOUND: Final = f"""WITH t AS MATERIALIZED (
  SELECT identity FROM unnest($4::uuid[]) AS g(identity)
  UNION SELECT r.identity FROM unnest($4::uuid[]) AS g(identity) CROSS JOIN LATERAL (
    SELECT i.resource_key FROM index_reference i
    WHERE uuid_hash_extended(i.target, i.source) = uuid_hash_extended(g.identity, $8::integer)
    AND i.target = g.identity AND i.source = $8::integer OFFSET 0) i
  CROSS JOIN LATERAL (SELECT identity FROM resource WHERE key = i.resource_key OFFSET 0) r),
k AS MATERIALIZED (
  SELECT DISTINCT d.resource_key AS key FROM index_date d
  WHERE d.source = ANY($1::integer[]) AND d.low >= $2 AND d.low < $3 AND d.resource_key > 0),
by_therapist AS MATERIALIZED (
  SELECT k.key FROM k WHERE EXISTS (
    SELECT FROM t CROSS JOIN unnest($6::integer[]) AS s(source)
    JOIN index_reference i ON uuid_hash_extended(i.target, i.source) = uuid_hash_extended(t.identity, s.source)
    AND i.target = t.identity AND i.source = s.source AND i.resource_key = k.key)),
of_patient AS MATERIALIZED (
  SELECT DISTINCT i.resource_key AS key FROM unnest($5::uuid[]) AS g(identity)
  CROSS JOIN unnest($6::integer[]) AS s(source) CROSS JOIN LATERAL (
    SELECT i.resource_key FROM index_reference i
    WHERE uuid_hash_extended(i.target, i.source) = uuid_hash_extended(g.identity, s.source)
    AND i.target = g.identity AND i.source = s.source AND i.resource_key > 0 OFFSET 0) i),
by_patient AS MATERIALIZED (
  SELECT p.key FROM of_patient p WHERE EXISTS (
    SELECT FROM index_date d WHERE d.resource_key = p.key AND d.source = ANY($1::integer[])
    AND d.low >= $9 AND d.low < $10)
  AND ($7::uuid[] IS NULL OR {sees("p.key", "$7")}))
SELECT f.therapist, f.patient, {COLUMNS}
FROM (
  SELECT key, bool_or(therapist) AS therapist, bool_or(NOT therapist) AS patient
  FROM (SELECT key, true AS therapist FROM by_therapist UNION ALL SELECT key, false FROM by_patient) b
  GROUP BY key) f
CROSS JOIN LATERAL (SELECT * FROM resource WHERE key = f.key AND content IS NOT NULL OFFSET 0) r
ORDER BY f.key"""  # noqa: S608 - constants only
"""Therapists are looked for in what begins at the time, as they have many; a patient has few, over a whole day."""


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
    await connection_of(session).fetch(_LOCK, list(people))


async def begun_between(
    session: Session,
    sources: Sources,
    therapists: Collection[UUID],
    patients: Collection[UUID],
    while_busy: Range,
    on_day: Range,
) -> list[Meanwhile]:
    """What began `while_busy` and names a therapist, or a role of one, or began `on_day` and names a patient.

    That of therapists is found whoever may see it; that of patients as far as the session sees it.
    """
    by = organisations_of(session)
    busy, day = (while_busy.low, while_busy.high), (on_day.low, on_day.high)
    asked = (list(therapists), list(patients), list(sources.people), by, sources.role)
    rows = await connection_of(session).fetch(_FOUND, list(sources.dates), *busy, *asked, *day)
    return [Meanwhile(of_therapist=row[0], of_patient=row[1], version=version_of(row[2:])) for row in rows]
