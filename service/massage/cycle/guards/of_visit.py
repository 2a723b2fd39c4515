"""Guards on visits: how long, how often, how many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.massage.cycle import visits
from service.massage.cycle.guards.guard import Guard
from service.massage.cycle.moment import day_of, end_of, minutes_between, start_of
from service.massage.cycle.terms import BUSINESS_STATUS, code_in, reference_in
from service.massage.cycle.units import minutes_of, said_units, timed_units
from service.massage.cycle.view import name_of
from service.massage.cycle.visits import TAKING_PLACE, range_of_session

if TYPE_CHECKING:
    from service.fhir.resource import Content
    from service.massage.cycle.draft import Draft
    from service.massage.cycle.situation import Situation

_TAKING_A_DAY: Final = frozenset({"booked", "arrived", "fulfilled"})
_UNAUTHORISED: Final = frozenset({"awaiting-authorization", "visits-exhausted"})


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
    day = day_of(content.get("start"))
    if not day or is_justified(draft, content):
        return None
    same = [
        other
        for other in draft.with_status("Appointment", _TAKING_A_DAY)
        if other["id"] != content["id"] and day_of(other.get("start")) == day
    ]
    if len(same) < draft.surroundings.policy.visits_a_day:
        return None
    return f"{name_of(same[0])} is on the same day; justify a further one in supportingInformation."


def is_justified(draft: Draft, visit: Content) -> bool:
    """Whether a visit says why it is there beside others; contraindications, which the service adds, say nothing."""
    said = (draft.local(reference_in(one)) for one in visit.get("supportingInformation", ()))
    return any(not reference.startswith("DetectedIssue/") for reference in said)


def _not_delivered_in_it(situation: Situation) -> str | None:
    if name_of(situation.content) in visits.spent(situation.draft):
        return None
    return "A visit is fulfilled once the patient has arrived, or by a session whose Encounter names it."


def _too_many(situation: Situation) -> str | None:
    draft, content = situation.draft, situation.content
    most = visits.limit(draft, draft.surroundings.policy)
    if most is None or (content["resourceType"] == "Procedure" and not draft.is_session(content)):
        return None
    done, to_come = len(draft.delivered()), visits.booked(draft)
    if content["resourceType"] == "Appointment":
        before = len([one for one in to_come if one["id"] != content["id"]])
        return None if done + before + 1 <= most else _counts(situation, done, before)
    return None if done <= most else _counts(situation, done - 1, len(to_come))


def _counts(situation: Situation, done: int, to_come: int) -> str:
    allowed = visits.covered(situation.draft, situation.draft.surroundings.policy)
    wanted = visits.ordered(situation.draft)
    said = "covered without authorization" if visits.authorised(situation.draft) is None else "authorized"
    by_payer = f"{said} {allowed}, " if allowed is not None else ""
    by_order = f"ordered {wanted}, " if wanted is not None else ""
    needed = "the payer's authorization" if _is_payers(allowed, wanted) else "a larger order by the referrer"
    return f"{by_payer}{by_order}completed {done}, booked {to_come}, requested 1; a further visit needs {needed}."


def _is_payers(allowed: int | None, wanted: int | None) -> bool:
    return allowed is not None and (wanted is None or allowed <= wanted)


def _authorised_another_day(situation: Situation) -> str | None:
    draft, content = situation.draft, situation.content
    is_session = content["resourceType"] == "Procedure"
    if is_session and not draft.is_session(content):
        return None
    moment = start_of(visits.performed(content) if is_session else content.get("start"))
    known = visits.authorisations(draft)
    if moment is None or not known or any(one.holds(moment) for one in known):
        return None
    return "No authorization of the payer holds on that day; the referrer adds one to the referral's insurance."


def _unauthorised(situation: Situation) -> str | None:
    held_for = code_in((situation.before or {}).get("businessStatus"), BUSINESS_STATUS)
    draft = situation.draft
    if held_for not in _UNAUTHORISED or _has_visits_left(draft):
        return None
    return "No authorised visit is left; the referrer adds the payer's authorization to the referral's insurance."


def _has_visits_left(draft: Draft) -> bool:
    most = visits.limit(draft, draft.surroundings.policy)
    return most is None or len(draft.delivered()) < most


GUARDS: Final = (
    Guard("visit-length", "guard-visits", "start", "the visit is as long as a session may be", _visit_too_long),
    Guard("planned-length", "guard-visits", "period", "a planned visit is as long as one may be", _planned_too_long),
    Guard("session-length", "guard-visits", "performed", "the session is as long as it may be", _session_too_long),
    Guard("units-agree", "guard-visits", "extension", "timed units are those of the session's time", _units_disagree),
    Guard("session-unrecorded", "duplicate", "identifier", "no other session has its identifier", _recorded_before),
    Guard("session-apart", "guard-visits", "performed", "the patient is in no other session", _elsewhere),
    Guard("delivered-in-it", "guard-visits", "", "a session was delivered at it", _not_delivered_in_it),
    Guard("one-visit-a-day", "guard-visits", "start", "no other visit is on that day", _second_on_a_day),
    Guard("within-visits", "guard-visits", "", "it is within the visits ordered and authorised", _too_many),
    Guard("authorised-then", "guard-visits", "", "an authorisation holds that day", _authorised_another_day),
    Guard("authorisation-present", "guard-visits", "", "an authorised visit is left", _unauthorised),
)
