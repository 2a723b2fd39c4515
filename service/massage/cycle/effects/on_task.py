"""Effects on Tasks: the coordination Task itself, and those that ask to abort or change it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.concept import coded
from service.fhir.stamp import instant_text
from service.massage.cycle.terms import (
    FILLER,
    FILLER_TYPE,
    IDENTIFIER_TYPE,
    TASK_CODE,
    identifiers,
    reference_in,
    references_in,
)
from service.massage.cycle.view import ASKED, STARTED, is_abort, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from service.fhir.resource import Content
    from service.massage.cycle.draft import Draft
    from service.massage.cycle.situation import Situation

_WITHDRAWN: Final = frozenset({"revoked", "entered-in-error"})
_REVOKED: Final = ("referral-revoked", "The referral was revoked.")


def _claim(situation: Situation) -> None:
    task = situation.current()
    if "owner" not in task and situation.party.organisation:
        situation.draft.put(task | {"owner": {"reference": situation.party.organisation}})


def _assign_filler_identifier(situation: Situation) -> None:
    task = situation.current()
    if identifiers(task, FILLER_TYPE):
        return
    filler = {"type": coded(IDENTIFIER_TYPE, FILLER_TYPE), "system": FILLER, "value": situation.draft.new_id()}
    situation.draft.put(task | {"identifier": [*task.get("identifier", ()), filler]})


def _start_execution(situation: Situation) -> None:
    task = situation.current()
    period = {"start": instant_text(situation.draft.now)} | task.get("executionPeriod", {})
    situation.draft.put(task | {"executionPeriod": period})


def _end_execution(situation: Situation) -> None:
    task = situation.current()
    period = task.get("executionPeriod", {})
    if "end" not in period:
        situation.draft.put(task | {"executionPeriod": period | {"end": instant_text(situation.draft.now)}})


def _create_task(situation: Situation) -> None:
    """A referral without a Task gets one: for whom it names, or open to whoever claims it."""
    draft, referral = situation.draft, situation.content
    if draft.tasks():
        return
    performers = references_in(referral.get("performer"))
    elements = {
        "intent": "order",
        "priority": referral.get("priority", "routine"),
        "code": coded(TASK_CODE, "fulfill"),
        "focus": {"reference": name_of(referral)},
        "for": referral.get("subject"),
        "authoredOn": instant_text(draft.now),
        "requester": referral.get("requester"),
    }
    if len(performers) == 1:
        elements["owner"] = {"reference": performers[0]}
    draft.move(draft.create("Task", **elements), "requested")


def _hold_task(situation: Situation) -> None:
    task = situation.draft.live_task()
    if task is not None and task.get("status") == "in-progress":
        situation.draft.move(task, "on-hold", ("", "The referrer put the referral on hold."))


def _void_task(situation: Situation) -> None:
    task = situation.draft.live_task()
    if task is not None:
        situation.draft.move(task, "entered-in-error", ("", "The referral was entered in error."))


def _begin_task(situation: Situation) -> None:
    task = situation.draft.live_task()
    if task is not None and task.get("status") == "accepted":
        situation.draft.move(task, "in-progress")


def _withdraw_task(situation: Situation) -> None:
    """A revoked referral ends what has not started; about started work the clinic is asked, unless it asked itself."""
    draft = situation.draft
    task = draft.live_task()
    if task is None:
        return
    if task.get("status") not in STARTED:
        draft.move(task, "cancelled", _REVOKED)
        return
    open_ones = draft.open_aborts()
    asking_for_it = [one for one in open_ones if draft.names_referral(reference_in(one.get("focus")))]
    if asking_for_it:
        draft.move(asking_for_it[0], "completed")
    elif not open_ones and not _answered_now(draft):
        _ask_to_abort(draft, task)


def _answered_now(draft: Draft) -> bool:
    """Whether this very unit completes an abort Task."""
    return any(
        is_abort(task) and task.get("status") == "completed" and name_of(task) in draft.proposed
        for task in draft.of("Task")
    )


def _ask_to_abort(draft: Draft, task: Content) -> None:
    elements = {
        "intent": "order",
        "priority": task.get("priority", "routine"),
        "code": coded(TASK_CODE, "abort"),
        "focus": {"reference": name_of(task)},
        "for": task.get("for"),
        "authoredOn": instant_text(draft.now),
        "requester": draft.referral.get("requester"),
        "owner": task.get("owner"),
    }
    present = {name: value for name, value in elements.items() if value is not None}
    draft.move(draft.create("Task", **present), "requested", _REVOKED)


def _grant_abort(situation: Situation) -> None:
    task = situation.draft.live_task()
    if task is not None and is_abort(situation.content):
        reason = situation.content.get("statusReason", {}).get("text", "")
        situation.draft.move(task, "cancelled", ("", reason or "The request to abort was accepted."))


def _accept_abort_tasks(situation: Situation) -> None:
    _answer(situation, accepting=True)


def _close_abort_tasks(situation: Situation) -> None:
    """Requests that the end of the Task leaves behind: granted where the referral is withdrawn, else turned down."""
    withdrawn = situation.draft.referral.get("status") in _WITHDRAWN
    _answer(situation, accepting=withdrawn and situation.target in {"cancelled", "entered-in-error"})


def _answer(situation: Situation, *, accepting: bool) -> None:
    draft = situation.draft
    withdrawn = draft.referral.get("status") in _WITHDRAWN
    for request in draft.of("Task"):
        if draft.kind(request) != "RequestTask" or request.get("status") not in ASKED:
            continue
        answerable = withdrawn or not draft.names_referral(reference_in(request.get("focus")))
        if accepting and is_abort(request) and answerable:
            draft.move(request, "completed")
        else:
            draft.move(request, "rejected", ("", f"The referral's Task ended as {situation.target}."))


EFFECTS: Final[Mapping[str, Callable[[Situation], None]]] = {
    "claim": _claim,
    "assign-filler-identifier": _assign_filler_identifier,
    "start-execution": _start_execution,
    "end-execution": _end_execution,
    "create-task": _create_task,
    "hold-task": _hold_task,
    "void-task": _void_task,
    "begin-task": _begin_task,
    "withdraw-task": _withdraw_task,
    "grant-abort": _grant_abort,
    "accept-abort-tasks": _accept_abort_tasks,
    "close-abort-tasks": _close_abort_tasks,
}
