"""Resources that are looked up by their canonical URL, with all that they depend on: value sets, code systems, maps.

The one place where canonical URLs are looked up; whose definitions count where several have stored one is the rule of
`store.defined`. The service's own need none: nobody else stores anything below its root (`ownership`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir import codec
from service.fhir.search.parse import parse_criteria
from service.fhir.search.terminology import criteria_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from service.fhir.interaction import Context
    from service.fhir.resource import Content
    from service.fhir.search.registry import Registry
    from service.fhir.terminology.needed import Needed
    from service.interactions.parts import Parts
    from service.store.defined import Defined
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
    if needed.id is not None:
        wanted = parse_criteria(parts.registry, needed.type, criteria_of(needed), base=context.base, zone=parts.zone)
        return [codec.decode(each.content) for each in await session.search(wanted, limit=_ENOUGH)]
    return of_best_status(await defined(parts.registry, session, needed))[:_ENOUGH]


async def defined(registry: Registry, session: Session | Searching, needed: Needed) -> list[Content]:
    """All definitions of a canonical, and of its version if it names one, that count for who asks; newest first."""
    sources = registry.parameters(needed.type)["url"].source_numbers
    found = [content_of(each) for each in await session.defined([needed.url], sources=sources)]
    return [each for each in found if needed.version in ("", each.get("version"))]


def content_of(found: Defined) -> Content:
    """The content of a definition."""
    content: Content = codec.decode(found.version.content or b"{}")
    return content


def of_best_status(found: Sequence[Content]) -> list[Content]:
    """The active ones, or else those of any status."""
    return [each for each in found if each.get("status") == "active"] or [*found]
