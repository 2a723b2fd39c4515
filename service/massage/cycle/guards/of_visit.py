"""Guards on visits: how long, how often, and where they stay once somebody has come or not.

Days are those of the service's time zone, whatever the offset in which a moment is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.massage.cycle import visits
from service.massage.cycle.guards.guard import Guard
from service.massage.cycle.moment import day_in, end_of, minutes_between, start_of
from service.massage.cycle.terms import reference_in
from service.massage.cycle.units import minutes_of, said_units, timed_units
from service.massage.cycle.view import name_of
from service.massage.cycle.visits import TAKING_PLACE, range_of_session

if TYPE_CHECKING:
    from service.fhir.resource import Content
    from service.massage.cycle.situation import Situation
    from service.massage.cycle.view import View

_TAKING_A_DAY: Final = frozenset({"booked", "arrived", "fulfilled"})
_TO_COME: Final = frozenset({"proposed", "pending", "booked"})


def _visit_too_long(situation: Situation) -> str | None:
    visit = situation.content
    minutes = minutes_between(visit.get("start"), visit.get("end"))
    return _outside(situation, visit.get("minutesDuration") if minutes is None else minutes)


def _planned_too_long(situation: Situation) -> str | None:
    period = situation.content.get("period", {})
    if situation.target != "planned":
        return None
    minutes = minutes_between(period.get("start"), period.get("end"))
    if minutes is not None:
        return _outside(situation, minutes)
    after_first, last = end_of(period.get("start")), start_of(period.get("end"))
    is_of_days = after_first is not None and last is not None and after_first <= last
    return "A visit is planned for one day." if is_of_days else None


def _session_too_long(situation: Situation) -> str | None:
    return _outside(situation, minutes_of(situation.content)) if _is_delivered_session(situation) else None


def _is_delivered_session(situation: Situation) -> bool:
    return situation.target == "completed" and situation.draft.is_session(situation.content)


def _units_disagree(situation: Situation) -> str | None:
    procedure, policy = situation.content, situation.draft.surroundings.policy
    said, minutes = said_units(procedure), minutes_of(procedure)
    if said is None or not _is_delivered_session(situation):
        return None
    if minutes is None:
        return "Timed units follow from performedPeriod: say from when to when, or leave them out."
    if said == timed_units(minutes, policy.unit_minutes, policy.least_minutes_of_a_unit):
        return None
    return "The timed units are not those of performedPeriod; leave them out, the service counts them."


def _recorded_before(situation: Situation) -> str | None:
    if not situation.draft.is_session(situation.content):
        return None
    for other in _others(situation):
        if _names(other) & _names(situation.content):
            return f"{name_of(other)} has this identifier already; a session is recorded once."
    return None


def _names(procedure: Content) -> set[tuple[str, str]]:
    return {(one.get("system", ""), one["value"]) for one in procedure.get("identifier", ()) if "value" in one}


def _others(situation: Situation) -> list[Content]:
    """The other sessions of the referral that took place or are taking place."""
    draft, mine = situation.draft, situation.content["id"]
    return [one for one in draft.sessions() if one["id"] != mine and one.get("status") in TAKING_PLACE]


def _elsewhere(situation: Situation) -> str | None:
    if not _is_delivered_session(situation):
        return None
    period = range_of_session(situation.content)
    if period is None:
        return None
    for other in _others(situation):
        at_once = range_of_session(other)
        if at_once is not None and period.overlaps(at_once):
            return f"{name_of(other)} took place at the same time; one patient has one session at a time."
    return None


def _outside(situation: Situation, minutes: int | None) -> str | None:
    policy = situation.draft.surroundings.policy
    shortest, longest = policy.shortest_session_minutes, policy.longest_session_minutes
    if minutes is None or shortest <= minutes <= longest:
        return None
    return f"A session lasts {shortest} to {longest} minutes."


def _second_on_a_day(situation: Situation) -> str | None:
    content, draft = situation.content, situation.draft
    zone = draft.surroundings.zone
    day = day_in(content.get("start"), zone)
    if not day or is_justified(draft, content):
        return None
    same = [
        other
        for other in draft.with_status("Appointment", _TAKING_A_DAY)
        if other["id"] != content["id"] and day_in(other.get("start"), zone) == day
    ]
    at_these = {name_of(one) for one in (content, *same)}
    same += [
        session
        for session in draft.sessions()
        if session.get("status") in TAKING_PLACE
        and at_these.isdisjoint(visits.appointments_of(draft, session))
        and day_in(visits.time_of(draft, session), zone) == day
    ]
    if len(same) < draft.surroundings.policy.visits_a_day:
        return None
    return f"{name_of(same[0])} is on the same day ({day}, {zone}); justify a further one in supportingInformation."


def is_justified(view: View, visit: Content) -> bool:
    """Whether a visit says why it is there beside others; contraindications, which the service adds, say nothing."""
    said = (view.local(reference_in(one)) for one in visit.get("supportingInformation", ()))
    return any(not reference.startswith("DetectedIssue/") for reference in said)


def _not_delivered_in_it(situation: Situation) -> str | None:
    if name_of(situation.content) in visits.spent(situation.draft):
        return None
    return "A visit is fulfilled once the patient has arrived, or by a session whose Encounter names it."


def _moved_afterwards(situation: Situation) -> str | None:
    content, before = situation.content, situation.before
    is_open = situation.source == situation.target and situation.target in _TO_COME
    if before is None or is_open or all(content.get(one) == before.get(one) for one in ("start", "end")):
        return None
    return "The time of a visit changes while it is proposed, pending or booked, and by itself; else book another one."


GUARDS: Final = (
    Guard("visit-length", "guard-visits", "start", "the visit is as long as a session may be", _visit_too_long),
    Guard("planned-length", "guard-visits", "period", "a planned visit is as long as one may be", _planned_too_long),
    Guard("session-length", "guard-visits", "performed", "the session is as long as it may be", _session_too_long),
    Guard("units-agree", "guard-visits", "extension", "timed units are those of the session's time", _units_disagree),
    Guard("session-unrecorded", "duplicate", "identifier", "no other session has its identifier", _recorded_before),
    Guard("session-apart", "guard-visits", "performed", "the patient is in no other session", _elsewhere),
    Guard("delivered-in-it", "guard-visits", "", "a session was delivered at it", _not_delivered_in_it),
    Guard("time-kept", "guard-visits", "start", "its time is that for which it was booked", _moved_afterwards),
    Guard("one-visit-a-day", "guard-visits", "start", "no other visit is on that day", _second_on_a_day),
)
