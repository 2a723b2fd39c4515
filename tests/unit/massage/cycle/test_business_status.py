"""The table of business statuses and of status reasons, row by row, and what the service derives from visits."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import service.massage
from service.fhir.concept import code_in, coded
from service.massage.cycle import SYSTEM
from service.massage.cycle.tables import MACHINES
from service.massage.cycle.tables.business_status import ALLOWED, DEFAULTS, allowed_with
from service.massage.cycle.tables.status_reason import REASONS
from service.massage.cycle.terms import BUSINESS_STATUS, TASK_IO
from tests.builders.loop import (
    CLINIC,
    REFERRER,
    World,
    abort,
    appointment,
    business,
    business_of,
    consistent,
    encounter,
    goal,
    issue,
    plan,
    reason,
    referral,
    report,
    session,
    task,
    working_world,
)

if TYPE_CHECKING:
    from service.fhir.resource import Content

CATALOGUE = Path(service.massage.__file__).parent / "catalogue"
STATES = MACHINES["Task"].states
LIVE = ("requested", "received", "accepted", "in-progress", "on-hold")


def rows(file: str) -> dict[str, Any]:
    return tomllib.loads((CATALOGUE / file).read_text("utf-8"))


def test_the_catalogue_publishes_the_same_business_statuses() -> None:
    assert {code: frozenset(row["allowed"]) for code, row in rows("business_statuses.toml").items()} == ALLOWED


def test_the_catalogue_publishes_the_same_reasons() -> None:
    assert rows("status_reasons.toml").keys() == REASONS.keys()


@pytest.mark.parametrize("code", ALLOWED)
def test_a_business_status_is_taken_beside_its_statuses_and_no_other(code: str) -> None:
    for status in LIVE:
        stored = task(status=status, businessStatus=business(DEFAULTS[status]))
        sent = stored | {"businessStatus": business(code)}
        refused = World.of(referral(), stored).judge(CLINIC, sent).refusals
        fits = status in ALLOWED[code] or code == DEFAULTS[status]
        assert [one.code for one in refused] == ([] if fits else ["business-status-inconsistent"]), status


@pytest.mark.parametrize("status", STATES)
def test_every_status_has_a_business_status_to_fall_back_to_but_for_an_error(status: str) -> None:
    assert consistent(status, DEFAULTS.get(status))
    assert (status in DEFAULTS) == (status != "entered-in-error")


def test_a_status_without_a_business_status_is_inconsistent_where_the_table_has_one() -> None:
    assert not consistent("accepted", None)


def test_a_step_does_not_take_a_business_status_that_belongs_to_another_step() -> None:
    world = World.of(referral(), task())
    sent = task(status="accepted", businessStatus=business("safety-hold"))
    assert [one.code for one in world.judge(CLINIC, sent).refusals] == ["business-status-inconsistent"]


@pytest.mark.parametrize("code", REASONS)
@pytest.mark.parametrize("status", ["rejected", "failed", "on-hold"])
def test_a_reason_explains_the_statuses_of_its_row(code: str, status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = "requested" if status == "rejected" else "in-progress"
    world = World.of(referral(), task(status=before, businessStatus=business(DEFAULTS[before])), report())
    told = [{"type": coded(TASK_IO, "outcome-summary"), "valueString": "So."}]
    sent = task(status=status, statusReason=reason(code), output=told)

    refused = world.judge(CLINIC, sent).refusals

    assert [one.code for one in refused] == ([] if status in REASONS[code] else ["guard-reason"])


def after(world: World, *sent: Content) -> str | None:
    """The business status of the Task after the clinic sends something."""
    assert world.judge(CLINIC, *sent).refusals == ()
    return business_of(world.get("Task/task"))


def with_sessions(count: int, **order: Any) -> World:
    """Work in progress with sessions delivered, and the next visit under way."""
    world = World.of(
        referral(**order), task(status="in-progress", businessStatus=business("visit-completed")), plan(), goal()
    )
    for number in range(1, count + 1):
        world.keep(appointment(number, status="fulfilled"))
        world.keep(encounter(number, status="finished"))
        world.keep(session(number))
    world.keep(appointment(count + 1, status="arrived"))
    world.keep(encounter(count + 1))
    return world


@pytest.mark.parametrize("status, expected", [("noshow", "visit-no-show"), ("cancelled", "visit-cancelled")])
def test_a_visit_that_does_not_happen_shows(status: str, expected: str) -> None:
    assert after(working_world(), appointment(status=status)) == expected


def test_a_cancelled_visit_beside_another_that_is_booked_leaves_a_visit_scheduled() -> None:
    assert after(working_world(appointment(2)), appointment(status="cancelled")) == "visit-scheduled"


def test_a_delivered_session_without_a_next_visit_is_a_completed_visit() -> None:
    assert after(with_sessions(0), session(1)) == "visit-completed"


def test_a_delivered_session_with_a_next_visit_leaves_a_visit_scheduled() -> None:
    world = with_sessions(0)
    world.keep(appointment(5))
    assert after(world, session(1)) == "visit-scheduled"


def test_after_six_sessions_a_progress_report_is_due() -> None:
    assert after(with_sessions(5), session(6)) == "progress-report-due"


def test_the_payers_limit_is_exhausted_before_anything_else_is_due() -> None:
    world = with_sessions(5, insurance=[{"reference": "ClaimResponse/answer"}], quantityQuantity={"value": 10})
    answer = {"status": "active", "addItem": [{"quantity": {"value": 6}}]}
    world.keep({"resourceType": "ClaimResponse", "id": "answer"} | answer)
    assert after(world, session(6)) == "visits-exhausted"


def test_a_new_authorisation_opens_what_was_exhausted() -> None:
    world = with_sessions(6, insurance=[{"reference": "ClaimResponse/answer"}], quantityQuantity={"value": 10})
    world.keep(task(status="in-progress", businessStatus=business("visits-exhausted")))
    world.keep(report(issued="2026-01-20T12:00:00Z"))
    for number, count in (("answer", 6), ("more", 4)):
        answer = {"status": "active", "addItem": [{"quantity": {"value": count}}]}
        world.keep({"resourceType": "ClaimResponse", "id": number} | answer)
    both = [{"reference": "ClaimResponse/answer"}, {"reference": "ClaimResponse/more"}]
    world.judge(REFERRER, referral(insurance=both, quantityQuantity={"value": 10}))
    assert business_of(world.get("Task/task")) == "visit-scheduled"


def test_when_all_that_was_ordered_is_delivered_and_reported_the_final_report_is_pending() -> None:
    world = with_sessions(1, quantityQuantity={"value": 2})
    assert after(world, session(2)) == "report-pending"


def test_sessions_are_counted_in_the_output() -> None:
    world = with_sessions(1)
    world.judge(CLINIC, session(2))
    progress = [one for one in world.get("Task/task")["output"] if code_in(one["type"], TASK_IO)]
    assert [
        (one["valueRatio"]["numerator"]["value"], one["valueRatio"]["denominator"]["value"]) for one in progress
    ] == [(2, 6)]


def test_a_session_entered_in_error_is_not_counted_any_more() -> None:
    world = with_sessions(2)
    world.judge(CLINIC, session(2, status="entered-in-error"))
    assert world.get("Task/task")["output"][0]["valueRatio"]["numerator"]["value"] == 1


def test_without_a_number_ordered_the_count_stands_alone() -> None:
    world = with_sessions(0)
    world.keep({name: value for name, value in referral().items() if name != "quantityQuantity"})
    world.judge(CLINIC, session(1))
    assert world.get("Task/task")["output"][0]["valueQuantity"]["value"] == 1


def test_a_technique_within_a_session_is_no_session() -> None:
    world = with_sessions(1)
    world.judge(CLINIC, session(2), session(2, id="part", partOf=[{"reference": "Procedure/session2"}]))
    assert world.get("Task/task")["output"][0]["valueRatio"]["numerator"]["value"] == 2


def test_a_session_not_done_is_not_counted() -> None:
    world = with_sessions(1)
    world.judge(CLINIC, session(2, status="not-done", statusReason={"text": "Fever."}))
    assert world.get("Task/task")["output"][0]["valueRatio"]["numerator"]["value"] == 1


def test_an_open_abort_shows_and_goes_with_its_answer() -> None:
    world = working_world()
    world.judge(REFERRER, abort())
    assert business_of(world.get("Task/task")) == "cancellation-requested"
    assert after(world, abort(status="rejected")) == "visit-scheduled"


def test_the_clinic_cannot_talk_an_open_abort_away() -> None:
    world = working_world(abort())
    sent = world.get("Task/task") | {"businessStatus": business("visit-completed")}
    assert after(world, sent) == "cancellation-requested"


@pytest.mark.parametrize("status", ["requested", "received", "accepted"])
def test_a_contraindication_holds_what_has_not_started_and_lets_it_go_when_cleared(status: str) -> None:
    world = World.of(referral(), task(status=status, businessStatus=business(DEFAULTS[status])))
    world.judge(SYSTEM, alongside=[issue()])
    assert business_of(world.get("Task/task")) == "safety-hold"
    world.judge(SYSTEM, alongside=[issue(status="mitigated")])
    assert business_of(world.get("Task/task")) == DEFAULTS[status]


def test_a_month_after_the_start_a_progress_report_is_due_by_the_clock() -> None:
    world = with_sessions(1)
    world.keep(task(status="in-progress", executionPeriod={"start": "2026-01-12"}))
    world.judge(CLINIC, appointment(2, status="fulfilled"))
    world.let_time_pass(timedelta(days=29))
    assert business_of(world.get("Task/task")) != "progress-report-due"
    world.let_time_pass(timedelta(days=1))
    assert business_of(world.get("Task/task")) == "progress-report-due"


def test_the_clock_has_nothing_to_do_again_right_away() -> None:
    world = with_sessions(1)
    world.judge(CLINIC, appointment(2, status="fulfilled"))
    world.let_time_pass(timedelta(days=60))
    assert world.let_time_pass(timedelta(days=1)).effects == ()


def test_other_codings_of_a_business_status_are_left_to_the_sender() -> None:
    sent = task(businessStatus={"coding": [{"system": "http://hl7.org/fhir/us/bser", "code": "2.0"}]})
    world = World.of(referral())
    assert world.judge(REFERRER, sent).refusals == ()
    assert code_in(world.get("Task/task")["businessStatus"], BUSINESS_STATUS) == "awaiting-triage"


def test_each_business_status_is_beside_some_status_and_each_status_lists_its_own() -> None:
    for code, statuses in ALLOWED.items():
        assert statuses
        assert all(code in allowed_with(status) for status in statuses)
