"""Rules that a deployment's domain has for writes: they may refuse a unit of work, and add to it in the same commit.

The engine knows that there may be rules, and when to ask them; what they say is the domain's (see `service.loop`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from uuid import UUID

    from service.fhir.bundle_plan import Write
    from service.fhir.interaction import Context, Create, Parameters
    from service.fhir.outcome import Issue
    from service.fhir.resource import Content, Version
    from service.store.store import Session


class Proposal(Struct, frozen=True, kw_only=True):
    """A write of the unit as it is about to be made.

    `before` and `after` are whole contents, None where there is nothing. `sent` is what criteria matched a resource
    for, which stays as it is; `if_match` tells whether the client said which version it changes, `where` is the
    FHIRPath of the Bundle entry, or empty.
    """

    type: str
    id: str
    before: Content | None
    after: Content | None
    sent: Content | None = None
    if_match: bool = False
    where: str = ""


class Addition(Struct, frozen=True, kw_only=True):
    """A resource that is written beside: `previous` is what it supersedes, None for a new one.

    One that the unit itself writes is written like this instead. `is_owned`: a new one belongs to whoever acts, else to
    nobody, and it is seen by the parties to its referral alone.
    """

    type: str
    id: str
    content: Content
    previous: Version | None = None
    is_owned: bool = True


class Ruling(Struct, frozen=True, kw_only=True):
    """What rules add to a unit of work; `notices` travel back with the success."""

    additions: Sequence[Addition] = ()
    notices: tuple[Issue, ...] = ()


NOTHING: Final = Ruling()
"""Nothing to add."""


class Rules(Protocol):
    """The rules of a domain."""

    def concern(self, interaction: Write) -> bool:
        """Whether the rules have to see a write; it is asked of every one, so it is cheap."""

    def criteria(self, create: Create) -> Parameters | None:
        """Criteria by which a resource that is to be created may be there already; None where nothing says so."""

    def stand_alone(self, interactions: Sequence[Write]) -> bool:
        """Whether nothing that is stored has a say in a unit of new resources that refer to nothing of it by its id.

        Such a unit is ruled outside of a transaction; resources that everybody sees may be referred to all the same.
        """

    async def lock(self, session: Session, identities: Collection[UUID]) -> None:
        """Wait until nobody else works on what the resources belong to."""

    async def rule(self, session: Session, context: Context, proposals: Sequence[Proposal]) -> Ruling:
        """What comes of the unit; FhirError where it may not be."""
