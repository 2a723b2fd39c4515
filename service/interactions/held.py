"""Resources that are looked up by their canonical URL, with all that they depend on: value sets, code systems, maps.

The one place where canonical URLs are looked up; whose definitions count where several have stored one is the rule of
`store.defined`, and that of `counting` where they are looked for by anything else. The service's own need none: nobody
else stores anything below its root (`ownership`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.fhir import codec
from service.fhir.outcome import failure
from service.fhir.search.parse import parse_criteria
from service.fhir.search.seen import known_to

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from service.fhir.interaction import Context
    from service.fhir.resource import Content
    from service.fhir.search.query import Query
    from service.fhir.search.registry import Registry
    from service.fhir.terminology.needed import Needed
    from service.interactions.parts import Parts
    from service.store.defined import Defined
    from service.store.searching import Searchable
    from service.store.store import Session

_MOST_OF_ALL: Final = 1000
"""Definitions of anybody that are looked through for those that count, beside those that trusted ones made."""
_ENOUGH: Final = 2
"""Of resources with the same canonical URL: one is used, several are refused."""


async def gather(
    parts: Parts,
    session: Searchable,
    context: Context,
    held: dict[Needed, list[Content]],
    missing: Callable[[], Iterable[Needed]],
) -> None:
    """Look up what is `missing` until nothing is; what was found, nothing, one or several, is put into `held`."""
    while wanted := [*missing()]:
        for needed in wanted:
            held[needed] = await look_up(parts, session, context, needed)


async def look_up(parts: Parts, session: Searchable, context: Context, needed: Needed) -> list[Content]:
    """The resources of a name, as many as tell one from several: the active ones, or else those of any status."""
    if needed.id is not None:
        wanted = parse_criteria(parts.registry, needed.type, (("_id", needed.id),), base=context.base, zone=parts.zone)
        return [codec.decode(each.content) for each in await session.search(wanted, limit=_ENOUGH)]
    return of_best_status(await defined(parts.registry, session, needed))[:_ENOUGH]


async def defined(registry: Registry, session: Searchable, needed: Needed) -> list[Content]:
    """All definitions of a canonical, and of its version if it names one, that count for who asks; newest first."""
    sources = registry.parameters(needed.type)["url"].source_numbers
    found = [content_of(each) for each in await session.defined([needed.url], sources=sources)]
    return [each for each in found if needed.version in ("", each.get("version"))]


class Counting(Struct, frozen=True):
    """Definitions that were not looked up by their URL, newest first: of who asks, and others that count for him."""

    own: list[Content]
    others: list[Content]

    @property
    def together(self) -> list[Content]:
        """All of them, but for others of a URL of which there is an own one."""
        urls = {each["url"] for each in self.own if "url" in each}
        return [*self.own, *(each for each in self.others if each.get("url") not in urls)]


async def counting(session: Session, query: Query, where: str, *, most: int) -> Counting:
    """Of anybody's definitions that match those that count: of who asks, and of the service and its administrators.

    Without any of these, those of the one other who has stored some. FhirError multiple-matches for several, and
    codes-too-many for more than `most` that count.
    """
    known, anybodys = (await session.match([known_to(query, session.trusted), query], enough=_MOST_OF_ALL)).found
    names = [*dict.fromkeys((*known, *anybodys))]
    makers = await session.makers(names)
    own = [name for name in names if name in makers and makers[name].is_own]
    others = [name for name in names if name not in makers or (makers[name].is_trusted and name not in own)]
    if not own and not others:
        if len({each.by for each in makers.values()}) > 1:
            told = "Several organisations have stored such, and none is yours; name one by its canonical URL."
            raise failure("multiple-matches", told, where)
        others = names
    if len(own) + len(others) > most:
        raise failure("codes-too-many", f"More than {most} are held for it; name one by its canonical URL.", where)
    found = await session.current([*own, *others], lock=False)
    newest = sorted(found.values(), key=lambda version: version.last_updated, reverse=True)
    contents = [((each.type, each.id), codec.decode(each.content)) for each in newest if each.content]
    return Counting(
        [content for name, content in contents if name in own],
        [content for name, content in contents if name in others],
    )


def content_of(found: Defined) -> Content:
    """The content of a definition."""
    content: Content = codec.decode(found.version.content or b"{}")
    return content


def of_best_status(found: Sequence[Content]) -> list[Content]:
    """The active ones, or else those of any status."""
    return [each for each in found if each.get("status") == "active"] or [*found]
