"""The profiles that resources claim, as the store holds them: looked up when one is claimed, and kept for a while.

Whoever writes finds them without waiting: `Profiles.issues` is synchronous, and raises `NotLookedUpError` for a
profile that was not looked up within `KEPT_SECONDS`; `look_up` then asks the database, and the interaction begins
again. So a resource that claims nothing costs nothing, and a stored StructureDefinition, ValueSet or CodeSystem takes
effect within that time in every worker, in the one that wrote it at once. Who has stored a definition of his own under
one of the URLs has an entry of his own (`store.defined`). https://hl7.org/fhir/R4/profiling.html
"""

from __future__ import annotations

import asyncio
import logging
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from service.fhir.interaction import Create, Delete, Patch, Process, Update
from service.fhir.outcome import FhirError, Issue
from service.fhir.profile import ProfileError, Shelf, claims, compile_profile, frame_of, is_core
from service.interactions.profile_sources import DEFINING, STRUCTURE, below, codes_of, needed_by, place_of, reached

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from uuid import UUID

    from service.fhir.definitions import Definitions
    from service.fhir.interaction import Context, Interaction
    from service.fhir.profile import Profile
    from service.fhir.resource import Content
    from service.interactions.parts import Parts
    from service.interactions.profile_sources import Source, Sources

_LOG: Final = logging.getLogger(__name__)

KEPT_SECONDS: Final = 5.0
_MOST_KEPT: Final = 250
"""Canonicals that are remembered; clients may claim whatever they like."""
_MOST_CLAIMED: Final = 20


class NotLookedUpError(Exception):
    """A profile is claimed that has not been looked up lately; nothing was written."""

    def __init__(self, canonicals: Sequence[str]) -> None:
        super().__init__(*canonicals)
        self.canonicals = canonicals


class _Entry(Struct, frozen=True, kw_only=True):
    """A canonical's shelf, of these resources (type, id, version id), and until when it is believed."""

    shelf: Shelf
    made_of: frozenset[tuple[str, str, int]]
    makers: frozenset[UUID]
    """For whom it may mean something else."""
    until: float


_Key = tuple[str, "UUID | None"]
"""(canonical, the organisation that it means something of its own to)"""


