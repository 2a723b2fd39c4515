"""The single door: every interaction, from HTTP or a Bundle entry, is performed here.

Writes commit before the answer exists; nothing is ever acknowledged that a failing commit could still undo.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, assert_never

from msgspec.structs import replace as replace_struct

from service.fhir.interaction import (
    Answer,
    Capabilities,
    Create,
    Delete,
    History,
    Operation,
    Patch,
    Process,
    Read,
    Search,
    Update,
    VRead,
)
from service.fhir.outcome import FhirError, failure
from service.fhir.sight import EVERYTHING
from service.fhir.stamp import new_logical_id
from service.interactions import audit_events, create
from service.interactions.batch import batch
from service.interactions.capabilities import capabilities
from service.interactions.history import history
from service.interactions.permission import check_limits, require, withholds
from service.interactions.profiles import NotLookedUpError, claims_in, is_defining, profile_obstacles
from service.interactions.read import read, vread
from service.interactions.search import search
from service.interactions.sight import sight_of
from service.interactions.transaction import transaction
from service.interactions.write import WriteRequest, write
from service.store.change import Conflict
from service.store.lease import LapsedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from service.access.permission import Limit
    from service.fhir.actor import Actor
    from service.fhir.bundle_plan import Write
    from service.fhir.interaction import Context, Interaction
    from service.interactions.current import CurrentParts
    from service.interactions.parts import Parts
    from service.store.store import Session

    PerformOperation = Callable[[Parts, Context, Operation], Awaitable[Answer]]


_LOOKS: Final = 3
_MOST_ACTORS: Final = 1000
"""Actors whose parts are remembered: making them anew costs a tenth of a read."""
_OF_PARAMETERS: Final = frozenset({"parameter-unknown", "parameter-unsupported"})


class Engine:
    """Performs interactions with the current parts; `operations` maps names without the dollar sign."""

    def __init__(self, current: CurrentParts, operations: Mapping[str, PerformOperation]) -> None:
        self._current = current
        self._operations = operations
        self._narrowed_from = current.parts
        self._narrowed: dict[Actor | None, Parts] = {}
        self.types = current.parts.definitions.resource_types

    def _parts(self, context: Context) -> Parts:
        """The current parts, whose store shows what the actor may see."""
        parts = self._current.parts
        actor = context.actor
        if actor is None and parts.rules is None:
            return parts
        if parts is not self._narrowed_from or len(self._narrowed) >= _MOST_ACTORS:
            self._narrowed_from = parts
            self._narrowed.clear()
        narrowed = self._narrowed.get(actor)
        if narrowed is None:
            sight = EVERYTHING if actor is None else sight_of(actor)
            narrowed = self._narrowed[actor] = replace(parts, store=parts.store.within(sight))
        return narrowed

    async def perform(self, interaction: Interaction, context: Context) -> Answer:
        """What the interaction came to; every refusal is a FhirError."""
        if context.actor is not None and (limits := require(context, interaction)):
            return await self._perform_within(limits, interaction, context)
        return await self._perform_permitted(interaction, context)

    async def _perform_within(self, limits: Sequence[Limit], interaction: Interaction, context: Context) -> Answer:
        """What was read within the limits: it may leave them between the look at them and the reading."""
        for _ in range(_LOOKS):
            checked = await check_limits(self._parts(context), context, interaction, limits)
            answer = await self._perform_permitted(interaction, context)
            if answer.version is not None:
                present = answer.version.version_id
            else:
                present = await check_limits(self._parts(context), context, interaction, limits)
            if present == checked:
                return answer
        raise failure("busy", "The resource keeps changing; send the request again.", retry_after_seconds=1)

    async def _perform_permitted(self, interaction: Interaction, context: Context) -> Answer:
        """What it came to; where the search parameters have changed meanwhile, it begins again."""
        if self._current.parts.lease.lapsed and not isinstance(interaction, Capabilities):
            await self._current.current()
        registry = self._current.parts.registry
        try:
            return await self._perform(interaction, context)
        except LapsedError:
            # the search parameters have changed meanwhile, and nothing was written
            await self._current.renewed()
        except FhirError as error:
            # what is unknown here may have become known to another worker this very second
            if error.code not in _OF_PARAMETERS or (await self._current.renewed()).registry is registry:
                raise
        try:
            return await self._perform(interaction, context)
        except LapsedError:
            text = "The search parameters of the service keep changing; send the request again."
            raise failure("busy", text, retry_after_seconds=1) from None

    async def _perform(self, interaction: Interaction, context: Context) -> Answer:
        """What it came to; profiles that are claimed and not known are looked up on the way, and it begins again."""
        profiles = self._current.parts.profiles
        for _ in range(_LOOKS):
            try:
                answer = await self._performed(interaction, context)
            except NotLookedUpError as error:
                if profiles:
                    await profiles.look_up(self._parts(context), (*error.canonicals, *claims_in(interaction)))
                continue
            if profiles and is_defining(interaction):
                profiles.lapse()
            return answer
        told = "The profiles that are claimed cannot be kept all at once; send the request in parts."
        raise failure("too-costly", told)

    async def _performed(self, interaction: Interaction, context: Context) -> Answer:
        parts = self._parts(context)
        if parts.audited:
            audit_events.refuse_writing(interaction)
        if isinstance(interaction, Read) and not (parts.audited and audit_events.is_about_records(interaction)):
            return await read(parts.store, interaction)
        if isinstance(interaction, Create | Update | Patch | Delete):
            answer = await self._write(parts, interaction, context)
            obstacles = await profile_obstacles(parts, context, interaction)
            return replace_struct(answer, issues=(*answer.issues, *obstacles)) if obstacles else answer
        if isinstance(interaction, Process):
            if interaction.bundle.get("type") == "batch":
                return await batch(parts, context, interaction, self.perform)
            return await transaction(parts, context, interaction, partial(self._perform_reading, parts))
        if isinstance(interaction, Capabilities):
            return capabilities(parts, context, interaction)
        if isinstance(interaction, Operation):
            return await self._operate(parts, interaction, context)
        if isinstance(interaction, Search) and not (parts.audited and audit_events.is_about_records(interaction)):
            return await search(parts, parts.store.searching(), context, interaction)
        async with parts.store.session() as session:
            return await self._perform_reading(parts, session, interaction, context)

    async def _write(self, parts: Parts, interaction: Write, context: Context) -> Answer:
        if isinstance(interaction, Create) and context.provenance is None and create.is_plain(parts, interaction):
            with suppress(Conflict):
                return await create.perform_plain(parts, context, interaction)
        request = WriteRequest(interaction=interaction, new_id=new_logical_id(context.received_at))
        (written,) = await write(parts, context, [request])
        withheld = withholds(context, interaction)
        return Answer(result=written.result, version=written.version, issues=written.issues, is_withheld=withheld)

    async def _perform_reading(
        self, parts: Parts, session: Session, interaction: Interaction, context: Context
    ) -> Answer:
        if parts.audited and audit_events.is_about_records(interaction):
            return await audit_events.perform(parts, session, context, interaction)
        match interaction:
            case Read():
                return await read(session, interaction)
            case VRead():
                return await vread(session, interaction)
            case Search():
                return await search(parts, session, context, interaction)
            case History():
                return await history(parts, session, context, interaction)
            case Capabilities():
                return capabilities(parts, context, interaction)
            case Operation():
                return await self._operate(parts, interaction, context)
            case Create() | Update() | Patch() | Delete() | Process():
                raise TypeError(interaction)
            case _:
                assert_never(interaction)

    async def _operate(self, parts: Parts, operation: Operation, context: Context) -> Answer:
        perform = self._operations.get(operation.name)
        if perform is None:
            known = ", ".join(f"${name}" for name in sorted(self._operations))
            raise failure("operation-unknown", f"There is no operation of this name; the service has {known}.")
        return await perform(parts, context, operation)
