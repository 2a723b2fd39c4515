"""Resources that are looked up by their canonical URL, with all that they depend on: value sets, code systems, maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir import codec
from service.fhir.search.parse import parse_criteria
from service.fhir.search.terminology import criteria_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from service.fhir.interaction import Context
    from service.fhir.resource import Content
    from service.fhir.terminology.needed import Needed
    from service.interactions.parts import Parts
    from service.store.searching import Searching
    from service.store.store import Session

_ENOUGH: Final = 2
"""Of resources with the same canonical URL: one is used, several are refused."""


async def gather(
    parts: Parts,
    session: Session | Searching,
    context: Context,
    held: dict[Needed, list[Content]],
    missing: Callable[[], Iterable[Needed]],
) -> None:
    """Look up what is `missing` until nothing is; what was found, nothing, one or several, is put into `held`."""
    while wanted := [*missing()]:
        for needed in wanted:
            held[needed] = await look_up(parts, session, context, needed)


async def look_up(parts: Parts, session: Session | Searching, context: Context, needed: Needed) -> list[Content]:
    """The resources of a name, as many as tell one from several: the active ones, or else those of any status."""
    named = criteria_of(needed)
    for criteria in ((*named, ("status", "active")), named):
        wanted = parse_criteria(parts.registry, needed.type, criteria, base=context.base, zone=parts.zone)
        found = await session.search(wanted, limit=_ENOUGH)
        if found:
            return [codec.decode(each.content) for each in found]
    return []
