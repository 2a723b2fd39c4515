"""search-type, search-system and compartment searches: https://hl7.org/fhir/R4/http.html#search

One statement for the page, one more for what is included with it, one more when a total was asked for that the page
does not show by itself. A total that was not asked for is given when the result fits on the page, because then it is
free.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from service.fhir.actor import patient_of
from service.fhir.interaction import Answer
from service.fhir.outcome import Issue, Result, failure
from service.fhir.search.continuation import continued, page_query
from service.fhir.search.cursor import LONGEST_URL, Position, too_long
from service.fhir.search.parse import parse_search
from service.fhir.search.query import query_string
from service.interactions.codes import with_codes
from service.interactions.permission import permitted, readable
from service.interactions.searchset import explained, searchset

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from service.fhir.interaction import Context, Search
    from service.fhir.search.query import Query
    from service.interactions.parts import Parts
    from service.store.found import Found
    from service.store.searching import Searchable


_ROOM: Final = 1024
"""Characters by which a link to a later page may be longer than that to the second one: the sort values differ."""


class _Page(Struct, frozen=True, kw_only=True):
    """The matches of a page in their order, and where the pages before and after it begin; None where there is none."""

    matches: Sequence[Found]
    previous: Position | None = None
    following: Position | None = None

    @property
    def others(self) -> Iterator[tuple[str, Position | None]]:
        """(relation, beginning) of the other pages; that of the first one is None."""
        if self.previous is None and self.following is None:
            return
        yield "first", None
        if self.previous is not None:
            yield "previous", self.previous
        if self.following is not None:
            yield "next", self.following


async def search(parts: Parts, session: Searchable, context: Context, interaction: Search) -> Answer:
    """A searchset Bundle; FhirError names the parameter that is wrong."""
    address = _address(interaction)
    asker = _asker(context)
    asked = continued(interaction.parameters, parts.cursor_secret, address=address, asker=asker)
    parsed = parse_search(
        parts.registry,
        interaction.type,
        asked.parameters,
        base=context.base,
        strict=context.strict,
        zone=parts.zone,
        now=context.received_at,
        limits=parts.limits.search,
        compartment=interaction.compartment,
    )
    query = await with_codes(parts, session, context, permitted(parts, context, parsed))
    if query.explain:
        return Answer(result=Result.OK, body=explained(await session.explain(query)))
    path = f"{context.base}{address}"
    links = [("self", _link(path, query_string(query, cursor=asked.cursor)))]
    if query.counts_only:
        return searchset(parts, context, query, [], [], links, total=await session.count(query))
    page = await _page(session, query, asked.position)
    room = _ROOM if asked.position is None else 0
    for relation, position in page.others:
        link = _link(path, page_query(query, position, parts.cursor_secret, address=address, asker=asker))
        if len(link) + room > LONGEST_URL:
            raise too_long()
        links.append((relation, link))
    steps = parts.limits.search.iterations
    included, more = _within(await _included(parts, session, context, query, page), steps)
    if more:
        query = replace(query, warnings=(*query.warnings, _left_out(steps)))
    total = len(page.matches) if asked.position is None and page.following is None else None
    if total is None and query.total in ("accurate", "estimate"):
        total = await session.count(query)
    return searchset(parts, context, query, page.matches, included, links, total=total)


async def _page(session: Searchable, query: Query, position: Position | None) -> _Page:
    """One match more than fits is asked for: it tells whether the walk goes on."""
    found = await session.search(query, limit=query.count + 1, position=position)
    matches, more = found[: query.count], len(found) > query.count
    if position is None:
        return _Page(matches=matches, following=_beyond(matches) if more else None)
    if not position.backwards:
        return _Page(matches=matches, previous=_before(matches), following=_beyond(matches) if more else None)
    if not matches:
        # what came before has been deleted, so the beginning is where this page would end
        return await _page(session, query, None)
    matches = matches[::-1]
    return _Page(matches=matches, previous=_before(matches) if more else None, following=_beyond(matches))


async def _included(parts: Parts, session: Searchable, context: Context, query: Query, page: _Page) -> list[Found]:
    """What goes with the matches, one step further than is returned; FhirError too-costly rather than a part of it."""
    limits = parts.limits.search
    if not query.includes:
        return []
    found = await session.included(
        query.includes,
        [each.key for each in page.matches],
        references=parts.registry.reference_sources,
        limit=limits.included + 1,
        depth=limits.iterations + 1,
        types=readable(context),
    )
    if len(_within(found, limits.iterations)[0]) > limits.included:
        text = f"More than {limits.included} resources go with this page; ask for fewer matches by _count."
        raise failure("too-costly", text, "http._include")
    return found


def _within(found: Sequence[Found], steps: int) -> tuple[list[Found], bool]:
    """What was included by so many steps, and whether there is more."""
    within = [each for each in found if each.sort[0] <= steps]
    return within, len(within) < len(found)


def _left_out(steps: int) -> Issue:
    text = f"What is included leads to more, which is left out: :iterate goes {steps} steps from the matches."
    return Issue(code="too-costly", diagnostics=text, expression=("http._include",), severity="warning")


def _beyond(matches: Sequence[Found]) -> Position | None:
    return Position(values=matches[-1].position) if matches else None


def _before(matches: Sequence[Found]) -> Position | None:
    return Position(values=matches[0].position, backwards=True) if matches else None


def _address(interaction: Search) -> str:
    """The path that is searched, below the base; that of a POST is its GET."""
    parts = list(interaction.compartment or ())
    if interaction.type or interaction.compartment:
        parts.append(interaction.type or "*")
    return "".join(f"/{part}" for part in parts)


def _asker(context: Context) -> str:
    """Whom a link to a page is for: all of an organisation, or a patient."""
    actor = context.actor
    return "" if actor is None else f"{actor.client.organisation or ''} {patient_of(actor, context.base) or ''}"


def _link(path: str, query: str) -> str:
    return f"{path}?{query}" if query else path
