"""The two entries: `judge` a unit of work, and let time pass with `expire`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.concept import code_in, codes_of
from service.fhir.outcome import Issue
from service.massage.cycle.business import is_report_due
from service.massage.cycle.draft import Draft, complete
from service.massage.cycle.examination import fixed_elements, step_of, strangers_patient, trespass
from service.massage.cycle.membership import anchors
from service.massage.cycle.ownership import OWNED, changed_elements, fields_of
from service.massage.cycle.provenance import record
from service.massage.cycle.settling import (
    mind_safety,
    restate,
    run_moves,
    settle_tasks,
    take,
)
from service.massage.cycle.shown import flag_visits, warn_of_authorisation, warn_of_disagreement, warn_of_safety_hold
from service.massage.cycle.situation import Situation
from service.massage.cycle.tables import MACHINES
from service.massage.cycle.terms import BUSINESS_STATUS
from service.massage.cycle.validity import validity_end
from service.massage.cycle.values import Change, Episode, Refusal, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from service.fhir.resource import Content
    from service.massage.cycle.machine import Step
    from service.massage.cycle.values import Party, Surroundings

_KEPT: Final = OWNED - {"Patient", "Condition", "Coverage", "Consent", "ClaimResponse", "QuestionnaireResponse"}
"""The kinds that are not deleted from an episode: their life cycles end, and what was a mistake says so."""

_ABOUT_VISITS: Final = frozenset({"visit-scheduled", "visit-completed", "visit-no-show", "visit-cancelled"})


def judge(
    episode: Episode,
    changes: Sequence[Change],
    party: Party,
    now: datetime,
    new_id: Callable[[], str],
    surroundings: Surroundings,
    alongside: Sequence[Change] = (),
) -> Verdict:
    """What comes of a unit of work on one episode.

    `alongside` is what the service itself writes in the same commit, such as the DetectedIssues of a screening; nobody
    needs a right for it. The unit is judged as a whole: guards look at the episode as all its changes leave it.
    """
    draft = Draft(_with_identity(episode, changes), now, new_id, surroundings)
    normal = [_normalised(change, draft) for change in changes]
    draft.propose([*alongside, *normal])
    for content in draft.restated:
        draft.put(content)
    refusals: list[Refusal] = []
    steps: list[tuple[Situation, Step]] = []
    for change in normal:
        refusals += _examine(draft, change, party, steps)
    if refusals:
        return Verdict(refusals=tuple(refusals))
    for situation, step in steps:
        take(situation, step)
    return _settled(draft)


def expire(episode: Episode, now: datetime, new_id: Callable[[], str], surroundings: Surroundings) -> Verdict:
    """What the clock alone does: a Task whose order is no longer valid is cancelled (T15); a progress report falls due.

    A verdict without effects says that there is nothing to do; so it is where a guard stands in the way, as with what
    was stored before there were rules.
    """
    draft = Draft(episode, now, new_id, surroundings)
    task = draft.live_task()
    if task is None:
        return Verdict()
    end = validity_end(draft, task)
    unstarted = task.get("status") in {"requested", "received", "accepted"}
    if unstarted and end is not None and end <= now:
        draft.move(task, "cancelled", ("order-expired", "The order's validity passed before the work started."))
    elif task.get("status") == "in-progress":
        _look_at_report(draft, task)
    settled = _settled(draft)
    return Verdict() if settled.refusals else settled


def is_referral(content: Content, is_massage: Callable[[str, str], bool], profile: str = "") -> bool:
    """Whether a ServiceRequest is a referral: intent order and a massage code, or a claim of our profile.

    `is_massage` says of a (system, code) whether it is in the catalogue's value set of orders.
    """
    if content.get("resourceType") != "ServiceRequest":
        return False
    if profile and any(one.partition("|")[0] == profile for one in content.get("meta", {}).get("profile", ())):
        return True
    return content.get("intent") == "order" and any(is_massage(*code) for code in codes_of(content.get("code")))


def _settled(draft: Draft) -> Verdict:
    refusals = run_moves(draft)
    if not refusals:
        mind_safety(draft)
        refusals = run_moves(draft)
    if refusals:
        return Verdict(refusals=refusals)
    flag_visits(draft)
    settle_tasks(draft)
    warn_of_safety_hold(draft)
    warn_of_disagreement(draft)
    warn_of_authorisation(draft)
    record(draft)
    return Verdict(effects=draft.effects(), notices=tuple(draft.notices))


def _with_identity(episode: Episode, changes: Sequence[Change]) -> Episode:
    """The episode of a new referral under the id that its change gives it."""
    if episode.referral.get("id"):
        return episode
    for change in changes:
        if change.type == "ServiceRequest" and change.before is None and change.after == episode.referral:
            referral = complete(change, episode.referral)
            return Episode(referral=referral, resources=episode.resources, base=episode.base)
    return episode


def _normalised(change: Change, draft: Draft) -> Change:
    """A Task that is posted as received, as BSeR does it, begins as requested; the answer says so."""
    task = change.after
    is_new_task = change.type == "Task" and change.before is None and task is not None
    if not is_new_task or task is None or task.get("status") != "received":
        return change
    if draft.kind(complete(change, task)) != "Task":
        return change
    draft.notices.append(
        Issue(
            code=None,
            severity="warning",
            diagnostics="The Task was posted as received; it is stored as requested until the clinic receives it.",
            expression=("Task.status",),
        )
    )
    normal = complete(change, task) | {"status": "requested"}
    draft.restated.append(normal)
    return Change(type=change.type, id=change.id, before=None, after=normal)


def _examine(draft: Draft, change: Change, party: Party, steps: list[tuple[Situation, Step]]) -> Sequence[Refusal]:
    before = complete(change, change.before) if change.before else None
    after = complete(change, change.after) if change.after else None
    if before is not None and not draft.kind(before):
        before = None  # what joins the episode by a change is new to it
    kind = draft.kind(before or after or {"resourceType": change.type})
    is_referral = draft.surroundings.is_referral
    if before is not None and kind == "Referral" and is_referral(after or {}) and not is_referral(before):
        before = None  # an order that becomes a referral is sent now
    if not kind:
        return _bystander(draft, after)
    if after is None:
        return _deleted(kind, change, party)
    stays = kind != "Referral" or is_referral(after)
    if before is not None and stays and not changed_elements(before, after):
        return ()
    refusals = [*trespass(kind, draft, party, before, after), *fixed_elements(kind, draft, before, after)]
    if (stranger := strangers_patient(draft, after)) is not None:
        refusals.append(stranger)
    machine = MACHINES.get(kind)
    if refusals or machine is None:
        return refusals
    situation = Situation(machine=machine, content=after, before=before, draft=draft, party=party)
    step = step_of(situation)
    if isinstance(step, tuple):
        return step
    steps.append((situation, step))
    return ()


def _bystander(draft: Draft, after: Content | None) -> Sequence[Refusal]:
    """What no rule is about must still be about the same patient as the visit or session that it refers to."""
    if after is None or not any(draft.find(reference) for reference in anchors(after)):
        return ()
    stranger = strangers_patient(draft, after)
    return () if stranger is None else (stranger,)


def _deleted(kind: str, change: Change, party: Party) -> Sequence[Refusal]:
    """Nothing with a life cycle is deleted; the rest only by whom it belongs to."""
    if kind in _KEPT:
        text = "What belongs to a referral is not deleted: end it, or mark it as entered-in-error."
        return (Refusal(code="transition-not-allowed", text=text, expression=change.type),)
    if kind in OWNED and "*" not in fields_of(kind, party.roles):
        return (Refusal(code="wrong-actor", text=f"This {change.type} is another party's.", expression=change.type),)
    return ()


def _look_at_report(draft: Draft, task: Content) -> None:
    """A progress report falls due by the time since the last, where a visit is all that the Task speaks of."""
    if code_in(task.get("businessStatus"), BUSINESS_STATUS) in _ABOUT_VISITS and is_report_due(draft, task):
        restate(draft, task, "progress-report-due")
