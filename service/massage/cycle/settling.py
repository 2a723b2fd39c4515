"""What follows from steps that are allowed: their effects, the steps that the service takes, what it derives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.concept import code_in, coded
from service.fhir.stamp import instant_text
from service.fhir.temporal import range_of
from service.massage.cycle.business import settle_business_status, settle_progress
from service.massage.cycle.draft import Taken
from service.massage.cycle.effects import EFFECTS
from service.massage.cycle.examination import step_of
from service.massage.cycle.message import tell_referrer
from service.massage.cycle.shown import settle_disagreement
from service.massage.cycle.situation import Situation
from service.massage.cycle.tables import MACHINES
from service.massage.cycle.terms import BUSINESS_STATUS
from service.massage.cycle.values import SYSTEM
from service.massage.cycle.view import LIVE, name_of

if TYPE_CHECKING:
    from service.fhir.resource import Content
    from service.massage.cycle.draft import Draft, Move
    from service.massage.cycle.machine import Step
    from service.massage.cycle.values import Refusal

_HELD: Final = ("contraindicated", "An absolute contraindication is unresolved.")


def take(situation: Situation, step: Step) -> None:
    """Note that a step was taken and let its effects happen."""
    draft = situation.draft
    draft.taken.append(
        Taken(
            name=name_of(situation.content),
            step=step,
            party=situation.party,
            source=situation.source,
            target=situation.target,
        )
    )
    for name in step.effects:
        EFFECTS[name](situation)


def run_moves(draft: Draft) -> tuple[Refusal, ...]:
    """Take the steps that the service owes, until none is left; refusals when one cannot be taken.

    A unit whose consequences break a guard is refused as a whole rather than left half done.
    """
    while draft.moves:
        move = draft.moves.popleft()
        content = draft.find(move.name)
        if content is None or not _is_needed(draft, move, content):
            continue
        machine = MACHINES[draft.kind(content)]
        moved = _without_old_reason(content, machine.kind) | move.elements | {machine.element: move.target}
        situation = Situation(machine=machine, content=moved, before=content, draft=draft, party=SYSTEM)
        step = step_of(situation)
        if isinstance(step, tuple):
            return step
        draft.put(moved)
        take(situation, step)
    return ()


def _without_old_reason(content: Content, kind: str) -> Content:
    """A Task without the reason for the state that it leaves; what asks for something keeps why it asked."""
    return {name: value for name, value in content.items() if kind != "Task" or name != "statusReason"}


def _is_needed(draft: Draft, move: Move, content: Content) -> bool:
    """Whether the state is still another, and not at an end that something else brought about meanwhile."""
    machine = MACHINES[draft.kind(content)]
    state = content.get(machine.element)
    return state != move.target and state not in machine.terminal


def mind_safety(draft: Draft) -> None:
    """Hold work while an absolute contraindication is open, resume it when the last is cleared; tell the referrer."""
    open_now = draft.dangers()
    known = {name_of(issue) for issue in draft.former_dangers()}
    new = [issue for issue in open_now if name_of(issue) not in known]
    task = draft.live_task()
    if new and not _is_told(draft):
        tell_referrer(draft, "stat", "An absolute contraindication was found; the referral is on safety hold.", new)
    if task is None:
        return
    if open_now and task.get("status") == "in-progress":
        draft.move(task, "on-hold", _HELD)
    elif known and not open_now and _waits_for_safety_alone(draft, task):
        draft.move(task, "in-progress")


def _is_told(draft: Draft) -> bool:
    """Whether the unit brings a message to the referrer already, as the screening's red flags do."""
    messages = (name for name in draft.proposed if name.startswith("Communication/"))
    return any(draft.stored.find(name) is None for name in messages)


def _waits_for_safety_alone(draft: Draft, task: Content) -> bool:
    """Whether the Task is on hold for its safety and nothing else, and nobody has just put it there."""
    stored = draft.stored.find(name_of(task)) or {}
    held = stored.get("status") == "on-hold" and task.get("status") == "on-hold"
    return (
        held
        and code_in(stored.get("businessStatus"), BUSINESS_STATUS) == "safety-hold"
        and draft.referral.get("status") == "active"
    )


def settle_tasks(draft: Draft) -> None:
    """Bring every Task's derived elements up to date: business status, progress, lastModified."""
    last = {taken.name: taken.step for taken in draft.taken if taken.source != taken.target}
    for task in draft.tasks():
        settled = task
        if task.get("status") in LIVE or name_of(task) in last:
            settled = settle_business_status(draft, task, last.get(name_of(task)))
            settled = settle_disagreement(draft, settle_progress(draft, settled))
        if settled is not task:
            _note_state(draft, task, settled, last)
            draft.put(settled)
    for task in draft.of("Task"):
        if draft.kind(task) and task != draft.stored.find(name_of(task)):
            modified = _last_modified(draft, task)
            if task.get("lastModified") != modified:
                draft.put(task | {"lastModified": modified})


def restate(draft: Draft, task: Content, code: str) -> None:
    """Give a Task another business status within its state, by the service (T8)."""
    draft.put(task | {"businessStatus": coded(BUSINESS_STATUS, code)})
    _note_service(draft, name_of(task), task.get("status", ""))


def _note_state(draft: Draft, task: Content, settled: Content, stepped: dict[str, Step]) -> None:
    """A business status that the service changes within a state is a step, too (T8)."""
    name = name_of(task)
    if settled.get("businessStatus") == task.get("businessStatus") or name in stepped:
        return
    if any(taken.name == name for taken in draft.taken):
        return
    _note_service(draft, name, settled.get("status", ""))


def _note_service(draft: Draft, name: str, status: str) -> None:
    for step in MACHINES["Task"].rows(status, status):
        draft.taken.append(Taken(name=name, step=step, party=SYSTEM, source=status, target=status))


def _last_modified(draft: Draft, task: Content) -> str:
    """Now, but never before `authoredOn` (inv-1), which a sender's clock may have put ahead of ours."""
    authored = task.get("authoredOn", "")
    written = range_of(authored)
    return authored if written is not None and written.low > draft.now and "T" in authored else instant_text(draft.now)
