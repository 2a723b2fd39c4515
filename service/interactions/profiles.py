"""The profiles that resources claim, as the store holds them: looked up when one is claimed, and kept for a while.

Whoever writes finds them without waiting: `Profiles.issues` is synchronous, and raises `NotLookedUpError` for a
profile that was not looked up within `KEPT_SECONDS`; `look_up` then asks the database, and the interaction begins
again. So a resource that claims nothing costs nothing, and a stored StructureDefinition, ValueSet or CodeSystem takes
effect within that time in every worker, in the one that wrote it at once. https://hl7.org/fhir/R4/profiling.html
"""

from __future__ import annotations

from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.fhir import codec
from service.fhir.interaction import Create, Process, Update
from service.fhir.outcome import Issue
from service.fhir.profile import Shelf, claims, frame_of, is_core, latest, needs
from service.fhir.search.code_system import CannotExpandError
from service.fhir.search.parse import parse_criteria
from service.fhir.search.separators import escape
from service.fhir.search.value_set import Expander, Needed, canonical, dependencies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from service.fhir.definitions import Definitions
    from service.fhir.interaction import Interaction
    from service.fhir.resource import Content
    from service.interactions.parts import Parts
    from service.store.store import Session

KEPT_SECONDS: Final = 5.0
_MOST_KEPT: Final = 200
"""Canonicals that are remembered; clients may claim whatever they like."""
_MOST_CLAIMED: Final = 20
_MOST_NEEDED: Final = 300
"""Resources that one profile may depend on, bases and value sets included; what is beyond counts as not held."""
_AT_ONCE: Final = 50
STRUCTURE: Final = "StructureDefinition"
DEFINING: Final = frozenset({STRUCTURE, "ValueSet", "CodeSystem"})
"""The types of resources that profiles are made of."""

_Key = frozenset[tuple[str, str, int]]


class NotLookedUpError(Exception):
    """A profile is claimed that has not been looked up lately; nothing was written."""

    def __init__(self, canonicals: Sequence[str]) -> None:
        super().__init__(*canonicals)
        self.canonicals = canonicals


class _Entry(Struct, frozen=True, kw_only=True):
    """A canonical's shelf, of these resources (type, id, version id), and until when it is believed."""

    shelf: Shelf
    made_of: _Key
    until: float


class _Found(Struct, frozen=True, kw_only=True):
    """A resource that a profile may be made of; version 0 of one that ships with the service."""

    type: str
    id: str
    version_id: int
    content: Content


