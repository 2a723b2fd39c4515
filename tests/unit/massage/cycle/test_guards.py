"""Every guard, on the smallest step that it stops: once broken, once holding."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from service.fhir.concept import coded
from service.massage.cycle.guards import GUARDS
from service.massage.cycle.terms import TASK_CODE
from tests.builders.guard_case import DONE, INSURED, PREAUTHORISED, Case, Wished, working
from tests.builders.loop import (
    CLINIC,
    PATIENT,
    REFERRER,
    SUBJECT,
    World,
    abort,
    appointment,
    referral,
    working_world,
)
from tests.unit.massage.cycle.guard_cases import plan as of_plan
from tests.unit.massage.cycle.guard_cases import referral as of_referral
from tests.unit.massage.cycle.guard_cases import report as of_report
from tests.unit.massage.cycle.guard_cases import sessions as of_sessions
from tests.unit.massage.cycle.guard_cases import task as of_task
from tests.unit.massage.cycle.guard_cases import visits as of_visits
from tests.unit.massage.cycle.guard_cases import work as of_work

CASES = tuple(
    case
    for module in (of_referral, of_task, of_work, of_visits, of_sessions, of_plan, of_report)
    for case in module.CASES
)
HANDED_IN = {"still-a-referral"}
"""The guards that ask a predicate of the surroundings."""


def _world(case: Case, stored: Wished) -> World:
    world = World.of(*stored)
    world.policy = case.policy
    return world


def _ids(case: Case) -> str:
    return case.guard


@pytest.mark.parametrize("case", CASES, ids=_ids)
def test_a_broken_guard_refuses_the_step(case: Case) -> None:
    stored, sent = case.broken

    refused = _world(case, stored).judge(case.party, *sent).refusals

    assert case.guard in {one.guard for one in refused}


@pytest.mark.parametrize("case", CASES, ids=_ids)
def test_the_step_is_taken_when_the_guard_holds(case: Case) -> None:
    stored, sent = case.holding

    assert _world(case, stored).judge(case.party, *sent).refusals == ()


def test_every_guard_has_its_case() -> None:
    assert {case.guard for case in CASES} | HANDED_IN == GUARDS.keys()


def test_a_referral_is_asked_whether_it_still_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    world = working_world()
    surroundings = replace(world.surroundings, is_referral=lambda _: False)
    monkeypatch.setattr(World, "surroundings", property(lambda _: surroundings))

    refused = world.judge(REFERRER, referral(priority="urgent")).refusals

    assert [one.guard for one in refused] == ["still-a-referral"]


def test_a_refusal_never_quotes_the_patient() -> None:
    for case in CASES:
        stored, sent = case.broken
        for refused in _world(case, stored).judge(case.party, *sent).refusals:
            assert SUBJECT["reference"] not in refused.issue().diagnostics


def test_the_authorised_visits_are_counted_in_the_refusal() -> None:
    world = World.of(INSURED, PREAUTHORISED, working(), *DONE)

    refused = world.judge(CLINIC, appointment(2)).refusals

    assert refused[0].text.startswith("authorized 1, ordered 6, completed 1, booked 0, requested 1;")


def test_a_patient_may_ask_for_an_abort_in_his_own_name() -> None:
    asked = abort(requester=SUBJECT, code=coded(TASK_CODE, "abort"))

    assert working_world().judge(PATIENT, asked).refusals == ()
