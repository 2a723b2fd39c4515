"""Guards on an Encounter that changes: the sessions in it must still be where and when they were judged to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.massage.cycle import visits
from service.massage.cycle.guards.guard import Guard
from service.massage.cycle.guards.of_session import at_another_visit, outside
from service.massage.cycle.terms import reference_in
from service.massage.cycle.view import name_of
from service.massage.cycle.visits import TAKING_PLACE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.fhir.resource import Content
    from service.massage.cycle.situation import Situation


def _sessions(situation: Situation) -> Iterator[Content]:
    """The sessions that were in the Encounter before the unit, as it leaves them; where they take place."""
    draft, name = situation.draft, name_of(situation.content)
    for one in draft.sessions():
        was = draft.stored.find(name_of(one))
        if was is None or was.get("status") not in TAKING_PLACE or one.get("status") not in TAKING_PLACE:
            continue
        if draft.local(reference_in(one.get("encounter"))) == name:
            yield one


def _leaves_sessions(situation: Situation) -> str | None:
    if situation.before is None or situation.content.get("period") == situation.before.get("period"):
        return None
    for session in _sessions(situation):
        if not visits.performed(session):
            return f"{name_of(session)} takes its time from this period, which may not change any more."
        if outside(situation.draft, session, situation.content):
            told = "it lies within the period, on the day on which that begins; correct the session first"
            return f"{name_of(session)} took place in this Encounter: {told}."
    return None


def _changes_visits(situation: Situation) -> str | None:
    if situation.before is None or situation.content.get("appointment") == situation.before.get("appointment"):
        return None
    found = (at_another_visit(situation.draft, one, situation.content) for one in _sessions(situation))
    return next(filter(None, found), None)


GUARDS: Final = (
    Guard("sessions-within", "guard-visits", "period", "its sessions lie within its period", _leaves_sessions),
    Guard("sessions-at-visits", "guard-visits", "appointment", "its sessions are at its visits", _changes_visits),
)
