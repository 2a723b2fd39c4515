"""What both sides are shown beside the steps: visits under a contraindication, work that goes on after a revocation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from service.fhir.concept import code_in
from service.massage.cycle import SYSTEM
from service.massage.systems import STATUS_REASON
from tests.builders.loop import (
    CLINIC,
    REFERRER,
    World,
    abort,
    appointment,
    issue,
    reason,
    referral,
    task,
    working_world,
)

FLAG = {"reference": "DetectedIssue/issue"}


def flags(world: World, number: int) -> Any:
    return world.get(f"Appointment/visit{number}").get("supportingInformation")


def test_the_visits_of_the_next_seven_days_name_what_was_found() -> None:
    world = working_world(appointment(6), appointment(8), appointment(2, status="cancelled"))
    assert not world.judge(SYSTEM, alongside=[issue()]).refusals
    assert {number: flags(world, number) for number in (1, 2, 6, 8)} == {1: [FLAG], 2: None, 6: [FLAG], 8: None}


def test_a_visit_that_comes_near_meanwhile_is_flagged_by_the_next_change() -> None:
    world = working_world(appointment(8))
    world.judge(SYSTEM, alongside=[issue()])
    world.now += timedelta(days=2)
    world.judge(CLINIC, world.get("Task/task") | {"note": [{"text": "Called."}]})
    assert flags(world, 8) == [FLAG]


def test_the_flags_go_when_it_is_cleared_and_what_the_clinic_wrote_stays() -> None:
    own = {"reference": "DocumentReference/plan"}
    world = working_world(appointment(2, supportingInformation=[own]))
    world.judge(SYSTEM, alongside=[issue()])
    assert flags(world, 2) == [own, FLAG]
    world.judge(SYSTEM, alongside=[issue(status="cancelled")])
    assert (flags(world, 1), flags(world, 2)) == (None, [own])


def test_a_flag_that_the_clinic_takes_away_comes_back() -> None:
    world = working_world()
    world.judge(SYSTEM, alongside=[issue()])
    world.judge(CLINIC, appointment(comment="Bring shoes."))
    assert flags(world, 1) == [FLAG]


def revoked() -> World:
    """Work that is asked to end, and that the clinic goes on with."""
    world = working_world()
    world.judge(REFERRER, referral(status="revoked"))
    (asked,) = [one for one in world.all("Task") if one["id"] != "task"]
    assert code_in(world.get("Task/task").get("statusReason"), STATUS_REASON) is None
    verdict = world.judge(CLINIC, asked | {"status": "rejected", "statusReason": {"text": "In a session."}})
    assert [one.expression for one in verdict.notices] == [("Task.statusReason",)]
    return world


def test_work_that_goes_on_after_a_revocation_says_so() -> None:
    world = revoked()
    assert code_in(world.get("Task/task")["statusReason"], STATUS_REASON) == "referral-revoked"


def test_it_says_so_whatever_the_clinic_writes_over_it() -> None:
    world = revoked()
    without = {name: value for name, value in world.get("Task/task").items() if name != "statusReason"}
    verdict = world.judge(CLINIC, without | {"note": [{"text": "Called."}]})
    assert [one.expression for one in verdict.notices] == [("Task.statusReason",)]
    assert code_in(world.get("Task/task")["statusReason"], STATUS_REASON) == "referral-revoked"


def test_it_says_so_until_the_work_is_ended() -> None:
    world = revoked()
    world.judge(REFERRER, abort())
    verdict = world.judge(CLINIC, abort(status="completed"))
    assert not verdict.refusals
    ended = world.get("Task/task")
    assert ended["status"] == "cancelled"
    assert "goes on" not in ended["statusReason"]["text"]
    assert not verdict.notices


def test_a_hold_has_its_own_reason() -> None:
    world = revoked()
    world.judge(CLINIC, task(status="on-hold", statusReason=reason("no-capacity")))
    assert code_in(world.get("Task/task")["statusReason"], STATUS_REASON) == "no-capacity"
