"""What canonical URLs mean to an organisation, where several have stored a definition of the same URL.

Everybody may store one, and everybody's would count for all; so for each URL those of one maker count: of the asker's
own organisation if it has made any, else of the service or its administrators, else of whose definition has had the URL
for the longest. What somebody else stores later changes nothing for anybody but himself, whatever its version or status
is; who was first with a URL that is not his gives way to an administrator alone. Which of them it is when one maker has
stored several is for others to say.
"""

# ruff: noqa: S608 - texts are constants and names; no value is ever part of one

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.search.bounded import bounded
from service.fhir.sight import ADMINISTRATION
from service.store.reading import VERSION, version_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    import asyncpg

    from service.fhir.resource import Version

MOST_DEFINED: Final = 300
"""Definitions that are read at once; what is beyond counts as not held."""


class Defined(Struct, frozen=True, kw_only=True):
    """A definition of a URL that counts, and whose there are of the same URL, itself included; nobody is not told."""

    url: str
    version: Version
    makers: frozenset[UUID]


_COLUMNS: Final = ", ".join(f"r.{each.strip()}" for each in VERSION.split(","))

# The time is that of the first version since the last one without the URL: an old resource may be given another one.
# It is looked up only where it decides.
_DEFINED: Final = f"""WITH named AS MATERIALIZED (
  SELECT u.url, r.key, r.identity, r.last_updated, m.organisation AS maker
  FROM unnest($1::text[], $2::text[]) AS u(url, value)
  CROSS JOIN LATERAL (
    SELECT DISTINCT i.resource_key AS key FROM unnest($3::integer[]) AS s(source)
    CROSS JOIN LATERAL (
      SELECT resource_key FROM index_uri
      WHERE hashtextextended(value, source) = hashtextextended(u.value, s.source)
      AND value = u.value AND source = s.source AND resource_key > 0 OFFSET 0) i) k
  CROSS JOIN LATERAL (
    SELECT key, identity, last_updated FROM resource WHERE key = k.key AND content->>'url' = u.url OFFSET 0) r
  LEFT JOIN LATERAL (
    SELECT s.organisation FROM seen_by s WHERE s.resource_key = r.key AND s.made
    ORDER BY s.organisation IS NOT DISTINCT FROM $4::uuid DESC LIMIT 1) m ON true),
shared AS MATERIALIZED (
  SELECT url, array_agg(DISTINCT maker) AS makers,
    count(DISTINCT maker) + bool_or(maker IS NULL)::integer > 1 AS several
  FROM named GROUP BY url),
meant AS MATERIALIZED (
  SELECT DISTINCT ON (n.url) n.url, n.maker, a.makers
  FROM named n JOIN shared a ON a.url = n.url
  LEFT JOIN LATERAL (
    SELECT min(v.last_updated) AS since FROM resource_history v
    WHERE v.identity = n.identity AND v.version_id > (
      SELECT coalesce(max(o.version_id), 0) FROM resource_history o
      WHERE o.identity = n.identity AND o.content->>'url' IS DISTINCT FROM n.url)) h ON a.several
  ORDER BY n.url, coalesce(n.maker = $4::uuid, false) DESC, coalesce(n.maker = $5::uuid, true) DESC,
    coalesce(h.since, n.last_updated), n.key)
SELECT m.url, m.makers, {_COLUMNS}
FROM named n JOIN meant m ON m.url = n.url AND m.maker IS NOT DISTINCT FROM n.maker
JOIN resource r ON r.key = n.key
ORDER BY n.key DESC LIMIT {MOST_DEFINED}"""


async def defined(
    connection: asyncpg.Connection[Any], asker: UUID | None, urls: Sequence[str], sources: Sequence[int]
) -> list[Defined]:
    """The definitions with the canonical URLs that count for the organisation `asker`, newest first.

    `sources` are those of the search parameter ``url`` of their type.
    """
    values = [bounded(url) for url in urls]
    rows = await connection.fetch(_DEFINED, list(urls), values, list(sources), asker, ADMINISTRATION)
    return [
        Defined(url=url, version=version_of(columns), makers=frozenset(each for each in makers if each is not None))
        for url, makers, *columns in rows
    ]
