"""One change in its surroundings: what guards decide on and effects start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from service.massage.cycle.machine import NONE
from service.massage.cycle.terms import reference_in

if TYPE_CHECKING:
    from service.fhir.resource import Content
    from service.massage.cycle.draft import Draft
    from service.massage.cycle.machine import Machine
    from service.massage.cycle.values import Party


class Situation(Struct, frozen=True, kw_only=True):
    """`content` is what the resource is to become, `before` what it was (None: new), `party` who changes it."""

    machine: Machine
    content: Content
    before: Content | None
    draft: Draft
    party: Party

    @property
    def source(self) -> str:
        """The state before the change."""
        return self.before.get(self.machine.element, NONE) if self.before else NONE

    @property
    def target(self) -> str:
        """The state after it."""
        state: str = self.content.get(self.machine.element, "")
        return state

    def current(self) -> Content:
        """The resource as the draft has it by now."""
        return self.draft.resources[self.content["resourceType"]][self.content["id"]]

    def acts_for(self, reference: str) -> bool:
        """Whether the party belongs to the organisation behind a reference; whoever has none acts for all."""
        if self.party.organisation is None:
            return True
        resolved = self.draft.surroundings.resolve(reference) if reference else None
        return resolved == self.party.organisation

    def owner(self) -> str:
        """Whom a Task is given to; empty while it is open."""
        return reference_in(self.content.get("owner"))

    def prior(self, element: str) -> object:
        """An element as it was before the change."""
        return self.before.get(element) if self.before else None
