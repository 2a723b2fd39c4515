"""Guards on visits: how long, how often, how many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.massage.cycle import visits
from service.massage.cycle.guards.guard import Guard
from service.massage.cycle.moment import day_of, minutes_between
from service.massage.cycle.terms import BUSINESS_STATUS, code_in
from service.massage.cycle.view import name_of

if TYPE_CHECKING:
    from service.massage.cycle.situation import Situation
    from service.massage.cycle.view import View

_TAKING_A_DAY: Final = frozenset({"booked", "arrived", "fulfilled"})
_UNAUTHORISED: Final = frozenset({"awaiting-authorization", "visits-exhausted"})


def _visit_too_long(situation: Situation) -> str | None:
    visit = situation.content
    minutes = minutes_between(visit.get("start"), visit.get("end"))
    return _outside(situation, visit.get("minutesDuration") if minutes is None else minutes)


def _session_too_long(situation: Situation) -> str | None:
    if not situation.draft.is_session(situation.content):
        return None
    period = situation.content.get("performedPeriod", {})
    return _outside(situation, minutes_between(period.get("start"), period.get("end")))


def _outside(situation: Situation, minutes: int | None) -> str | None:
    policy = situation.draft.surroundings.policy
    shortest, longest = policy.shortest_session_minutes, policy.longest_session_minutes
    if minutes is None or shortest <= minutes <= longest:
        return None
    return f"A session lasts {shortest} to {longest} minutes."


def _second_on_a_day(situation: Situation) -> str | None:
    visit, draft = situation.content, situation.draft
    day = day_of(visit.get("start"))
    if not day or visit.get("supportingInformation"):
        return None
    for other in draft.with_status("Appointment", _TAKING_A_DAY):
        if other["id"] != visit["id"] and day_of(other.get("start")) == day:
            return f"{name_of(other)} is on the same day; justify a second one in supportingInformation."
    return None


def _too_many(situation: Situation) -> str | None:
    draft, content = situation.draft, situation.content
    most = visits.limit(draft)
    if most is None or (content["resourceType"] == "Procedure" and not draft.is_session(content)):
        return None
    done, to_come = len(draft.delivered()), visits.booked(draft)
    if content["resourceType"] == "Appointment":
        before = len([one for one in to_come if one["id"] != content["id"]])
        return None if done + before + 1 <= most else _counts(situation, done, before)
    return None if done <= most else _counts(situation, done - 1, len(to_come))


def _counts(situation: Situation, done: int, to_come: int) -> str:
    allowed, wanted = visits.authorised(situation.draft), visits.ordered(situation.draft)
    by_payer = f"authorized {allowed}, " if allowed is not None else ""
    by_order = f"ordered {wanted}, " if wanted is not None else ""
    needed = "the payer's authorization" if _is_payers(allowed, wanted) else "a larger order by the referrer"
    return f"{by_payer}{by_order}completed {done}, booked {to_come}, requested 1; a further visit needs {needed}."


def _is_payers(allowed: int | None, wanted: int | None) -> bool:
    return allowed is not None and (wanted is None or allowed <= wanted)


def _unauthorised(situation: Situation) -> str | None:
    held_for = code_in((situation.before or {}).get("businessStatus"), BUSINESS_STATUS)
    draft = situation.draft
    if held_for not in _UNAUTHORISED or _has_visits_left(draft):
        return None
    return "No authorised visit is left; the referrer adds the payer's authorization to the referral's insurance."


def _has_visits_left(draft: View) -> bool:
    most = visits.limit(draft)
    return most is None or len(draft.delivered()) < most


GUARDS: Final = (
    Guard("visit-length", "guard-visits", "start", "the visit is as long as a session may be", _visit_too_long),
    Guard("session-length", "guard-visits", "performed", "the session is as long as it may be", _session_too_long),
    Guard("one-visit-a-day", "guard-visits", "start", "no other visit is on that day", _second_on_a_day),
    Guard("within-visits", "guard-visits", "", "it is within the visits ordered and authorised", _too_many),
    Guard("authorisation-present", "guard-visits", "", "an authorised visit is left", _unauthorised),
)
