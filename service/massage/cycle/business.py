"""The business status of a Task and its count of sessions, both derived from what has happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.concept import code_in, coded
from service.massage.cycle import visits
from service.massage.cycle.allowance import Allowance
from service.massage.cycle.tables.business_status import ALLOWED, DEFAULTS
from service.massage.cycle.terms import BUSINESS_STATUS, TASK_IO, sessions
from service.massage.cycle.view import LIVE, STARTED, name_of

if TYPE_CHECKING:
    from service.fhir.resource import Content
    from service.massage.cycle.draft import Draft
    from service.massage.cycle.machine import Step

_VISIT_TYPES: Final = frozenset({"Appointment", "Encounter", "Procedure", "DiagnosticReport"})
_LIMIT_TYPES: Final = frozenset({"ServiceRequest", "ClaimResponse"})
_PROGRESS: Final = "sessions-progress"


def settle_business_status(draft: Draft, task: Content, step: Step | None) -> Content:
    """The Task with the business status that it must have after the unit; `step` is the last that it took."""
    status = task.get("status", "")
    said = _code(task)
    stored = draft.stored.find(name_of(task))
    explicit = said is not None and said != (_code(stored) if stored else None)
    code = forced(draft, status) or _chosen(draft, task, step, said if explicit else None)
    if code is None:
        return {name: value for name, value in task.items() if name != "businessStatus"}
    return task if code == said else task | {"businessStatus": coded(BUSINESS_STATUS, code)}


def forced(draft: Draft, status: str) -> str | None:
    """What must be said whatever else is: an open contraindication, then an open request to abort."""
    if status in ALLOWED["safety-hold"] and draft.dangers():
        return "safety-hold"
    return "cancellation-requested" if status in STARTED and draft.open_aborts() else None


def _chosen(draft: Draft, task: Content, step: Step | None, explicit: str | None) -> str | None:
    status = task.get("status", "")
    accepted = step.business if step and step.business else tuple(ALLOWED)
    if explicit in accepted and status in ALLOWED[explicit]:
        return explicit
    if step is not None:
        return _after_step(draft, task, step)
    kept = _code(task)
    if status not in LIVE:
        return kept or DEFAULTS.get(status)
    if status == "in-progress" and (kept is None or _must_look_again(draft, kept)):
        return derived(draft, task)
    return DEFAULTS[status] if kept is None or _cause_is_gone(draft, kept) else kept


def _after_step(draft: Draft, task: Content, step: Step) -> str | None:
    if step.business:
        return step.business[0]
    return derived(draft, task) if task.get("status") == "in-progress" else DEFAULTS.get(task.get("status", ""))


def _must_look_again(draft: Draft, kept: str) -> bool:
    """Whether something happened in this unit that the business status of work in progress follows from."""
    touched = {name.partition("/")[0] for name in draft.proposed}
    if touched & _VISIT_TYPES or _cause_is_gone(draft, kept):
        return True
    return kept == "visits-exhausted" and bool(touched & _LIMIT_TYPES)


def _cause_is_gone(draft: Draft, kept: str) -> bool:
    """Whether this unit resolved what the business status stands for."""
    match kept:
        case "safety-hold":
            return bool(draft.former_dangers()) and not draft.dangers()
        case "cancellation-requested":
            return not draft.open_aborts()
        case _:
            return False


def derived(draft: Draft, task: Content) -> str:
    """The business status of work in progress: what this unit did to a visit, else where the visits stand.

    Without any visit (an Encounter has begun that nobody booked) no row of the table says better than visit-scheduled.
    """
    news = _news(draft)
    if "booked" in news and "delivered" not in news:
        return "visit-scheduled"
    if allowance_of(draft).is_exhausted(draft.now):
        return "visits-exhausted"
    if is_report_due(draft, task):
        return "progress-report-due"
    if visits.all_delivered(draft):
        return "report-pending"
    if "noshow" in news:
        return "visit-no-show"
    if visits.booked(draft):
        return "visit-scheduled"
    return visits.last_visit(draft) or DEFAULTS["in-progress"]


def is_report_due(draft: Draft, task: Content) -> bool:
    """Whether a progress report is due, by the number of visits or by the time since the last."""
    policy = draft.surroundings.policy
    count = visits.since_report(draft)
    since = visits.last_report_or_start(draft, task)
    return count >= policy.report_every_visits or (
        count > 0 and since is not None and draft.now >= since + policy.report_every
    )


def _news(draft: Draft) -> set[str]:
    """What the client did to visits in this unit: booked, noshow, cancelled, delivered."""
    found: set[str] = set()
    for name in draft.proposed:
        now, before = draft.find(name), draft.stored.find(name)
        status = now.get("status") if now else None
        if now is None or (before and before.get("status") == status):
            continue
        if now["resourceType"] == "Appointment" and status in {"booked", "noshow", "cancelled"}:
            found.add(status)
        if now["resourceType"] == "Procedure" and status == "completed" and draft.is_session(now):
            found.add("delivered")
    return found


def settle_progress(draft: Draft, task: Content) -> Content:
    """The Task with its `sessions-progress`: sessions delivered of those that there may be (COW)."""
    done, most = len(draft.delivered()), allowance_of(draft).most(draft.now)
    others = [one for one in task.get("output", ()) if code_in(one.get("type"), TASK_IO) != _PROGRESS]
    had = [one for one in task.get("output", ()) if code_in(one.get("type"), TASK_IO) == _PROGRESS]
    if not done and not had:
        return task
    value = (
        {"valueQuantity": sessions(done)}
        if most is None
        else {"valueRatio": {"numerator": sessions(done), "denominator": sessions(most)}}
    )
    entry = {"type": coded(TASK_IO, _PROGRESS)} | value
    return task if had == [entry] else task | {"output": [*others, entry]}


def allowance_of(draft: Draft) -> Allowance:
    """The visits as the unit leaves them."""
    return Allowance(draft, draft.surroundings.policy, draft.surroundings.zone)


def _code(task: Content) -> str | None:
    return code_in(task.get("businessStatus"), BUSINESS_STATUS)
