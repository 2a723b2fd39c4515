"""Security labels over the whole database: is there anything without one?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.store.on_session import connection_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from service.store.store import Session

_UNLABELLED: Final = """SELECT r.type FROM resource r
WHERE r.content IS NOT NULL AND r.type = ANY($1::text[]) AND NOT EXISTS (
  SELECT FROM unnest($1::text[], $2::integer[]) AS s(type, source)
  CROSS JOIN LATERAL (
    SELECT FROM index_token i
    WHERE hashtextextended(i.code, i.source) = hashtextextended($3, s.source)
    AND i.resource_key = r.key AND i.source = s.source AND i.code = $3 OFFSET 0) i
  WHERE s.type = r.type)
LIMIT 1"""


async def unlabelled(session: Session, sources: Mapping[str, Sequence[int]], code: str) -> str | None:
    """The type of a resource, of the types that have `sources` of labels, without the label; None where all have it."""
    pairs = [(name, number) for name, numbers in sources.items() for number in numbers]
    connection = connection_of(session)
    found: str | None = await connection.fetchval(_UNLABELLED, [each for each, _ in pairs], [n for _, n in pairs], code)
    return found
