"""search-type and search-system: https://hl7.org/fhir/R4/http.html#search

One statement for the page, one more only when a total was asked for that the page does not show by itself. A total
that was not asked for is given when the result fits on the page, because then it is free.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.fhir import codec
from service.fhir.bundle import Entry, bundle
from service.fhir.interaction import Answer
from service.fhir.outcome import Result, failure, operation_outcome
from service.fhir.search import cursor
from service.fhir.search.parse import parse_search
from service.fhir.search.query import query_string
from service.fhir.summary import subset

if TYPE_CHECKING:
    from service.fhir.interaction import Context, Search
    from service.fhir.resource import Version
    from service.fhir.search.query import Query
    from service.interactions.parts import Parts
    from service.store.store import Session


async def search(parts: Parts, session: Session, context: Context, interaction: Search) -> Answer:
    """A searchset Bundle; FhirError names the parameter that is wrong."""
    if interaction.compartment is not None:
        raise failure(
            "not-supported", "Compartment searches are not supported; search by reference, such as ?patient=."
        )
    query = parse_search(
        parts.registry,
        interaction.type,
        interaction.parameters,
        base=context.base,
        strict=context.strict,
        zone=parts.zone,
        now=context.received_at,
        limits=parts.limits.search,
    )
    if query.counts_only:
        return _answer(context, interaction, query, [], total=await session.count(query), following=None)
    scope = cursor.scope_of(query)
    after_key = int(cursor.open(query.cursor, parts.cursor_secret, scope)[0]) if query.cursor else None
    found = await session.search(query, limit=query.count + 1, after_key=after_key)
    page = found[: query.count]
    complete = len(page) == len(found)
    following = None if complete else cursor.seal([page[-1][0]], parts.cursor_secret, scope)
    total = len(page) if complete and after_key is None else None
    if total is None and query.total in ("accurate", "estimate"):
        total = await session.count(query)
    entries = [_match(parts, context, query, version) for _, version in page]
    return _answer(context, interaction, query, entries, total=total, following=following)


def _match(parts: Parts, context: Context, query: Query, version: Version) -> Entry:
    content = version.content
    if content is not None and (query.summary or query.elements):
        content = codec.encode(
            subset(
                codec.decode(content),
                version.type,
                summary=query.summary or "false",
                elements=query.elements,
                definitions=parts.definitions,
            )
        )
    return Entry(
        full_url=f"{context.base}/{version.type}/{version.id}", content=content, rest={"search": {"mode": "match"}}
    )


def _answer(
    context: Context,
    interaction: Search,
    query: Query,
    entries: list[Entry],
    *,
    total: int | None,
    following: str | None,
) -> Answer:
    path = f"{context.base}/{interaction.type}" if interaction.type else context.base
    links = [("self", _link(path, query_string(query, cursor=query.cursor)))]
    if following is not None:
        links.append(("next", _link(path, query_string(query, cursor=following))))
    if query.warnings:
        outcome: dict[str, Any] = operation_outcome(query.warnings)
        entries.append(Entry(content=codec.encode(outcome), rest={"search": {"mode": "outcome"}}))
    body = bundle("searchset", entries, built_at=context.received_at, total=total, links=links)
    return Answer(result=Result.OK, body=body, issues=query.warnings)


def _link(path: str, query: str) -> str:
    return f"{path}?{query}" if query else path
