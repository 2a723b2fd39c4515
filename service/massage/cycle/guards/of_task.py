"""Guards on the coordination Task and on those that ask to abort it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.concept import code_in
from service.massage.cycle.guards.guard import Guard
from service.massage.cycle.guards.of_work import begins_now
from service.massage.cycle.relation import relations
from service.massage.cycle.terms import TASK_CODE, reference_in
from service.massage.cycle.view import ASKED, LIVE, is_abort, name_of

if TYPE_CHECKING:
    from service.fhir.resource import Content
    from service.massage.cycle.situation import Situation

_WORKABLE: Final = frozenset({"accepted", "in-progress"})


def _not_the_referrals(situation: Situation) -> str | None:
    task, draft = situation.content, situation.draft
    resolve = draft.surroundings.resolve
    requester = resolve(reference_in(task.get("requester")))
    wanted = {
        "code fulfill": code_in(task.get("code"), TASK_CODE) == "fulfill",
        "intent order": task.get("intent") == "order",
        "for (the referral's patient)": bool(reference_in(task.get("for"))),
        "authoredOn": bool(task.get("authoredOn")),
        "a requester of the same organisation as the referral's": requester is not None
        and requester == resolve(reference_in(draft.referral.get("requester"))),
    }
    missing = [name for name, given in wanted.items() if not given]
    return f"The Task of a referral needs {', '.join(missing)}." if missing else None


def _second_task(situation: Situation) -> str | None:
    others = [
        name_of(task)
        for task in situation.draft.tasks()
        if task.get("status") in LIVE and task["id"] != situation.content["id"]
    ]
    if others:
        return f"The referral has a live Task already: {others[0]}."
    closed = [name_of(task) for task in situation.draft.tasks() if task.get("status") == "completed"]
    return f"{closed[0]} closed the loop; further care needs a new referral." if closed else None


def _of_another(situation: Situation) -> str | None:
    if "system" in situation.party.roles or (situation.owner() and situation.acts_for(situation.owner())):
        return None
    return "Only the clinic that owns the Task may do this; an open Task is claimed by receiving or accepting it."


def _touched_by_another(situation: Situation) -> str | None:
    """A clinic that is offered an open Task decides nothing for the others: neither by its dates nor by its owner."""
    if situation.party.roles & {"referrer", "administrator"}:
        return None
    return _of_another(situation)


def _claimed_by_another(situation: Situation) -> str | None:
    owner = situation.owner()
    if owner:
        return None if situation.acts_for(owner) else "The Task belongs to another clinic."
    if situation.party.organisation is None:
        return "An open Task is claimed for an organisation; say which one, as Task.owner."
    return None


def _abort_not_accepted(situation: Situation) -> str | None:
    draft, task = situation.draft, situation.content
    about = {name_of(task), f"ServiceRequest/{draft.referral_id}"}
    for abort in draft.of("Task"):
        if is_abort(abort) and draft.local(reference_in(abort.get("focus"))) in about and _granted(situation, abort):
            return None
    return "Use an abort Task: work that has started ends only when the clinic accepts one."


def _granted(situation: Situation, abort: Content) -> bool:
    """Whether an abort is being granted: answered in this unit, or open and the party is the one to answer it."""
    stored = situation.draft.stored.find(name_of(abort))
    was_open = stored is None or stored.get("status") in ASKED
    if "system" in situation.party.roles:
        return was_open and abort.get("status") == "completed"
    asked = "addressee" in relations(abort, situation.party, situation.draft.surroundings)
    return was_open and asked and abort.get("status") in ASKED | {"completed"}


def _asks_about_nothing(situation: Situation) -> str | None:
    draft = situation.draft
    focus = reference_in(situation.content.get("focus"))
    named = draft.find(focus)
    task = draft.live_task() if draft.names_referral(focus) else named
    if task is not None and draft.kind(task) == "Task" and task.get("status") in LIVE:
        return None
    return "The focus must be the referral's live Task, or the referral while it has one."


def _in_anothers_name(situation: Situation) -> str | None:
    if situation.party.roles & {"system", "patient"} or situation.acts_for(
        reference_in(situation.content.get("requester"))
    ):
        return None
    return "The requester must be of the organisation that asks."


def _task_ended(situation: Situation) -> str | None:
    return None if situation.draft.live_task() else "The referral has no live Task."


def _not_workable(situation: Situation) -> str | None:
    task = situation.draft.live_task()
    status = task.get("status") if task else "missing or ended"
    return None if status in _WORKABLE else f"The referral's Task must be accepted or in-progress; it is {status}."


def _not_in_progress(situation: Situation) -> str | None:
    task = situation.draft.live_task()
    status = task.get("status") if task else "missing or ended"
    if status == "in-progress" or (status == "accepted" and begins_now(situation.draft)):
        return None
    return f"The referral's Task must be in-progress; it is {status}."


def _completed(situation: Situation) -> str | None:
    if all(task.get("status") != "completed" for task in situation.draft.tasks()):
        return None
    return "The loop was closed on it; amend the report instead."


def _cancellation_open(situation: Situation) -> str | None:
    aborts = situation.draft.open_aborts()
    return f"A cancellation is requested: {name_of(aborts[0])}. Answer it first." if aborts else None


GUARDS: Final = (
    Guard("task-is-the-referrals", "guard-task", "", "code, intent, patient, requester fit", _not_the_referrals),
    Guard(
        "one-live-task", "duplicate", "", "the referral has no other Task that is live or closed the loop", _second_task
    ),
    Guard("owned", "wrong-actor", "owner", "the Task is the clinic's own", _of_another),
    Guard("owned-by-the-clinic", "wrong-actor", "owner", "a clinic changes only its own Task", _touched_by_another),
    Guard("owned-or-open", "wrong-actor", "owner", "the Task is the clinic's own, or open", _claimed_by_another),
    Guard("abort-accepted", "guard-cancellation", "", "an abort Task is being accepted", _abort_not_accepted),
    Guard(
        "asks-about-live-work", "guard-cancellation", "focus", "there is work to abort or change", _asks_about_nothing
    ),
    Guard("asks-in-own-name", "wrong-actor", "requester", "whoever asks is the requester", _in_anothers_name),
    Guard("task-live", "guard-task", "", "the Task is not at its end", _task_ended),
    Guard("task-accepted-or-in-progress", "guard-task", "", "the Task is accepted or in progress", _not_workable),
    Guard("task-in-progress", "guard-task", "", "the Task is in progress, or the unit begins it", _not_in_progress),
    Guard("task-not-completed", "guard-task", "", "the loop is not closed", _completed),
    Guard("no-open-cancellation", "guard-cancellation", "", "no abort Task is open", _cancellation_open),
)
