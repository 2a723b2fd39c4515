"""Sets of codes in criteria (``:in``, ``:above``, ...), written out by the resources that the service holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.fhir.search.terminology import resolve, unresolved
from service.interactions.held import gather

if TYPE_CHECKING:
    from service.fhir.interaction import Context
    from service.fhir.resource import Content
    from service.fhir.search.query import Query
    from service.fhir.terminology.needed import Needed
    from service.interactions.parts import Parts
    from service.store.searching import Searchable


async def with_codes(parts: Parts, session: Searchable, context: Context, query: Query) -> Query:
    """The query without sets of codes; FhirError tells which cannot be written out. Most queries have none."""
    held: dict[Needed, list[Content]] = {}
    if not unresolved(query, held):
        return query
    await gather(parts, session, context, held, lambda: unresolved(query, held))
    return resolve(query, held, limit=parts.limits.search.codes, compile=parts.compiled.code_system)
