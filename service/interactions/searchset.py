"""The Bundle that answers a search: matches, what is included with them, warnings, and links to its other pages.

https://hl7.org/fhir/R4/search.html#return
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir import codec
from service.fhir.bundle import bundle_of
from service.fhir.interaction import Answer
from service.fhir.outcome import Result, operation_outcome
from service.fhir.summary import subset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.fhir.interaction import Context
    from service.fhir.search.query import Query
    from service.interactions.parts import Parts
    from service.store.found import Found

_MATCH: Final = b',"search":{"mode":"match"}}'
_INCLUDE: Final = b',"search":{"mode":"include"}}'
_OUTCOME: Final = b'{"resource":%s,"search":{"mode":"outcome"}}'


def searchset(
    parts: Parts,
    context: Context,
    query: Query,
    matches: Sequence[Found],
    included: Sequence[Found],
    links: Sequence[tuple[str, str]],
    *,
    total: int | None,
) -> Answer:
    """The answer with these matches in their order, and links to the other pages."""
    entries = _entries(context, _shaped(parts, query, matches, query.elements), _MATCH)
    # _elements names those of the searched types
    entries += _entries(context, _shaped(parts, query, included, ()), _INCLUDE)
    if query.warnings:
        entries.append(_OUTCOME % codec.encode(operation_outcome(query.warnings)))
    body = bundle_of("searchset", entries, built_at=context.received_at, total=total, links=links)
    return Answer(result=Result.OK, body=body, issues=query.warnings)


def explained(plan: str) -> bytes:
    """A Parameters resource with the plan of a search."""
    parameter = [{"name": "plan", "valueString": plan}]
    return codec.encode({"resourceType": "Parameters", "parameter": parameter})


def _entries(context: Context, found: Sequence[tuple[Found, bytes]], rest: bytes) -> list[bytes]:
    """The entries in JSON."""
    return [
        b'{"fullUrl":%s,"resource":%s%s' % (codec.encode(f"{context.base}/{each.type}/{each.id}"), content, rest)
        for each, content in found
    ]


def _shaped(parts: Parts, query: Query, found: Sequence[Found], elements: tuple[str, ...]) -> list[tuple[Found, bytes]]:
    """The resources with what is to be seen of them."""
    if not (query.summary or elements):
        return [(each, each.content) for each in found]
    every = []
    for each in found:
        decoded = codec.decode(each.content)
        part = subset(
            decoded,
            decoded["resourceType"],
            summary=query.summary or "false",
            elements=elements,
            definitions=parts.definitions,
        )
        every.append((each, codec.encode(part)))
    return every
