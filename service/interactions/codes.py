"""Sets of codes in criteria (``:in``, ``:above``, ...), written out by the resources that the service holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir import codec
from service.fhir.search.parse import parse_criteria
from service.fhir.search.terminology import criteria_of, resolve, unresolved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.fhir.interaction import Context
    from service.fhir.resource import Content
    from service.fhir.search.query import Query
    from service.fhir.search.value_set import Needed
    from service.interactions.parts import Parts
    from service.store.store import Session

_ENOUGH: Final = 2
"""Of resources with the same canonical URL: one is used, several are refused."""


async def with_codes(parts: Parts, session: Session, context: Context, query: Query) -> Query:
    """The query without sets of codes; FhirError tells which cannot be written out. Most queries have none."""
    held: dict[Needed, Sequence[Content]] = {}
    missing = unresolved(query, held)
    if not missing:
        return query
    while missing:
        for needed in missing:
            held[needed] = await _look_up(parts, session, context, needed)
        missing = unresolved(query, held)
    return resolve(query, held, limit=parts.limits.search.codes)


async def _look_up(parts: Parts, session: Session, context: Context, needed: Needed) -> list[Content]:
    """The resources of a name, as many as tell one from several: the active ones, or else those of any status."""
    named = criteria_of(needed)
    for criteria in ((*named, ("status", "active")), named):
        wanted = parse_criteria(parts.registry, needed.type, criteria, base=context.base, zone=parts.zone)
        found = await session.search(wanted, limit=_ENOUGH)
        if found:
            return [codec.decode(each.content) for each in found]
    return []
