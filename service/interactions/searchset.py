"""The Bundle that answers a search: matches, what is included with them, warnings, and links to its other pages.

https://hl7.org/fhir/R4/search.html#return
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from service.fhir import codec
from service.fhir.bundle import bundle_of
from service.fhir.interaction import Answer
from service.fhir.outcome import Result, operation_outcome
from service.fhir.summary import subset
from service.interactions.contained import matched

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
    pieces = _entries(parts, context, query, matches, query.elements, _MATCH)
    # _elements names those of the searched types
    pieces += _entries(parts, context, query, included, (), _INCLUDE)
    if query.warnings:
        pieces += (_OUTCOME % codec.encode(operation_outcome(query.warnings)), b",")
    body = bundle_of("searchset", pieces, built_at=context.received_at, total=total, links=links)
    return Answer(result=Result.OK, body=body, issues=query.warnings)


def explained(plan: str) -> bytes:
    """A Parameters resource with the plan of a search."""
    parameter = [{"name": "plan", "valueString": plan}]
    return codec.encode({"resourceType": "Parameters", "parameter": parameter})


def _entries(
    parts: Parts, context: Context, query: Query, found: Sequence[Found], elements: tuple[str, ...], rest: bytes
) -> list[bytes]:
    """The entries in JSON, with what is to be seen of the resources: in pieces, with a comma behind each entry."""
    pieces: list[bytes] = []
    if not (query.summary or elements or query.contained_type == "contained"):
        url = codec.encode(context.base)[:-1].decode()
        for each in found:
            pieces += each.pieces(f'{{"fullUrl":{url}/{each.type}/{each.id}","resource":')
            pieces += (rest, b",")
        return pieces
    shape = partial(_subset, parts, query, elements) if query.summary or elements else bytes
    for address, content in map(matched, found):
        full_url = codec.encode(f"{context.base}/{address}")
        pieces += (b'{"fullUrl":%s,"resource":%s%s' % (full_url, shape(content), rest), b",")
    return pieces


def _subset(parts: Parts, query: Query, elements: tuple[str, ...], content: bytes) -> bytes:
    """What is to be seen of a resource."""
    decoded = codec.decode(content)
    part = subset(
        decoded,
        decoded["resourceType"],
        summary=query.summary or "false",
        elements=elements,
        definitions=parts.definitions,
    )
    return codec.encode(part)
