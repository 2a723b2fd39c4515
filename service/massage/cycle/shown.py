"""What both sides are shown beside the steps: a safety hold, visits under one, work that goes on after a revocation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.concept import coded
from service.fhir.outcome import Issue
from service.massage.cycle.allowance import is_beyond_first_visits
from service.massage.cycle.moment import start_of
from service.massage.cycle.terms import reference_in
from service.massage.cycle.view import OPEN_VISIT, STARTED, name_of
from service.massage.systems import STATUS_REASON

if TYPE_CHECKING:
    from service.fhir.resource import Content
    from service.massage.cycle.draft import Draft

_REVOKED: Final = "referral-revoked"
_GOES_ON: Final = "The referral is revoked, and the work on it goes on: the request to abort was turned down."


def warn_of_safety_hold(draft: Draft) -> None:
    """A referral that is stored although it is not safe says so in the answer (S2)."""
    task = draft.live_task()
    issues = draft.dangers()
    if task is None or not issues or draft.stored.find(name_of(task)) is not None:
        return
    named = ", ".join(name_of(issue) for issue in issues)
    draft.notices.append(
        Issue(
            code="guard-safety",
            severity="warning",
            diagnostics=f"The referral is stored, and on safety hold: an absolute contraindication is open ({named}).",
            expression=("Task.businessStatus",),
        )
    )


def flag_visits(draft: Draft) -> None:
    """Let the visits of the next days name the absolute contraindications that are open, and no others (S11).

    They do so in `supportingInformation`; what else is there stays.
    """
    open_now = {name_of(issue): issue for issue in draft.dangers()}
    over = {name_of(issue) for issue in draft.former_dangers()} - open_now.keys()
    if not open_now and not over:
        return
    until = draft.now + draft.surroundings.policy.flag_visits_within
    for visit in list(draft.with_status("Appointment", OPEN_VISIT)):
        start = start_of(visit.get("start"))
        had = visit.get("supportingInformation", [])
        kept = [one for one in had if draft.local(reference_in(one)) not in over]
        named = {draft.local(reference_in(one)) for one in kept}
        if start is not None and start < until:
            kept += [{"reference": name} for name in open_now if name not in named]
        if kept != had:
            others = {name: value for name, value in visit.items() if name != "supportingInformation"}
            draft.put(others | ({"supportingInformation": kept} if kept else {}))


def settle_disagreement(draft: Draft, task: Content) -> Content:
    """The Task of work that goes on although its referral is revoked says so, as long as it does (S8)."""
    reason = coded(STATUS_REASON, _REVOKED, _GOES_ON)
    if task.get("status") == "in-progress" and is_disputed(draft, task):
        return task if task.get("statusReason") == reason else task | {"statusReason": reason}
    if task.get("status") == "in-progress" or task.get("statusReason") != reason:
        return task
    return {name: value for name, value in task.items() if name != "statusReason"}


def warn_of_disagreement(draft: Draft) -> None:
    """Whoever writes to such a referral is told; both sides read it in the Task."""
    task = draft.live_task()
    if task is not None and is_disputed(draft, task):
        told = f"{_GOES_ON} The clinic ends it, or the referrer asks again with an abort Task."
        draft.notices.append(Issue(code=None, severity="warning", diagnostics=told, expression=("Task.statusReason",)))


def is_disputed(draft: Draft, task: Content) -> bool:
    """Whether started work goes on after a revocation, and nobody is asked any more to end it."""
    is_revoked = draft.referral.get("status") == "revoked"
    return is_revoked and task.get("status") in STARTED and not draft.open_aborts()


def warn_of_authorisation(draft: Draft) -> None:
    """Visits beyond those that a payer usually pays unasked are told, where its plan does not refuse them."""
    policy = draft.surroundings.policy
    named = (name for name in draft.proposed if name.startswith(("Appointment/", "Procedure/")))
    changed = [one for name in named if (one := draft.find(name)) is not None and one != draft.stored.find(name)]
    adds = any(one.get("status") in {"booked", "completed"} for one in changed)
    if adds and not policy.needs_authorisation and is_beyond_first_visits(draft, policy):
        most = policy.visits_without_authorisation
        draft.notices.append(
            Issue(
                code=None,
                severity="warning",
                diagnostics=f"There are more than {most} visits, and the payer has authorised none: ask it first.",
                expression=("ServiceRequest.insurance",),
            )
        )