class Profiles:
    """The profiles that have been claimed lately; `shipped` are resources that are held whatever the store holds."""

    def __init__(
        self, definitions: Definitions, shipped: Iterable[Content] = (), *, clock: Callable[[], float] = monotonic
    ) -> None:
        self._definitions = definitions
        self._clock = clock
        self._shipped: dict[tuple[str, str], list[_Found]] = {}
        for content in shipped:
            found = _Found(type=content["resourceType"], id=content["id"], version_id=0, content=content)
            self._shipped.setdefault((found.type, content["url"]), []).append(found)
        self._entries: dict[str, _Entry] = {}

    def issues(self, content: Content, others: Sequence[str] = (), *, warnings: bool = False) -> list[Issue]:
        """What valid content breaks of the profiles that it claims, and of the `others`.

        `warnings` as of `Shelf.issues`. NotLookedUpError when `look_up` has to be awaited first.
        """
        claimed = claims(content)
        if not claimed and not others:
            return []
        name: str = content["resourceType"]
        places = dict.fromkeys(others, name)
        places.update((each, f"{name}.meta.profile[{at}]") for at, each in enumerate(claimed))
        if len(places) > _MOST_CLAIMED:
            text = f"A resource is held against {_MOST_CLAIMED} profiles at most."
            return [Issue(code="too-costly", diagnostics=text, expression=(f"{name}.meta.profile",))]
        shelves = self._shelves(places)
        frame = frame_of(content)
        found = [
            issue
            for each, shelf in shelves.items()
            for issue in shelf.issues(content, each, places[each], frame, warnings=warnings)
        ]
        return list(dict.fromkeys(found if warnings else (each for each in found if each.severity == "error")))

    def _shelves(self, canonicals: Iterable[str]) -> dict[str, Shelf]:
        now = self._clock()
        found = {each: entry for each in canonicals if (entry := self._entries.get(each)) and now < entry.until}
        if missing := [each for each in canonicals if each not in found]:
            raise NotLookedUpError(missing)
        return {each: entry.shelf for each, entry in found.items()}

    def lapse(self) -> None:
        """Believe nothing any more: what profiles are made of has changed."""
        self._entries = {each: _lapsed(entry) for each, entry in self._entries.items()}

    async def look_up(self, parts: Parts, canonicals: Iterable[str]) -> None:
        """Ask the database for the profiles and for what they are made of."""
        wanted = list(islice(dict.fromkeys(canonicals), _MOST_KEPT))
        until = self._clock() + KEPT_SECONDS
        async with parts.store.session() as session:
            found = await self._reached(parts, session, wanted)
        for each in wanted:
            entry = self._entry(parts, each, found, until)
            self._entries.pop(each, None)
            self._entries[each] = entry
        for each in list(self._entries)[:-_MOST_KEPT]:
            del self._entries[each]

    async def _reached(
        self, parts: Parts, session: Session, canonicals: Iterable[str]
    ) -> dict[tuple[str, str], list[_Found]]:
        """(type, URL) → resources, of the profiles and all that they are made of."""
        found: dict[tuple[str, str], list[_Found]] = {}
        wanted = {(STRUCTURE, _url(each)) for each in canonicals if not is_core(each, self._definitions)}
        while wanted and len(found) < _MOST_NEEDED:
            found.update((each, list(self._shipped.get(each, ()))) for each in wanted)
            for resource_type in sorted({resource_type for resource_type, _ in wanted}):
                urls = sorted(url for kind, url in wanted if kind == resource_type)
                for start in range(0, len(urls), _AT_ONCE):
                    for each in await _held(parts, session, resource_type, urls[start : start + _AT_ONCE]):
                        found[resource_type, each.content["url"]].append(each)
            fresh = [each for place in wanted for each in found[place]]
            wanted = {place for each in fresh for place in self._dependencies(each.content)} - found.keys()
        return found

    def _dependencies(self, content: Content) -> Iterator[tuple[str, str]]:
        """(type, URL) of what a resource refers to and R4 itself does not know."""
        match content["resourceType"]:
            case "StructureDefinition":
                for resource_type, each in needs(content):
                    is_known = resource_type == STRUCTURE and is_core(each, self._definitions)
                    if not is_known:
                        yield resource_type, _url(each)
            case "ValueSet":
                for needed in dependencies(content):
                    yield needed.type, needed.url

    def _entry(self, parts: Parts, wanted: str, found: dict[tuple[str, str], list[_Found]], until: float) -> _Entry:
        reached: dict[tuple[str, str], None] = {}
        waiting = [(STRUCTURE, _url(wanted))]
        while waiting:
            place = waiting.pop()
            if place in found and place not in reached:
                reached[place] = None
                waiting += [each for one in found[place] for each in self._dependencies(one.content)]
        held = [each for place in reached for each in found[place]]
        made_of = frozenset((each.type, each.id, each.version_id) for each in held)
        known = self._entries.get(wanted)
        if known is not None and known.made_of == made_of:
            return _Entry(shelf=known.shelf, made_of=made_of, until=until)
        structures = [each.content for each in held if each.type == STRUCTURE]
        codes = _codes(structures, found, limit=parts.limits.search.codes)
        return _Entry(shelf=Shelf(self._definitions, structures, codes), made_of=made_of, until=until)


def claims_in(interaction: Interaction) -> Iterator[str]:
    """The canonicals that the contents of an interaction claim."""
    if isinstance(interaction, Create | Update):
        yield from claims(interaction.content)
    elif isinstance(interaction, Process):
        entries = interaction.bundle.get("entry")
        for entry in entries if isinstance(entries, list) else ():
            yield from claims(entry.get("resource") if isinstance(entry, dict) else None)


def _lapsed(entry: _Entry) -> _Entry:
    return _Entry(shelf=entry.shelf, made_of=entry.made_of, until=float("-inf"))


def _url(text: str) -> str:
    return canonical(STRUCTURE, text).url


async def _held(parts: Parts, session: Session, resource_type: str, urls: Sequence[str]) -> list[_Found]:
    """The stored resources with these URLs."""
    criteria = (("url", ",".join(escape(url) for url in urls)),)
    query = parse_criteria(parts.registry, resource_type, criteria, base="", zone=parts.zone)
    rows = await session.search(query, limit=_MOST_NEEDED)
    return [
        _Found(
            type=resource_type,
            id=row.version.id,
            version_id=row.version.version_id,
            content=codec.decode(row.version.content),
        )
        for row in rows
        if row.version.content
    ]


def _codes(
    structures: Iterable[Content], found: dict[tuple[str, str], list[_Found]], *, limit: int
) -> dict[str, dict[str, frozenset[str]]]:
    """Value set, as the profiles name it → system → codes; those that cannot be told are left out."""

    def look_up(needed: Needed) -> Content:
        resources = [each.content for each in found.get((needed.type, needed.url), ())]
        content = latest(resources, needed.version)
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
