"""Effects on what hangs on the Task: visits, plans, goals, the episode of care, messages to the referrer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.code_systems import GOAL_ACHIEVEMENT
from service.fhir.concept import code_in, coded
from service.fhir.stamp import instant_text
from service.massage.cycle.message import tell_referrer
from service.massage.cycle.terms import APPOINTMENT_CANCELLATION, TASK_KIND, reference_in
from service.massage.cycle.units import minutes_of, said_units, timed_units, with_units
from service.massage.cycle.view import OPEN_VISIT, REMINDER, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from service.massage.cycle.situation import Situation

_OPEN_GOAL: Final = frozenset({"proposed", "planned", "accepted", "active", "on-hold"})
_OPEN_EPISODE: Final = frozenset({"planned", "waitlist", "active", "onhold"})
_UNDECIDED: Final = frozenset({None, "in-progress", "improving", "worsening", "no-change"})


def _cancel_appointments(situation: Situation) -> None:
    draft = situation.draft
    for visit in list(draft.with_status("Appointment", OPEN_VISIT)):
        draft.move(visit, "cancelled", cancelationReason=coded(APPOINTMENT_CANCELLATION, "prov"))
    for encounter in list(draft.with_status("Encounter", frozenset({"planned"}))):
        draft.move(encounter, "cancelled")


def _revoke_plans(situation: Situation) -> None:
    for plan in list(situation.draft.with_status("CarePlan", frozenset({"draft", "active", "on-hold"}))):
        situation.draft.move(plan, "revoked")


def _hold_plans(situation: Situation) -> None:
    for plan in list(situation.draft.with_status("CarePlan", frozenset({"active"}))):
        situation.draft.move(plan, "on-hold")


def _resume_plans(situation: Situation) -> None:
    for plan in list(situation.draft.with_status("CarePlan", frozenset({"on-hold"}))):
        situation.draft.move(plan, "active")


def _cancel_goals(situation: Situation) -> None:
    for goal in situation.draft.of("Goal"):
        if goal.get("lifecycleStatus") in _OPEN_GOAL:
            situation.draft.move(goal, "cancelled")


def _close_goals(situation: Situation) -> None:
    """Goals of failed work: those that nobody measured made no progress; all that are open are given up."""
    for goal in situation.draft.of("Goal"):
        if goal.get("lifecycleStatus") not in _OPEN_GOAL:
            continue
        achieved = code_in(goal.get("achievementStatus"), GOAL_ACHIEVEMENT)
        if achieved in _UNDECIDED and not goal.get("outcomeReference"):
            missed = coded(GOAL_ACHIEVEMENT, "no-progress" if situation.draft.delivered() else "not-achieved")
            situation.draft.move(goal, "cancelled", achievementStatus=missed)
        else:
            situation.draft.move(goal, "cancelled")


def _plan_episode(situation: Situation) -> None:
    draft = situation.draft
    if any(draft.with_status("EpisodeOfCare", _OPEN_EPISODE)):
        return
    owner = reference_in(situation.current().get("owner"))
    organisation = situation.party.organisation or (draft.surroundings.resolve(owner) if owner else None)
    managing = {"managingOrganization": {"reference": organisation}} if organisation else {}
    draft.create(
        "EpisodeOfCare",
        status="planned",
        patient=draft.referral["subject"],
        referralRequest=[{"reference": name_of(draft.referral)}],
        **managing,
    )


def _start_episode(situation: Situation) -> None:
    draft = situation.draft
    for episode in list(draft.with_status("EpisodeOfCare", frozenset({"planned", "waitlist"}))):
        draft.put(episode | {"status": "active", "period": {"start": instant_text(draft.now)}})


def _end_episode(situation: Situation) -> None:
    draft = situation.draft
    for episode in list(draft.with_status("EpisodeOfCare", _OPEN_EPISODE)):
        begun = "start" in episode.get("period", {})
        period = {"period": episode["period"] | {"end": instant_text(draft.now)}} if begun else {}
        draft.put(episode | {"status": "finished" if begun else "cancelled"} | period)


def _report_reaction(situation: Situation) -> None:
    """A complication that was not there before is told at once."""
    names = ("complication", "complicationDetail")
    if any(situation.content.get(name) and not situation.prior(name) for name in names):
        tell_referrer(situation.draft, "urgent", "A reaction to a session was recorded.", [situation.content])


def _count_units(situation: Situation) -> None:
    """A delivered session says the timed units that its time comes to."""
    procedure, policy = situation.current(), situation.draft.surroundings.policy
    minutes = minutes_of(procedure)
    if procedure.get("status") != "completed" or not situation.draft.is_session(procedure) or minutes is None:
        return
    units = timed_units(minutes, policy.unit_minutes, policy.least_minutes_of_a_unit)
    if said_units(procedure) != units:
        situation.draft.put(with_units(procedure, units))


def _remind_clinic(situation: Situation) -> None:
    """A patient who stays away is somebody's to see to; one reminder is enough until a visit is booked again."""
    draft, task = situation.draft, situation.draft.live_task()
    missed = draft.missed_in_a_row()
    if task is None or missed < draft.surroundings.policy.remind_after_missed_visits or draft.reminders():
        return
    owner = draft.surroundings.resolve(reference_in(task.get("owner")))
    elements = {
        "intent": "order",
        "code": coded(TASK_KIND, REMINDER),
        "description": f"The patient missed {missed} visits in a row: reach the patient, book again, or end the work.",
        "focus": {"reference": name_of(task)},
        "for": task.get("for"),
        "authoredOn": instant_text(draft.now),
        "restriction": {"recipient": [{"reference": owner}]} if owner else None,
    }
    present = {name: value for name, value in elements.items() if value is not None}
    draft.move(draft.create("Task", **present), "ready")


def _heed_reminders(situation: Situation) -> None:
    for reminder in situation.draft.reminders():
        situation.draft.move(reminder, "completed")


def _drop_reminders(situation: Situation) -> None:
    for reminder in situation.draft.reminders():
        situation.draft.move(reminder, "cancelled")


EFFECTS: Final[Mapping[str, Callable[[Situation], None]]] = {
    "cancel-appointments": _cancel_appointments,
    "revoke-plans": _revoke_plans,
    "hold-plans": _hold_plans,
    "resume-plans": _resume_plans,
    "cancel-goals": _cancel_goals,
    "close-goals": _close_goals,
    "plan-episode": _plan_episode,
    "start-episode": _start_episode,
    "end-episode": _end_episode,
    "report-reaction": _report_reaction,
    "remind-clinic": _remind_clinic,
    "heed-reminders": _heed_reminders,
    "drop-reminders": _drop_reminders,
    "count-units": _count_units,
}