class Profiles:
    """The profiles that have been claimed lately; `supported` are those that come with the service, by type."""

    def __init__(
        self,
        definitions: Definitions,
        supported: Mapping[str, Sequence[str]] | None = None,
        *,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.supported: Final = supported or {}
        self._definitions = definitions
        self._clock = clock
        self._entries: dict[_Key, _Entry] = {}
        self._lapses = 0
        self._one_at_a_time = asyncio.Lock()

    def issues(
        self, content: Content, others: Sequence[str] = (), *, asker: UUID | None, warnings: bool = False
    ) -> list[Issue]:
        """What valid content breaks of the profiles that it claims, and of the `others`, as they mean to the `asker`.

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
        shelves = self._shelves(places, asker)
        frame = frame_of(content)
        found = [
            issue
            for each, shelf in shelves.items()
            for issue in shelf.issues(content, each, places[each], frame, warnings=warnings)
        ]
        return list(dict.fromkeys(found))

    def require(self, canonicals: Sequence[str], expression: str, *, asker: UUID | None) -> None:
        """FhirError profile-unknown for one that is not held, or cannot be enforced; NotLookedUpError as `issues`."""
        for each, shelf in self._shelves(canonicals, asker).items():
            found = None if is_core(each, self._definitions) else shelf.profile(each)
            if isinstance(found, ProfileError):
                told = [f"The profile {each} cannot be enforced. {problem}" for problem in found.problems]
            elif found is None and not is_core(each, self._definitions):
                told = [f"The service does not hold the profile {each}."]
            else:
                continue
            raise FhirError(
                issues=[Issue(code="profile-unknown", diagnostics=text, expression=(expression,)) for text in told]
            )

    async def obstacles(self, parts: Parts, structure: Content) -> list[Issue]:
        """Warnings about what a valid StructureDefinition asks that the service does not enforce."""
        if structure.get("derivation") != "constraint":
            return []
        async with parts.store.session() as session:
            sources = await reached(parts, session, needed_by(structure, self._definitions))
        shelf = self._shelf(parts, [each for held in sources.values() for each in held], sources, structure)
        try:
            problems = compile_profile(structure, shelf, self._definitions).notes
            told = [f"This is not checked. {each}" for each in problems]
        except ProfileError as error:
            told = [f"The profile is not enforced, whoever claims it. {each}" for each in error.problems]
        return [
            Issue(code="profile-unknown", severity="warning", diagnostics=text, expression=(STRUCTURE,))
            for text in told
        ]

    def lapse(self) -> None:
        """Believe nothing any more: what profiles are made of has changed."""
        self._lapses += 1
        self._entries = {each: replace(entry, until=float("-inf")) for each, entry in self._entries.items()}

    async def look_up(self, parts: Parts, canonicals: Iterable[str]) -> None:
        """Ask the database for the profiles and for what they are made of."""
        asked = list(islice(dict.fromkeys(canonicals), _MOST_KEPT))
        async with self._one_at_a_time:
            asker = asker_of(parts)
            if wanted := [each for each in asked if not self._believed(each, asker)]:  # nobody who waited was first
                await self._look(parts, wanted, asker)

    async def _look(self, parts: Parts, wanted: Iterable[str], asker: UUID | None) -> None:
        until, lapses = self._clock() + KEPT_SECONDS, self._lapses
        async with parts.store.session() as session:
            sources = await reached(parts, session, map(place_of, wanted))
        if lapses != self._lapses:
            until = float("-inf")  # what was read may be what was there before
        for each in wanted:
            held = below(place_of(each), sources, self._definitions)
            makers = frozenset(maker for source in held for maker in source.makers)
            own = self._entries.pop((each, asker), None)
            key = (each, asker if asker in makers else None)
            before = self._entries.pop(key, own)
            entry = self._entry(parts, held, sources, makers, before, until)
            if before is None or before.shelf is not entry.shelf:
                _log_obstacles(entry.shelf.profile(each))
            self._entries[key] = entry
        for key in list(self._entries)[:-_MOST_KEPT]:
            del self._entries[key]

    def _shelves(self, canonicals: Iterable[str], asker: UUID | None) -> dict[str, Shelf]:
        found = {each: entry.shelf for each in canonicals if (entry := self._believed(each, asker))}
        if missing := [each for each in canonicals if each not in found]:
            raise NotLookedUpError(missing)
        return found

    def _believed(self, canonical: str, asker: UUID | None) -> _Entry | None:
        """What a canonical means to the asker, as far as it has been looked up lately."""
        entry = self._entries.get((canonical, asker))
        if entry is None:
            entry = self._entries.get((canonical, None))
            if entry is not None and asker in entry.makers:
                return None
        return entry if entry is not None and self._clock() < entry.until else None

    def _entry(
        self,
        parts: Parts,
        held: Sequence[Source],
        sources: Sources,
        makers: frozenset[UUID],
        known: _Entry | None,
        until: float,
    ) -> _Entry:
        made_of = frozenset((each.type, each.id, each.version_id) for each in held)
        shelf = known.shelf if known and known.made_of == made_of else self._shelf(parts, held, sources)
        return _Entry(shelf=shelf, made_of=made_of, makers=makers, until=until)

    def _shelf(self, parts: Parts, held: Iterable[Source], sources: Sources, *further: Content) -> Shelf:
        structures = [*(each.content for each in held if each.type == STRUCTURE), *further]
        return Shelf(self._definitions, structures, codes_of(structures, sources, limit=parts.limits.search.codes))


def asker_of(parts: Parts) -> UUID | None:
    """The organisation whose definitions come before others' in an interaction; None: there is none."""
    return None if parts.store.sight is None else parts.store.sight.maker


def is_defining(interaction: Interaction) -> bool:
    """Whether an interaction writes what profiles are made of."""
    if isinstance(interaction, Create | Update | Patch | Delete):
        return interaction.type in DEFINING
    if not isinstance(interaction, Process):
        return False
    # whatever the client has sent: nobody has looked at the entries of a batch yet
    entries = interaction.bundle.get("entry")
    requests = [each.get("request") for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []
    urls = [each.get("url") for each in requests if isinstance(each, dict) and each.get("method") != "GET"]
    return any(isinstance(url, str) and url.partition("?")[0].partition("/")[0] in DEFINING for url in urls)


def _log_obstacles(found: Profile | ProfileError | None) -> None:
    """Let the operator know of a profile that resources claim and the service cannot enforce."""
    if isinstance(found, ProfileError):
        _LOG.warning("a profile that is claimed cannot be enforced: %s", found)


async def profile_obstacles(parts: Parts, context: Context, interaction: Interaction) -> list[Issue]:
    """What of a StructureDefinition that was written is not enforced, for who asked to be told how it went."""
    if context.preferred_return != "OperationOutcome" or parts.profiles is None:
        return []
    if not isinstance(interaction, Create | Update) or interaction.type != STRUCTURE:
        return []
    try:
        return await parts.profiles.obstacles(parts, interaction.content)
    except FhirError:  # it is stored, and must not be answered as if it were not
        return []


def claims_in(interaction: Interaction) -> Iterator[str]:
    """The canonicals that the contents of an interaction claim."""
    if isinstance(interaction, Create | Update):
        yield from claims(interaction.content)
    elif isinstance(interaction, Process):
        entries = interaction.bundle.get("entry")
        for entry in entries if isinstance(entries, list) else ():
            yield from claims(entry.get("resource") if isinstance(entry, dict) else None)
