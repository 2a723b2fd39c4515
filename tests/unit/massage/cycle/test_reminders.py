"""Reminders to the clinic whose patient stays away (S12)."""

from __future__ import annotations

from service.fhir.concept import code_in
from service.fhir.definitions import load
from service.fhir.validation import Validator
from service.massage.cycle import Policy
from service.massage.cycle.terms import TASK_KIND
from tests.builders.loop import (
    CLINIC,
    World,
    appointment,
    encounter,
    output,
    reason,
    report,
    session,
    task,
    working_world,
)


def reminders(world: World) -> list[str]:
    """The states of the reminders, in the order in which they were written."""
    return [one["status"] for one in world.all("Task") if code_in(one["code"], TASK_KIND) == "reminder"]


def misses(world: World, *numbers: int) -> World:
    """The patient does not come to these visits."""
    for number in numbers:
        world.keep(appointment(number))
        assert not world.judge(CLINIC, appointment(number, status="noshow")).refusals
    return world


def test_two_visits_in_a_row_that_are_missed_remind_the_clinic_once() -> None:
    assert reminders(misses(working_world(), 1)) == []
    assert reminders(misses(working_world(), 1, 2)) == ["ready"]
    assert reminders(misses(working_world(), 1, 2, 3)) == ["ready"]


def test_a_visit_between_them_that_was_kept_counts() -> None:
    assert reminders(misses(working_world(appointment(2, status="fulfilled")), 1, 3)) == []


def test_a_deployment_says_after_how_many() -> None:
    world = working_world()
    world.policy = Policy(remind_after_missed_visits=3)
    assert reminders(misses(world, 1, 2)) == []
    assert reminders(misses(world, 3)) == ["ready"]


def test_a_reminder_is_valid_names_the_clinic_and_waits_in_no_list_of_requests() -> None:
    """An owner would be a party to the referral; the recipient is not."""
    (made,) = [one for one in misses(working_world(), 1, 2).all("Task") if one["id"] != "task"]
    assert Validator(load()).issues(made, "Task") == []
    assert made["restriction"]["recipient"] == [{"reference": "Organization/clinic"}]
    assert made["focus"] == {"reference": "Task/task"}
    assert "owner" not in made


def test_booking_again_settles_it_and_missing_again_reminds_again() -> None:
    world = misses(working_world(), 1, 2)
    assert not world.judge(CLINIC, appointment(4)).refusals
    assert reminders(world) == ["completed"]
    assert reminders(misses(world, 4)) == ["completed", "ready"]


def test_the_end_of_the_work_drops_it() -> None:
    world = misses(working_world(encounter(), session(), report()), 2, 3)
    failed = task(
        status="failed",
        statusReason=reason("lost-to-follow-up"),
        output=[output("final-report", "DiagnosticReport/report")],
    )
    assert not world.judge(CLINIC, failed).refusals
    assert reminders(world) == ["cancelled"]
