"""Who may create and change what, row by row; what stays fixed, row by row; what is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.fhir.concept import coded
from service.massage.cycle import MACHINES, SYSTEM, Change, Party, judge
from service.massage.cycle.ownership import fields_of, may_create
from service.massage.cycle.tables.fixed import FIXED
from service.massage.cycle.tables.ownership import OWNERSHIP
from service.massage.cycle.terms import IDENTIFIER_TYPE
from tests.builders.loop import (
    CLINIC,
    PARTIES,
    REFERRER,
    START,
    STRANGER,
    SUBJECT,
    World,
    abort,
    appointment,
    business,
    encounter,
    goal,
    issue,
    plan,
    referral,
    report,
    session,
    task,
    working_world,
)
from tests.builders.reminder import reminder

if TYPE_CHECKING:
    from service.fhir.resource import Content
    from service.massage.cycle.tables.fixed import Fixed
    from service.massage.cycle.tables.ownership import Ownership

ON_ORDER = [{"reference": "ServiceRequest/order"}]

RESOURCES: dict[str, Content] = {
    "Patient": {"resourceType": "Patient", "id": "ann"},
    "Condition": {"resourceType": "Condition", "id": "back", "subject": SUBJECT},
    "Coverage": {"resourceType": "Coverage", "id": "cover", "beneficiary": SUBJECT},
    "Consent": {"resourceType": "Consent", "id": "consent", "patient": SUBJECT},
    "ClaimResponse": {"resourceType": "ClaimResponse", "id": "answer", "patient": SUBJECT},
    "Referral": referral(),
    "Task": task(status="in-progress", businessStatus=business("visit-scheduled")),
    "RequestTask": abort(),
    "Reminder": reminder(),
    "CarePlan": plan(),
    "Goal": goal(),
    "Appointment": appointment(),
    "Encounter": encounter(),
    "Procedure": session(status="in-progress"),
    "Observation": {"resourceType": "Observation", "id": "pain", "subject": SUBJECT, "basedOn": ON_ORDER},
    "DiagnosticReport": report(status="preliminary"),
    "EpisodeOfCare": {"resourceType": "EpisodeOfCare", "id": "episode", "patient": SUBJECT, "status": "active"},
    "QuestionnaireResponse": {"resourceType": "QuestionnaireResponse", "id": "answers", "subject": SUBJECT},
    "DetectedIssue": issue(severity="low"),
}

RELATIVE = {"author": REFERRER, "addressee": CLINIC}

ELEMENTS = ("note", "comment", "owner", "output", "identifier", "link", "mitigation", "priority", "input")


def party(actor: str) -> Party:
    return RELATIVE.get(actor) or PARTIES[actor]


def codes(row: Ownership, before: Content | None, after: Content, *others: Content) -> set[str]:
    """The codes of the refusals of a change."""
    world = World.of(*others)
    if before is not None:
        world.keep(before)
    change = Change(type=after["resourceType"], id=after["id"], before=before, after=after)
    surroundings = world.surroundings
    verdict = judge(world.episode, [change], party(row.actor), START, world.new_id, surroundings)
    return {refused.code for refused in verdict.refusals}


def around(kind: str) -> tuple[Content, ...]:
    """What is stored beside a resource of the kind."""
    live = RESOURCES["Task"]
    return tuple(
        one
        for one in (referral(), live)
        if one["resourceType"] != RESOURCES[kind]["resourceType"] or (kind == "RequestTask" and one is live)
    )


@pytest.mark.parametrize("row", OWNERSHIP, ids=lambda row: f"{row.kind}-{row.actor}")
def test_only_those_create_whom_the_table_names(row: Ownership) -> None:
    refused = codes(row, None, RESOURCES[row.kind], *around(row.kind))
    acts_otherwise = row.actor in RELATIVE and may_create(row.kind, party(row.actor).roles)
    if row.create or acts_otherwise:
        # a creation may still be refused for its state: the life cycle's tests say when
        assert "wrong-actor" not in refused or row.kind in MACHINES
    else:
        assert "wrong-actor" in refused


@pytest.mark.parametrize("row", OWNERSHIP, ids=lambda row: f"{row.kind}-{row.actor}")
def test_an_element_is_changed_only_by_whom_the_table_names(row: Ownership) -> None:
    before = RESOURCES[row.kind]
    actors = {row.actor, *party(row.actor).roles} if row.kind == "RequestTask" else {row.actor}
    if row.kind == "RequestTask" and row.actor in {"referrer", "clinic"}:
        actors.add("author" if row.actor == "referrer" else "addressee")
    mine = fields_of(row.kind, actors)
    for element in ELEMENTS:
        refused = codes(row, before, before | {element: [{"text": "changed"}]}, *around(row.kind))
        allowed = "*" in mine or element in mine
        assert ("wrong-actor" not in refused) == allowed, element


def test_the_table_has_no_row_twice() -> None:
    assert len({(row.kind, row.actor) for row in OWNERSHIP}) == len(OWNERSHIP)


def test_what_the_table_does_not_know_is_anybodys() -> None:
    flag = {"resourceType": "Flag", "id": "flag", "subject": SUBJECT}
    assert working_world().judge(STRANGER, flag).refusals == ()
    assert may_create("Flag", ())


def test_a_stranger_changes_nothing() -> None:
    for kind, content in RESOURCES.items():
        if kind == "Patient":
            continue
        world = working_world(content)
        refused = world.judge(STRANGER, content | {"comment": "changed"}).refusals
        assert {one.code for one in refused} == {"wrong-actor"}, kind


def fixed_change(row: Fixed, before: Content) -> Content:
    """The resource with the element changed."""
    if row.type_code:
        kept = [one for one in before.get("identifier", ()) if one.get("type") != coded(IDENTIFIER_TYPE, row.type_code)]
        return before | {"identifier": [*kept, identifier(row.type_code, "changed")]}
    return before | {row.element: [{"reference": "Other/1"}]}


def identifier(type_code: str, value: str) -> Content:
    return {"type": coded(IDENTIFIER_TYPE, type_code), "system": "https://example.org", "value": value}


@pytest.mark.parametrize("row", FIXED, ids=lambda row: f"{row.kind}-{row.element}{row.type_code}")
def test_what_is_set_does_not_change(row: Fixed) -> None:
    before = dict(RESOURCES[row.kind])
    before.setdefault(row.element, [{"reference": "Something/1"}])
    if row.type_code:
        before["identifier"] = [identifier(row.type_code, "1")]

    refused = working_world(before).judge(SYSTEM, fixed_change(row, before)).refusals

    assert ("immutable-field", row.element) in {(one.code, one.guard) for one in refused}


@pytest.mark.parametrize("row", [row for row in FIXED if row.once], ids=lambda row: f"{row.kind}-{row.element}")
def test_what_may_be_set_once_may_be_set_where_it_is_absent(row: Fixed) -> None:
    before = {name: value for name, value in RESOURCES[row.kind].items() if name != row.element}
    world = working_world(before)

    refused = world.judge(SYSTEM, fixed_change(row, before)).refusals

    assert "immutable-field" not in {one.code for one in refused}


@pytest.mark.parametrize("row", FIXED, ids=lambda row: f"{row.kind}-{row.element}{row.type_code}")
def test_what_is_set_is_not_taken_away(row: Fixed) -> None:
    before = dict(RESOURCES[row.kind])
    before.setdefault(row.element, [{"reference": "Something/1"}])
    if row.type_code:
        before["identifier"] = [identifier(row.type_code, "1")]
    without = {name: value for name, value in before.items() if name != row.element}

    refused = working_world(before).judge(SYSTEM, without).refusals

    # a Task without a focus is no longer the referral's in any other eyes; here it is judged as what it was
    assert "immutable-field" in {one.code for one in refused}


OWN_PATIENT = {"Patient", "Referral", "EpisodeOfCare"}
"""The kinds that name no patient, set the episode's, or are only written by the service from the referral."""

