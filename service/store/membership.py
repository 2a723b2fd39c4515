"""The members of a referral as somebody sees them: what `store.sight` keeps, a page at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.reference import identity_of
from service.fhir.sight import REFERRAL
from service.store.found import FOUND_COLUMNS, found_in
from service.store.on_session import connection_of, organisations_of
from service.store.sight import OPEN, shows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from service.store.found import Found
    from service.store.store import Session

_MEMBERS: Final = f"""SELECT {FOUND_COLUMNS}
FROM resource f JOIN referral_member m ON m.referral_key = f.key JOIN resource r ON r.key = m.resource_key
WHERE f.identity = $1 AND r.key <> f.key AND r.key > $2 AND r.type = ANY($3::text[]) AND r.content IS NOT NULL
AND ($4::timestamptz IS NULL OR r.last_updated >= $4)
AND ($6::uuid[] IS NULL OR {shows("r", "$6", "$7")})
ORDER BY r.key LIMIT $5"""  # noqa: S608 - constants only

_EPISODES: Final = f"""WITH f AS MATERIALIZED (
  SELECT DISTINCT m.referral_key FROM unnest($1::uuid[]) AS t(identity)
  CROSS JOIN LATERAL (SELECT key FROM resource WHERE identity = t.identity OFFSET 0) k
  CROSS JOIN LATERAL (SELECT referral_key FROM referral_member WHERE resource_key = k.key OFFSET 0) m)
SELECT {FOUND_COLUMNS}, o.id AS referral FROM f
CROSS JOIN LATERAL (SELECT id FROM resource WHERE key = f.referral_key OFFSET 0) o
CROSS JOIN LATERAL (SELECT resource_key FROM referral_member WHERE referral_key = f.referral_key OFFSET 0) m
CROSS JOIN LATERAL (SELECT * FROM resource WHERE key = m.resource_key OFFSET 0) r
WHERE r.content IS NOT NULL AND r.type = ANY($2::text[])
AND (r.type <> 'Provenance' OR r.content::text LIKE '%"code":"' || $3 || '"%')
AND ($4::uuid[] IS NULL OR {shows("r", "$4", "$5")})
ORDER BY f.referral_key LIMIT $6"""  # noqa: S608 - constants only


async def episodes_of(
    session: Session, tasks: Sequence[str], types: Sequence[str], *, step: str, limit: int
) -> dict[str, list[Found]]:
    """Id of a referral → up to `limit` members of all referrals together that Tasks, by their ids, belong to.

    They are of the types and within the session's sight; of Provenances only those of a step of a life cycle.
    """
    connection = connection_of(session)
    identities = [identity_of("Task", each) for each in tasks]
    by = organisations_of(session)
    found: dict[str, list[Found]] = {}
    for each in found_in(await connection.fetch(_EPISODES, identities, list(types), step, by, OPEN, limit)):
        found.setdefault(str(each.sort[0]), []).append(each)
    return found


async def members_of(
    session: Session, referral: str, types: Sequence[str], *, since: datetime | None, after: int, limit: int
) -> list[Found]:
    """Up to `limit` members of a referral, by its id, and not itself: those with keys beyond `after`, oldest first.

    They are of the types, within the session's sight, and last updated at `since` or later.
    """
    identity = identity_of(REFERRAL, referral)
    connection = connection_of(session)
    by = organisations_of(session)
    rows = await connection.fetch(_MEMBERS, identity, after, list(types), since, limit, by, OPEN)
    return found_in(rows)
