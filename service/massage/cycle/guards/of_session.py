"""Guards on where a session hangs: one in an Encounter, within its time, after the order, at the visit of its day.

They look at a session that is told as delivered for the first time, and at one whose time or Encounter is corrected.
What was stored before there were these guards is corrected in all else. Days are those of the service's time zone.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from service.fhir.temporal import range_of
from service.massage.cycle import visits
from service.massage.cycle.guards.guard import Guard
from service.massage.cycle.guards.of_visit import is_justified
from service.massage.cycle.guards.of_work import is_checked
from service.massage.cycle.moment import date_in, day_in
from service.massage.cycle.terms import reference_in, references_in
from service.massage.cycle.units import minutes_of
from service.massage.cycle.view import BOOKED, name_of
from service.massage.cycle.visits import TAKING_PLACE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from typing import Any

    from service.fhir.resource import Content
    from service.fhir.temporal import Range
    from service.massage.cycle.draft import Draft
    from service.massage.cycle.situation import Situation
    from service.massage.cycle.view import View

_PLACED: Final = ("encounter", "performedPeriod", "performedDateTime")
_WITHIN: Final = ("partOf", "performedPeriod", "performedDateTime")
_INSTANT: Final = timedelta(microseconds=1)


def _is_placed(situation: Situation) -> bool:
    """Whether a session takes place now, or elsewhere or at another time than it was said to."""
    content, before = situation.content, situation.before or {}
    if situation.target not in TAKING_PLACE or not situation.draft.is_session(content):
        return False
    return situation.target != situation.source or any(content.get(one) != before.get(one) for one in _PLACED)


def _encounter(draft: Draft, session: Content) -> Content | None:
    return draft.find(reference_in(session.get("encounter")))


def _others(draft: Draft, session: Content) -> Iterator[tuple[Content, Content]]:
    """The other sessions that took place or are taking place, each with its Encounter."""
    for one in draft.sessions():
        encounter = _encounter(draft, one)
        if one["id"] != session["id"] and one.get("status") in TAKING_PLACE and encounter is not None:
            yield one, encounter


def _without_times(situation: Situation) -> str | None:
    if situation.target != "completed" or not _is_placed(situation) or minutes_of(situation.content) is not None:
        return None
    return (
        "A session that was delivered says from when to when in performedPeriod, each with its time: its minutes, its"
        " units and its day follow from it."
    )


def _became_part(situation: Situation) -> str | None:
    before, draft = situation.before, situation.draft
    if before is None or situation.source not in TAKING_PLACE:
        return None
    if not draft.is_session(before) or draft.is_session(situation.content):
        return None
    return "A session does not become part of another one; mark it as entered-in-error instead."


def _apart_from_session(situation: Situation) -> str | None:
    """Of a technique: only a session counts as a visit, so nothing that takes place by itself is part of one."""
    draft, content, before = situation.draft, situation.content, situation.before or {}
    is_new = situation.target != situation.source or any(content.get(one) != before.get(one) for one in _WITHIN)
    if situation.target not in TAKING_PLACE or draft.is_session(content) or not is_new:
        return None
    named = (draft.find(one) for one in references_in(content.get("partOf")))
    found = [one for one in named if one is not None and one["resourceType"] == "Procedure" and draft.is_session(one)]
    if not any(one.get("status") in TAKING_PLACE for one in found):
        return "partOf must name the session of this referral in which the technique was used."
    starts, ends = (_range(draft, visits.performed(content), bound) for bound in ("start", "end"))
    for lasted in (lasted for one in found if (lasted := visits.range_of_session(one)) is not None):
        is_before = starts is not None and starts.high <= lasted.low
        is_after = ends is not None and ends.low > lasted.high
        if is_before or is_after:
            return "A technique lies within the time of the session that it is part of; leave its own time out."
    return None


def _encounter_taken(situation: Situation) -> str | None:
    draft, content = situation.draft, situation.content
    encounter = _encounter(draft, content)
    if encounter is None or not _is_placed(situation):
        return None
    for other, its in _others(draft, content):
        if its["id"] == encounter["id"]:
            return f"{name_of(other)} is in this Encounter; each session has one of its own, with its safety check."
    if _was_in(draft, situation.before, encounter) or not _was_finished(draft, encounter):
        return None
    if any(_was_in(draft, one, encounter) and one.get("status") == "entered-in-error" for one in draft.sessions()):
        return None
    return "The Encounter is finished and takes no further session; record it with an Encounter of its own."


def _was_in(draft: Draft, session: Content | None, encounter: Content) -> bool:
    return session is not None and draft.local(reference_in(session.get("encounter"))) == name_of(encounter)


def _was_finished(draft: Draft, encounter: Content) -> bool:
    """Whether it was over before the unit."""
    stored = draft.stored.find(name_of(encounter))
    return stored is not None and stored.get("status") == "finished"


def _outside_period(situation: Situation) -> str | None:
    encounter = _encounter(situation.draft, situation.content)
    if encounter is None or not _is_placed(situation):
        return None
    return outside(situation.draft, situation.content, encounter)


def outside(draft: Draft, session: Content, encounter: Content) -> str | None:
    """Why a session does not lie within its Encounter: its period, and the day on which that began.

    The patient answers the check on that day; so an Encounter that says no start takes a session of the check's day.
    """
    told, period = visits.performed(session), encounter.get("period", {})
    starts, ends = _range(draft, told, "start"), _range(draft, told, "end")
    first, last = _range(draft, period, "start"), _range(draft, period, "end")
    is_before = starts is not None and first is not None and starts.high <= first.low
    is_after = ends is not None and last is not None and ends.low >= last.high
    is_later = starts is not None and first is not None and _day(draft, starts) > _last(draft, first)
    if is_before or is_after or is_later:
        return "The session must lie within the period of its Encounter, on the day on which that began."
    if starts is not None and first is None and not is_checked(draft, encounter, told):
        return "The check before the session was not answered on its day; say when its Encounter began."
    return None


def _before_order(situation: Situation) -> str | None:
    draft, ordered = situation.draft, _range(situation.draft, situation.draft.referral.get("authoredOn"), "start")
    given = _performed(draft, situation.content)
    if ordered is None or given is None or not _is_placed(situation) or _last(draft, given) >= _day(draft, ordered):
        return None
    days = f"The session is of {_last(draft, given)}, the order of {_day(draft, ordered)}"
    return f"{days} (ServiceRequest.authoredOn): what was given before it was ordered is no visit of the order."


def _other_visit(situation: Situation) -> str | None:
    encounter = _encounter(situation.draft, situation.content)
    if encounter is None or not _is_placed(situation):
        return None
    return at_another_visit(situation.draft, situation.content, encounter)


def at_another_visit(draft: Draft, session: Content, encounter: Content) -> str | None:
    """Why a session cannot have taken place at a visit that its Encounter names."""
    used = {name for _, its in _others(draft, session) for name in _visits(draft, its)}
    given = _performed(draft, session)
    for name in _visits(draft, encounter):
        visit = draft.find(name)
        if visit is None:
            continue
        if name in used:
            return f"Another session took place at {name}; each visit is of one."
        if not _may_take_place(draft, visit, encounter):
            return f"{name} is {_before(draft, visit).get('status')}; a session takes place at a visit that is booked."
        booked = _range(draft, visit.get("start"), "start")
        if booked is not None and given is not None and not _same_day(draft, booked, given):
            return f"{name} is of another day than the session; change its time first, or leave it out."
    return None


def _may_take_place(draft: Draft, visit: Content, encounter: Content) -> bool:
    """Whether a visit was open before the unit, or was ended while its Encounter was there."""
    before = _before(draft, visit).get("status")
    return before in BOOKED or (before == "fulfilled" and draft.stored.find(name_of(encounter)) is not None)


def _before(draft: Draft, content: Content) -> Content:
    """The resource before the unit; as the unit makes it where it is new."""
    return draft.stored.find(name_of(content)) or content


def _visits(draft: Draft, encounter: Content) -> list[str]:
    return [draft.local(one) for one in references_in(encounter.get("appointment"))]


def _same_day(draft: Draft, one: Range, other: Range) -> bool:
    return _day(draft, one) <= _last(draft, other) and _day(draft, other) <= _last(draft, one)


def _performed(draft: Draft, session: Content) -> Range | None:
    """When a session began; of one that does not say it, when its Encounter did."""
    return _range(draft, visits.time_of(draft, session), "start")


def _range(draft: Draft, value: Any, bound: str) -> Range | None:
    """The instants that a dateTime, or a bound of a Period, may mean."""
    text = value.get(bound) if isinstance(value, dict) else value
    return range_of(text, draft.surroundings.zone) if isinstance(text, str) else None


def _day(draft: Draft, moment: Range) -> date:
    """The first day that it may be."""
    return date_in(moment.low, draft.surroundings.zone)


def _last(draft: Draft, moment: Range) -> date:
    """The last day that it may be."""
    return date_in(moment.high - _INSTANT, draft.surroundings.zone)


def _second_on_a_day(situation: Situation) -> str | None:
    draft, zone = situation.draft, situation.draft.surroundings.zone
    day = day_in(visits.time_of(draft, situation.content), zone)
    if not day or not _is_placed(situation):
        return None
    same = [
        one
        for one in draft.sessions()
        if one["id"] != situation.content["id"]
        and one.get("status") in TAKING_PLACE
        and day_in(visits.time_of(draft, one), zone) == day
    ]
    if len(same) < draft.surroundings.policy.visits_a_day or is_further_justified(draft, situation.content):
        return None
    return f"{name_of(same[0])} took place on the same day ({day}, {zone}); {JUSTIFY}"


JUSTIFY: Final = "justify a further one in supportingInformation of its Appointment."


def is_further_justified(view: View, session: Content) -> bool:
    """Whether a visit at which the session took place says why it is there beside others."""
    booked = (view.find(name) for name in visits.appointments_of(view, session))
    return any(one is not None and is_justified(view, one) for one in booked)


GUARDS: Final = (
    Guard("session-timed", "guard-visits", "performed", "it says from when to when", _without_times),
    Guard("session-stays", "guard-visits", "partOf", "it does not become part of another", _became_part),
    Guard("technique-within", "guard-visits", "partOf", "a technique is within its session", _apart_from_session),
    Guard("one-session-a-day", "guard-visits", "performed", "no other was on that day", _second_on_a_day),
    Guard("encounter-free", "guard-visits", "encounter", "its Encounter is not another's or over", _encounter_taken),
    Guard("within-encounter", "guard-visits", "performed", "it lies within its Encounter's period", _outside_period),
    Guard("since-order", "guard-visits", "performed", "it is not before the day of the order", _before_order),
    Guard("visit-of-its-day", "guard-visits", "encounter", "its Appointment is open and of its day", _other_visit),
)
