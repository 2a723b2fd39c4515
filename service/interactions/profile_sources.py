"""What profiles are made of, read from the store: StructureDefinitions, ValueSets and CodeSystems by canonical URL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.fhir.profile import is_core, latest, needs
from service.fhir.terminology.error import CannotExpandError
from service.fhir.terminology.needed import Needed, canonical, dependencies
from service.fhir.terminology.value_set import Expander
from service.interactions.held import content_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from uuid import UUID

    from service.fhir.definitions import Definitions
    from service.fhir.resource import Content
    from service.interactions.parts import Parts
    from service.store.store import Session

STRUCTURE: Final = "StructureDefinition"
DEFINING: Final = frozenset({STRUCTURE, "ValueSet", "CodeSystem"})
"""The types of resources that profiles are made of."""

_MOST_NEEDED: Final = 300
"""Resources that profiles may depend on, bases and value sets included; what is beyond counts as not held."""
_AT_ONCE: Final = 50

Place = tuple[str, str]
"""(resource type, canonical URL without version)"""


class Source(Struct, frozen=True, kw_only=True):
    """A stored resource that a profile may be made of."""

    type: str
    id: str
    version_id: int
    content: Content
    makers: frozenset[UUID] = frozenset()
    """Whose there are of the same URL: for each of them it may mean something else (`store.defined`)."""


Sources = dict[Place, list[Source]]


def place_of(profile: str) -> Place:
    """Where the StructureDefinitions of a profile's canonical are."""
    return STRUCTURE, canonical(STRUCTURE, profile).url


async def reached(parts: Parts, session: Session, places: Iterable[Place]) -> Sources:
    """The resources at the places, and all that they are made of; R4's own types are left out."""
    found: Sources = {}
    wanted = {place for place in places if not _is_known(place, parts.definitions)}
    while wanted and len(found) < _MOST_NEEDED:
        found.update((place, []) for place in wanted)
        for resource_type in sorted({resource_type for resource_type, _ in wanted}):
            urls = sorted(url for kind, url in wanted if kind == resource_type)
            for start in range(0, len(urls), _AT_ONCE):
                for each in await _held(parts, session, resource_type, urls[start : start + _AT_ONCE]):
                    found[resource_type, each.content["url"]].append(each)
        fresh = [each for place in wanted for each in found[place]]
        wanted = {place for each in fresh for place in needed_by(each.content, parts.definitions)} - found.keys()
    return found


def needed_by(content: Content, definitions: Definitions) -> Iterator[Place]:
    """What a resource refers to and R4 itself does not know."""
    match content["resourceType"]:
        case "StructureDefinition":
            for resource_type, each in needs(content):
                place = (resource_type, canonical(resource_type, each).url)
                if not _is_known(place, definitions):
                    yield place
        case "ValueSet":
            yield from ((needed.type, needed.url) for needed in dependencies(content) if needed.url)


def below(start: Place, sources: Sources, definitions: Definitions) -> list[Source]:
    """What one profile is made of."""
    seen: dict[Place, None] = {}
    waiting = [start]
    while waiting:
        place = waiting.pop()
        if place in sources and place not in seen:
            seen[place] = None
            waiting += [each for source in sources[place] for each in needed_by(source.content, definitions)]
    return [source for place in seen for source in sources[place]]


def codes_of(
    structures: Iterable[Content], sources: Mapping[Place, Collection[Source]], *, limit: int
) -> dict[str, dict[str, frozenset[str]]]:
    """Value set, as the profiles name it → system → codes; those that cannot be told are left out."""

    def look_up(needed: Needed) -> Content:
        content = latest([each.content for each in sources.get((needed.type, needed.url), ())], needed.version)
        if content is None:
            raise CannotExpandError(f"the {needed} is not held")
        return content

    codes: dict[str, dict[str, frozenset[str]]] = {}
    for value_set in {each for structure in structures for kind, each in needs(structure) if kind == "ValueSet"}:
        try:
            coded = Expander(look_up, limit=limit).value_set(canonical("ValueSet", value_set))
        except CannotExpandError:
            continue
        systems: dict[str, set[str]] = {}
        for system, code in coded:
            systems.setdefault(system or "", set()).add(code)
        codes[value_set] = {system: frozenset(each) for system, each in systems.items()}
    return codes


def _is_known(place: Place, definitions: Definitions) -> bool:
    """Whether nothing has to be looked up: R4's own types, and canonicals without a URL (``|1``, ``#a``)."""
    return not place[1] or (place[0] == STRUCTURE and is_core(place[1], definitions))


async def _held(parts: Parts, session: Session, resource_type: str, urls: Sequence[str]) -> list[Source]:
    """The stored resources with these URLs that count for who asks."""
    sources = parts.registry.parameters(resource_type)["url"].source_numbers
    return [
        Source(
            type=resource_type,
            id=each.version.id,
            version_id=each.version.version_id,
            content=content_of(each),
            makers=each.makers,
        )
        for each in await session.defined(urls, sources=sources)
    ]
