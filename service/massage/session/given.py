"""What a clinic tells of a session, and what it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from service.fhir.resource import Content

Json = dict[str, Any]


class NextVisit(Struct, frozen=True, kw_only=True):
    """The visit that is booked at the end of a session: instants as R4 writes them."""

    start: str
    end: str


class Given(Struct, frozen=True, kw_only=True):
    """A session as it is told: instants as R4 writes them, CodeableConcepts, a reference to the therapist.

    Pain is rated from 0 to 10. `units` are those that the client has counted. `check` is the patient's answers to the
    check before the session; `observations` were made in it.
    """

    start: str
    end: str
    performer: str
    techniques: tuple[Json, ...]
    regions: tuple[Json, ...] = ()
    findings: tuple[str, ...] = ()
    reactions: tuple[Json, ...] = ()
    identifier: Json | None = None
    pain_before: int | None = None
    pain_after: int | None = None
    tolerance: Json | None = None
    units: int | None = None
    next_visit: NextVisit | None = None
    check: Content | None = None
    observations: tuple[Content, ...] = ()


class Surrounding(Struct, frozen=True, kw_only=True):
    """What a session belongs to: plan and referral, and the Encounter and Appointment that are stored, if any."""

    plan: Content
    referral: str
    encounter: Content | None = None
    appointment: Content | None = None
