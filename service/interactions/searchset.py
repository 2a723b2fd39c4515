"""The Bundle that answers a search: matches, what is included with them, warnings, and links to its other pages.

https://hl7.org/fhir/R4/search.html#return
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir import codec
from service.fhir.bundle import Entry, bundle
from service.fhir.interaction import Answer
from service.fhir.outcome import Result, operation_outcome
from service.fhir.summary import subset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.fhir.interaction import Context
    from service.fhir.resource import Version
    from service.fhir.search.query import Query
    from service.interactions.parts import Parts

_MATCH: Final = b'{"search":{"mode":"match"}}'
_INCLUDE: Final = b'{"search":{"mode":"include"}}'
_OUTCOME: Final = b'{"search":{"mode":"outcome"}}'


def searchset(
    parts: Parts,
    context: Context,
    query: Query,
    matches: Sequence[Version],
    included: Sequence[Version],
    links: Sequence[tuple[str, str]],
    *,
    total: int | None,
) -> Answer:
    """The answer with these matches in their order, and links to the other pages."""
    entries = [_entry(parts, context, query, version, _MATCH) for version in matches]
    entries += [_entry(parts, context, query, version, _INCLUDE) for version in included]
    if query.warnings:
        entries.append(Entry(content=codec.encode(operation_outcome(query.warnings)), rest=_OUTCOME))
    body = bundle("searchset", entries, built_at=context.received_at, total=total, links=links)
    return Answer(result=Result.OK, body=body, issues=query.warnings)


def explained(plan: str) -> bytes:
    """A Parameters resource with the plan of a search."""
    parameter = [{"name": "plan", "valueString": plan}]
    return codec.encode({"resourceType": "Parameters", "parameter": parameter})


def _entry(parts: Parts, context: Context, query: Query, version: Version, rest: bytes) -> Entry:
    content = version.content
    # _elements names those of the searched types
    elements = query.elements if rest is _MATCH else ()
    if content is not None and (query.summary or elements):
        decoded = codec.decode(content)
        content = codec.encode(
            subset(
                decoded,
                decoded["resourceType"],
                summary=query.summary or "false",
                elements=elements,
                definitions=parts.definitions,
            )
        )
    return Entry(full_url=f"{context.base}/{version.type}/{version.id}", content=content, rest=rest)