REFERRERS = {"Condition", "Coverage", "Consent", "ClaimResponse", "Task", "RequestTask"}


@pytest.mark.parametrize("kind", [kind for kind in RESOURCES if kind not in OWN_PATIENT])
def test_nothing_joins_the_episode_of_another_patient(kind: str) -> None:
    other = {"reference": "Patient/bob"}
    content = {name: other if value == SUBJECT else value for name, value in RESOURCES[kind].items()}
    if kind == "Appointment":
        content["participant"] = [{"actor": other}]
    who = SYSTEM if kind == "DetectedIssue" else REFERRER if kind in REFERRERS else CLINIC

    refused = World.of(*around(kind)).judge(who, content).refusals

    assert "subject-mismatch" in {one.code for one in refused}


@pytest.mark.parametrize("patient, expected", [("ann", []), ("bob", ["subject-mismatch"])])
def test_what_is_measured_at_a_visit_is_measured_of_its_patient(patient: str, expected: list[str]) -> None:
    measured = {
        "resourceType": "Observation",
        "id": "pain",
        "subject": {"reference": f"Patient/{patient}"},
        "encounter": {"reference": "Encounter/encounter1"},
    }
    refused = working_world(encounter()).judge(CLINIC, measured).refusals
    assert [one.code for one in refused] == expected


@pytest.mark.parametrize(
    "name", ["Task/task", "ServiceRequest/order", "CarePlan/plan", "Goal/goal", "Appointment/visit1"]
)
@pytest.mark.parametrize("who", ["referrer", "clinic", "administrator"])
def test_what_has_a_life_cycle_is_not_deleted(name: str, who: str) -> None:
    world = working_world()
    type, _, logical_id = name.partition("/")
    change = Change(type=type, id=logical_id, before=world.get(name), after=None)
    verdict = judge(world.episode, [change], PARTIES[who], START, world.new_id, world.surroundings)
    assert [one.code for one in verdict.refusals] == ["transition-not-allowed"]


def test_a_condition_is_deleted_by_its_owner_only() -> None:
    world = working_world(RESOURCES["Condition"])
    change = Change(type="Condition", id="back", before=RESOURCES["Condition"], after=None)
    verdicts = [
        judge(world.episode, [change], who, START, world.new_id, world.surroundings) for who in (REFERRER, CLINIC)
    ]
    assert [[one.code for one in verdict.refusals] for verdict in verdicts] == [[], ["wrong-actor"]]


@pytest.mark.parametrize("kind", ["CarePlan", "Appointment", "Encounter", "Procedure", "Observation", "DetectedIssue"])
def test_nothing_is_taken_out_of_its_episode(kind: str) -> None:
    before = RESOURCES[kind]
    moved = before | {
        name: [{"reference": "ServiceRequest/other"}]
        for name in ("basedOn", "supportingInfo", "implicated")
        if name in before
    }

    refused = working_world(before).judge(SYSTEM, moved).refusals

    assert {one.code for one in refused} == {"immutable-field"}
