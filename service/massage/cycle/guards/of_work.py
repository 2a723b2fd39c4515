"""Guards on safety and on the work as far as it has come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.massage.cycle.guards.guard import Guard
from service.massage.cycle.moment import day_in
from service.massage.cycle.terms import PRE_SESSION_CHECK, reference_in
from service.massage.cycle.view import BOOKED, OPEN_VISIT, name_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from service.fhir.resource import Content
    from service.massage.cycle.draft import Draft
    from service.massage.cycle.situation import Situation

_BEGUN: Final = frozenset({"in-progress", "finished"})
_UNSTARTED: Final = frozenset({"requested", "received", "accepted"})
NOT_STORED: Final = "Nothing was stored; send the response, or what else tells of it, by itself."
"""What is added where a unit brings its contraindication along."""
_ANSWERED: Final = frozenset({"completed", "amended"})


def _unsafe(situation: Situation) -> str | None:
    if situation.content["resourceType"] == "Procedure" and situation.target == "not-done":
        return None
    issues = situation.draft.dangers()
    if not issues:
        return None
    stored = [name_of(issue) for issue in issues if situation.draft.stored.find(name_of(issue)) is not None]
    told = unresolved(stored)
    return told if len(stored) == len(issues) else f"{told} {NOT_STORED}"


def unresolved(issues: Collection[str]) -> str:
    """That contraindications are open; `issues` are references to those that are stored."""
    named = f" ({', '.join(issues)})" if issues else ""
    return f"An absolute contraindication is unresolved{named}; only the referrer can clear it."


def _unchecked(situation: Situation) -> str | None:
    encounter = situation.content
    moment = encounter.get("period", {}).get("start") or situation.draft.now.isoformat()
    if is_checked(situation.draft, encounter, moment):
        return None
    return f"The safety check before the session ({PRE_SESSION_CHECK}) must be answered for this Encounter on its day."


def is_checked(draft: Draft, encounter: Content, moment: Any) -> bool:
    """Whether the check before the session of an Encounter was answered on the day of a moment."""
    return any(_answers(draft, response, encounter, moment) for response in draft.of("QuestionnaireResponse"))


def _answers(draft: Draft, response: Content, encounter: Content, moment: Any) -> bool:
    """Whether it is the completed check of this Encounter, or one that names no Encounter, answered on that day.

    Without `authored` it is of the moment in which it comes, with the Encounter that it names.
    """
    asked = str(response.get("questionnaire", "")).partition("|")[0]
    if response.get("status") not in _ANSWERED or asked != PRE_SESSION_CHECK:
        return False
    named = reference_in(response.get("encounter"))
    if named and draft.local(named) != name_of(encounter):
        return False
    authored = response.get("authored")
    if authored is None and named:
        authored = None if name_of(response) in draft.proposed else response.get("meta", {}).get("lastUpdated")
        if authored is None:
            return True
    zone = draft.surroundings.zone
    day = day_in(moment, zone)
    return bool(day) and day_in(authored, zone) == day


def _is_fresh(situation: Situation) -> bool:
    """Whether a Task has not started, and what was done for the referral was done under one that ended before it."""
    if situation.machine.kind != "Task" or situation.source not in _UNSTARTED:
        return False
    return any(task["id"] != situation.content["id"] for task in situation.draft.tasks())


def _something_begun(situation: Situation) -> str | None:
    begun = any(situation.draft.with_status("Encounter", _BEGUN)) and not _is_fresh(situation)
    return "A visit has begun; end the Task as failed instead." if begun else None


def _something_delivered(situation: Situation) -> str | None:
    delivered = situation.draft.delivered() and not _is_fresh(situation)
    return "A session was delivered already; use an abort Task." if delivered else None


def _nothing_booked(situation: Situation) -> str | None:
    draft = situation.draft
    if any(draft.with_status("Appointment", BOOKED)) or any(draft.with_status("Encounter", frozenset({"in-progress"}))):
        return None
    if begins_now(draft):
        return None
    return "The work begins with a booked Appointment or an Encounter in progress."


def begins_now(draft: Draft) -> bool:
    """Whether the unit brings a visit that has begun, or is over."""
    return any(name_of(one) in draft.proposed for one in draft.with_status("Encounter", _BEGUN))


def _nothing_delivered(situation: Situation) -> str | None:
    return None if situation.draft.delivered() else "No session Procedure is completed yet."


def _visits_open(situation: Situation) -> str | None:
    open_ones = [name_of(one) for one in situation.draft.with_status("Appointment", OPEN_VISIT)]
    return f"Appointments are still open: {', '.join(open_ones)}." if open_ones else None


def _outside_encounter(situation: Situation) -> str | None:
    draft, procedure = situation.draft, situation.content
    if not draft.is_session(procedure):
        return None
    encounter = draft.find(reference_in(procedure.get("encounter")))
    if encounter is not None and encounter.get("status") in _BEGUN:
        return None
    return "A session needs an encounter of this referral that is in-progress or finished."


def _sessions_inside(situation: Situation) -> str | None:
    draft, name = situation.draft, name_of(situation.content)
    for session in draft.delivered():
        if draft.local(reference_in(session.get("encounter"))) == name:
            return f"{name_of(session)} was completed in it; correct that first."
    return None


GUARDS: Final = (
    Guard("no-open-absolute-issue", "guard-safety", "", "no absolute contraindication is open", _unsafe),
    Guard("safety-check-answered", "guard-safety", "", "the check before the session is answered", _unchecked),
    Guard("nothing-begun", "guard-visits", "", "no Encounter has begun", _something_begun),
    Guard("nothing-delivered", "guard-visits", "", "no session is delivered", _something_delivered),
    Guard("visit-begun", "guard-visits", "", "an Appointment is booked or an Encounter begun", _nothing_booked),
    Guard("session-delivered", "guard-visits", "", "a session is delivered", _nothing_delivered),
    Guard("appointments-ended", "guard-visits", "", "no Appointment is open", _visits_open),
    Guard("encounter-begun", "guard-visits", "encounter", "the session is in an Encounter", _outside_encounter),
    Guard("no-session-in-encounter", "guard-visits", "", "no session was completed in it", _sessions_inside),
)
