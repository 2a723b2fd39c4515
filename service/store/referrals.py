"""What belongs to a referral, and what is known of a patient: read for the rules of the service, whoever asks.

These statements see everything. A referral that is read to be changed is locked until the end of the transaction, so
that of two units of work on it the second judges what the first has left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.reference import identity_of
from service.store.on_session import connection_of, organisations_of, sight_of
from service.store.reading import version_of
from service.store.sight import LEADS, sees

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from uuid import UUID

    from service.fhir.resource import Version
    from service.store.store import Session

COLUMNS: Final = "r.type, r.id, r.version_id, r.last_updated, r.method, r.content"
_SEEN: Final = f"""SELECT r.type, r.id, $3::uuid[] IS NULL OR {sees("r.key", "$3")} AS lasts FROM resource r
WHERE r.identity = ANY($1::uuid[]) AND r.content IS NOT NULL AND {sees("r.key", "$2")}"""  # noqa: S608
_OF_RESOURCES: Final = f"""(
    SELECT key FROM resource WHERE identity = ANY($1::uuid[]) AND type = ANY($2::text[]) OFFSET 0) r
  CROSS JOIN LATERAL (
    SELECT m.referral_key, {LEADS} AS leads
    FROM referral_member m WHERE m.resource_key = r.key OFFSET 0) m WHERE m.leads"""  # noqa: S608 - constants only
"""Each key is looked up by itself (OFFSET 0): a join could read the whole of a table by its index."""
# a patient is locked, too: of a referral and a danger that come at the same time one has to see the other
_LOCK: Final = f"""WITH k AS MATERIALIZED (
  SELECT m.referral_key AS key FROM {_OF_RESOURCES}
  UNION SELECT key FROM resource WHERE identity = ANY($1::uuid[]) AND type = 'Patient' ORDER BY 1)
SELECT pg_advisory_xact_lock(key) FROM k"""  # noqa: S608 - constants only
_MEMBERS: Final = f"""WITH k AS MATERIALIZED (
  SELECT DISTINCT m.referral_key FROM {_OF_RESOURCES})
SELECT f.id AS referral, {COLUMNS} FROM k
CROSS JOIN LATERAL (SELECT id FROM resource WHERE key = k.referral_key OFFSET 0) f
CROSS JOIN LATERAL (SELECT resource_key FROM referral_member WHERE referral_key = k.referral_key OFFSET 0) m
CROSS JOIN LATERAL (SELECT * FROM resource WHERE key = m.resource_key AND content IS NOT NULL OFFSET 0) r
WHERE $3::text[] IS NULL OR r.type = ANY($3::text[])
ORDER BY k.referral_key, r.key"""  # noqa: S608 - constants only
_ABOUT: Final = f"""SELECT DISTINCT ON (r.key) {COLUMNS}
FROM unnest($1::uuid[]) AS p(identity) CROSS JOIN unnest($2::integer[]) AS s(source)
CROSS JOIN LATERAL (
  SELECT i.resource_key FROM index_reference i
  WHERE uuid_hash_extended(i.target, i.source) = uuid_hash_extended(p.identity, s.source)
  AND i.target = p.identity AND i.source = s.source AND i.resource_key > 0 LIMIT $3) i
CROSS JOIN LATERAL (SELECT * FROM resource WHERE key = i.resource_key AND content IS NOT NULL OFFSET 0) r
ORDER BY r.key"""  # noqa: S608
_LIVE: Final = """SELECT DISTINCT f.id, f.key
FROM unnest($1::text[]) AS c(code) CROSS JOIN LATERAL (
  SELECT i.resource_key FROM index_token i
  WHERE hashtextextended(i.code, i.source) = hashtextextended(c.code, $2::integer)
  AND i.source = $2::integer AND i.code = c.code) t
CROSS JOIN LATERAL (SELECT referral_key FROM referral_member WHERE resource_key = t.resource_key OFFSET 0) m
CROSS JOIN LATERAL (SELECT id, key FROM resource WHERE key = m.referral_key AND content IS NOT NULL OFFSET 0) f
WHERE f.key > $3 ORDER BY f.key LIMIT $4"""


async def lock_referrals(session: Session, identities: Collection[UUID], types: Sequence[str]) -> None:
    """Wait until nobody else works on the referrals that resources of these types belong to, or on the patients.

    Resources and patients are told by their identities.
    """
    await connection_of(session).fetch(_LOCK, list(identities), types)


async def seen(session: Session, named: Collection[tuple[str, str]]) -> dict[tuple[str, str], bool]:
    """Which of the (type, id) pairs, of types that not everybody sees, are there within the session's sight.

    False of those that are seen by referrals alone that are open to all. A session that sees everything is not asked:
    for it all of them.
    """
    by = organisations_of(session)
    if by is None or not named:
        return dict.fromkeys(named, True)
    sight = sight_of(session)
    lasting = sight.lasting if sight else None
    rows = await connection_of(session).fetch(_SEEN, [identity_of(*each) for each in named], by, lasting)
    return {(row["type"], row["id"]): row["lasts"] for row in rows}


async def members(
    session: Session, identities: Collection[UUID], types: Sequence[str], *, only: Sequence[str] | None = None
) -> dict[str, dict[tuple[str, str], Version]]:
    """Id of a referral → (type, id) → version, of all that belongs to the referrals of resources of some types.

    Resources are told by their identities; `only` what belongs to it of these types.
    """
    found: dict[str, dict[tuple[str, str], Version]] = {}
    for row in await connection_of(session).fetch(_MEMBERS, list(identities), types, only):
        version = version_of(row[1:])
        found.setdefault(row[0], {})[version.type, version.id] = version
    return found


async def about(session: Session, patients: Sequence[str], sources: Sequence[int], *, most: int) -> list[Version]:
    """The resources that refer to the patients, by their ids, from one of the sources; `most` of each source."""
    identities = [identity_of("Patient", each) for each in patients]
    rows = await connection_of(session).fetch(_ABOUT, identities, list(sources), most)
    return [version_of(row) for row in rows]


async def resources(session: Session, named: Collection[tuple[str, str]]) -> list[Version]:
    """The current versions of (type, id) pairs that exist."""
    rows = await connection_of(session).fetch(
        f"SELECT {COLUMNS} FROM resource r WHERE r.identity = ANY($1::uuid[]) AND r.content IS NOT NULL",  # noqa: S608
        [identity_of(*each) for each in named],
    )
    return [version_of(row) for row in rows]


async def referrals_with_tasks(
    session: Session, statuses: Sequence[str], source: int, *, after: int, most: int
) -> list[tuple[str, int]]:
    """(id, key) of referrals with a Task in one of the states, by the source of Task.status, in the order of keys."""
    rows = await connection_of(session).fetch(_LIVE, list(statuses), source, after, most)
    return [(row[0], row[1]) for row in rows]
