"""What one change of an episode runs into: whose it is, what may not change, which step it takes, and its guards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.concept import code_in
from service.massage.cycle.guards import GUARDS
from service.massage.cycle.machine import NONE, SAME
from service.massage.cycle.membership import ANCHORS, anchors
from service.massage.cycle.ownership import OWNED, changed_elements, foreign_elements, may_create, unfixed
from service.massage.cycle.relation import relations
from service.massage.cycle.tables import MACHINES
from service.massage.cycle.tables.business_status import allowed_with
from service.massage.cycle.terms import BUSINESS_STATUS, reference_in
from service.massage.cycle.values import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.fhir.resource import Content
    from service.massage.cycle.draft import Draft
    from service.massage.cycle.machine import Step
    from service.massage.cycle.situation import Situation
    from service.massage.cycle.values import Party

_PATIENT_ELEMENTS: Final = {
    "Task": "for",
    "EpisodeOfCare": "patient",
    "DetectedIssue": "patient",
    "ClaimResponse": "patient",
    "Consent": "patient",
    "Coverage": "beneficiary",
}
_NAMES_NO_PATIENT: Final = frozenset({"Patient", "Practitioner", "PractitionerRole", "Organization"})


def actors_of(kind: str, content: Content, draft: Draft, party: Party) -> frozenset[str]:
    """The roles of a party, and what it is to this very Task if it is one that asks something."""
    if kind != "RequestTask":
        return frozenset(party.roles)
    return party.roles | relations(content, party, draft.surroundings)


def trespass(kind: str, draft: Draft, party: Party, before: Content | None, after: Content) -> Iterator[Refusal]:
    """What the ownership table refuses of a creation or a change."""
    actors = actors_of(kind, before or after, draft, party)
    type = after["resourceType"]
    if before is None:
        if not may_create(kind, actors):
            yield _not_yours(type, f"{_role_text(party)} creates no {type} here.")
        return
    machine = MACHINES.get(kind)
    state = machine.element if machine else ""
    stepped = bool(state) and before.get(state) != after.get(state)
    changed = changed_elements(before, after)
    for name in foreign_elements(kind, actors, changed, state, stepped=stepped):
        yield _not_yours(f"{type}.{name}", f"{name} is not for {_role_text(party)} to change.")


def strangers_patient(draft: Draft, content: Content) -> Refusal | None:
    """A resource of the episode must be about the referral's patient."""
    type = content["resourceType"]
    if type in _NAMES_NO_PATIENT or not draft.referral:
        return None
    patient = draft.local(reference_in(draft.referral.get("subject")))
    element = _PATIENT_ELEMENTS.get(type, "subject")
    named = [reference_in(content.get(element))]
    if type == "Appointment":
        element = "participant"
        actors = (reference_in(one.get("actor")) for one in content.get("participant", ()))
        named = [one for one in actors if draft.local(one).startswith("Patient/")]
    if not patient or all(not one or draft.local(one) == patient for one in named):
        return None
    return Refusal(
        code="subject-mismatch",
        text="The resource is about another patient than the referral that it belongs to.",
        expression=f"{type}.{element}",
    )


def fixed_elements(kind: str, draft: Draft, before: Content | None, after: Content) -> Iterator[Refusal]:
    """What the table of fixed elements refuses of a change, and the loss of the link to the referral."""
    if before is None:
        return
    type = after["resourceType"]
    yield from unfixed(kind, type, before, after)
    if kind in OWNED and _names_referral(draft, before) and not _names_referral(draft, after):
        elements = " or ".join(ANCHORS[type])
        text = f"The reference to its referral ({elements}) may not be taken away."
        yield Refusal(
            code="immutable-field", text=text, expression=f"{type}.{ANCHORS[type][0]}", guard=ANCHORS[type][0]
        )


def _names_referral(draft: Draft, content: Content) -> bool:
    return any(draft.names_referral(reference) for reference in anchors(content))


def step_of(situation: Situation) -> Step | tuple[Refusal, ...]:
    """The row by which the change goes, or why there is none."""
    machine, source, target = situation.machine, situation.source, situation.target
    actors = actors_of(machine.kind, situation.before or situation.content, situation.draft, situation.party)
    rows = machine.rows(source, target)
    mine = [row for row in rows if actors & set(row.actors)]
    if not mine:
        return (_no_step(situation, rows, actors),)
    failures = []
    for row in mine:
        broken = tuple(_broken(situation, row, actors))
        if not broken:
            return row
        failures.append(broken)
    return min(failures, key=len)  # of several rows that lead there, the one that is nearest to being taken


def _no_step(situation: Situation, rows: tuple[Step, ...], actors: frozenset[str]) -> Refusal:
    machine, source, target = situation.machine, situation.source, situation.target
    barred = machine.barred(source, target, actors)
    if barred or not rows:
        where = "cannot be created as" if source == NONE else f"cannot go from {source} to"
        end = f" It is in the terminal state {source}." if source in machine.terminal else ""
        same = source == target
        text = (
            f"A {machine.type} that is {source} may not be changed." if same else f"A {machine.type} {where} {target}."
        )
        return _refused(situation, "transition-not-allowed", barred or f"{text}{end}", "", "", actors)
    instead = rows[0].instead or "Another party of the referral may do this."
    return _refused(situation, "wrong-actor", f"Not for {_role_text(situation.party)}: {instead}", "", "", actors)


def _broken(situation: Situation, row: Step, actors: frozenset[str]) -> Iterator[Refusal]:
    for name in row.guards:
        guard = GUARDS[name]
        text = guard.broken(situation)
        if text is not None:
            yield _refused(situation, guard.code, text, guard.element, name, actors)
    if situation.machine.kind == "Task" and (refusal := _business(situation, row)):
        yield refusal


def _business(situation: Situation, row: Step) -> Refusal | None:
    """A business status that the client says must go with the status, and with the step."""
    said = code_in(situation.content.get("businessStatus"), BUSINESS_STATUS)
    if said is None or said == code_in(situation.prior("businessStatus"), BUSINESS_STATUS):
        return None
    stays = row.target == SAME
    accepted = allowed_with(situation.target) if stays else row.business or allowed_with(situation.target)
    if said in accepted:
        return None
    return Refusal(
        code="business-status-inconsistent",
        text=f"Beside status {situation.target}, businessStatus may be {', '.join(accepted) or 'absent'}.",
        expression="Task.businessStatus",
        state=situation.source,
    )


def _refused(situation: Situation, code: str, text: str, element: str, guard: str, actors: frozenset[str]) -> Refusal:
    machine, source = situation.machine, situation.source
    return Refusal(
        code=code,
        text=text,
        expression=f"{machine.type}.{element or machine.element}",
        state="" if source == NONE else source,
        allowed=machine.onwards(source, actors),
        guard=guard,
    )


def _not_yours(expression: str, text: str) -> Refusal:
    return Refusal(code="wrong-actor", text=text, expression=expression)


def _role_text(party: Party) -> str:
    return (
        f"the {' and '.join(sorted(party.roles))}"
        if party.roles
        else "an organisation that has no part in the referral"
    )
