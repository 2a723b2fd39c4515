"""The scenarios of the referral loop as far as the rules alone go: each step's verdict and what the service writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from service.fhir.code_systems import ACT_CODE, GOAL_ACHIEVEMENT
from service.fhir.concept import code_in, coded
from service.massage.cycle import SYSTEM, Party
from service.massage.cycle.terms import APPOINTMENT_CANCELLATION, FILLER_TYPE, TASK_CODE, identifiers
from tests.builders.judged import changed, codes, done, status
from tests.builders.loop import (
    CLINIC,
    REFERRER,
    World,
    abort,
    appointment,
    business,
    business_of,
    check,
    encounter,
    goal,
    issue,
    output,
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

ACHIEVED = coded(GOAL_ACHIEVEMENT, "achieved")


def visit(world: World, number: int) -> None:
    """A visit from booking to fulfilment."""
    done(world.judge(CLINIC, appointment(number)))
    done(world.judge(CLINIC, check(number), encounter(number)))
    done(world.judge(CLINIC, session(number), encounter(number, status="finished")))
    done(world.judge(CLINIC, appointment(number, status="arrived")))
    done(world.judge(CLINIC, appointment(number, status="fulfilled")))


def test_s1_six_sessions_close_the_loop() -> None:
    world = World.of()
    done(world.judge(REFERRER, referral(), task()))
    assert business_of(world.get("Task/task")) == "awaiting-triage"
    done(world.judge(CLINIC, changed(world, "Task/task", status="received")))
    done(world.judge(CLINIC, changed(world, "Task/task", status="accepted")))
    assert len(identifiers(world.get("Task/task"), FILLER_TYPE)) == 1
    assert [one["status"] for one in world.all("EpisodeOfCare")] == ["planned"]
    done(world.judge(CLINIC, plan(), goal()))
    for number in range(1, 7):
        visit(world, number)
        assert status(world) == "in-progress"
    assert business_of(world.get("Task/task")) == "progress-report-due"
    assert "start" in world.get("Task/task")["executionPeriod"]
    done(world.judge(CLINIC, report(), goal(achievementStatus=ACHIEVED)))
    done(world.judge(CLINIC, plan(status="completed", activity=[{"detail": {"status": "completed"}}])))
    outputs = [*world.get("Task/task")["output"], output("final-report", "DiagnosticReport/report")]
    done(world.judge(CLINIC, changed(world, "Task/task", status="completed", output=outputs)))
    assert business_of(world.get("Task/task")) == "closed-loop"
    assert world.get("Task/task")["executionPeriod"].keys() == {"start", "end"}
    assert [one["status"] for one in world.all("EpisodeOfCare")] == ["finished"]
    done(world.judge(REFERRER, changed(world, "ServiceRequest/order", status="completed")))


def test_s2_a_dangerous_referral_is_stored_held_and_said_so() -> None:
    world = World.of()
    verdict = world.judge(REFERRER, referral(), task(), alongside=[issue()])
    done(verdict)
    assert business_of(world.get("Task/task")) == "safety-hold"
    assert [(one.severity, one.code) for one in verdict.notices] == [("warning", "guard-safety")]
    assert "DetectedIssue/issue" in verdict.notices[0].diagnostics
    assert [one["priority"] for one in world.all("Communication")] == ["stat"]


def test_s2_it_is_accepted_only_after_the_issue_is_cleared() -> None:
    world = World.of()
    world.judge(REFERRER, referral(), task(), alongside=[issue()])
    refused = world.judge(CLINIC, changed(world, "Task/task", status="accepted")).refusals
    assert [one.code for one in refused] == ["guard-safety"]
    assert "DetectedIssue/issue" in refused[0].text
    done(world.judge(SYSTEM, alongside=[issue(status="mitigated")]))
    done(world.judge(CLINIC, changed(world, "Task/task", status="accepted")))


def test_s2_the_clinic_asks_and_the_referrer_withdraws() -> None:
    world = World.of()
    world.judge(REFERRER, referral(), task(), alongside=[issue()])
    clinics = {
        "focus": {"reference": "ServiceRequest/order"},
        "requester": {"reference": "Organization/clinic"},
        "owner": {"reference": "Organization/referrer"},
    }
    done(world.judge(CLINIC, abort(**clinics)))
    answer = abort(**clinics, status="completed")
    done(world.judge(REFERRER, answer, changed(world, "ServiceRequest/order", status="revoked")))
    assert (status(world), business_of(world.get("Task/task"))) == ("cancelled", "cancelled-by-referrer")


def test_s2_a_mitigation_is_written_by_either_side_and_nothing_else() -> None:
    world = working_world(issue())
    mitigated = issue(mitigation=[{"action": coded(ACT_CODE, "2")}])
    done(world.judge(REFERRER, mitigated))
    assert codes(world.judge(CLINIC, mitigated | {"status": "entered-in-error"})) == ["wrong-actor"]


def test_s5_a_reason_goes_with_the_state_that_it_explains() -> None:
    world = working_world()
    done(world.judge(CLINIC, changed(world, "Task/task", status="on-hold", statusReason=reason("no-capacity"))))
    assert status(world, "CarePlan/plan") == "on-hold"
    done(world.judge(CLINIC, changed(world, "Task/task", status="in-progress")))
    assert status(world, "CarePlan/plan") == "active"


def test_s6_whoever_comes_second_is_told_the_state() -> None:
    world = World.of(referral(), task())
    done(world.judge(REFERRER, task(status="cancelled"), referral(status="revoked")))
    refused = world.judge(CLINIC, changed(world, "Task/task", status="accepted")).refusals
    assert [one.code for one in refused] == ["transition-not-allowed"]
    assert "terminal state cancelled" in refused[0].text
    assert refused[0].state == "cancelled"
    assert "Allowed from here: nothing." in refused[0].issue().diagnostics


def test_s6_an_accepted_task_is_still_cancelled_by_the_referrer() -> None:
    world = World.of(referral(), task(status="accepted"), plan(status="draft"), goal())
    done(world.judge(REFERRER, task(status="cancelled"), referral(status="revoked")))
    assert [status(world), status(world, "CarePlan/plan"), status(world, "Goal/goal")] == [
        "cancelled",
        "revoked",
        "cancelled",
    ]


def test_revoking_alone_cancels_what_has_not_started() -> None:
    world = World.of(referral(), task(status="accepted"))
    done(world.judge(REFERRER, referral(status="revoked")))
    assert (status(world), business_of(world.get("Task/task"))) == ("cancelled", "cancelled-by-referrer")


def revoked_mid_plan() -> World:
    """Two sessions are delivered, a third is booked, the referrer revokes."""
    world = World.of()
    world.judge(REFERRER, referral(), task())
    world.judge(CLINIC, changed(world, "Task/task", status="accepted"))
    world.judge(CLINIC, plan(), goal())
    visit(world, 1)
    visit(world, 2)
    world.judge(CLINIC, appointment(3))
    done(world.judge(REFERRER, changed(world, "ServiceRequest/order", status="revoked")))
    return world


def asked(world: World) -> Content:
    """The abort Task that the service made."""
    return next(one for one in world.all("Task") if code_in(one["code"], TASK_CODE) == "abort")


def test_s8_revoking_started_work_asks_the_clinic() -> None:
    world = revoked_mid_plan()
    assert asked(world)["focus"] == {"reference": "Task/task"}
    assert asked(world)["owner"] == {"reference": "Organization/clinic"}
    assert (status(world), business_of(world.get("Task/task"))) == ("in-progress", "cancellation-requested")
    assert "guard-cancellation" in codes(world.judge(CLINIC, appointment(4)))


def test_s8_the_clinic_grants_it_and_what_was_delivered_stays() -> None:
    world = revoked_mid_plan()
    done(world.judge(CLINIC, asked(world) | {"status": "completed"}))
    assert (status(world), business_of(world.get("Task/task"))) == ("cancelled", "cancelled-by-referrer")
    assert [status(world, name) for name in ("CarePlan/plan", "Goal/goal", "Appointment/visit3")] == [
        "revoked",
        "cancelled",
        "cancelled",
    ]
    assert code_in(world.get("Appointment/visit3")["cancelationReason"], APPOINTMENT_CANCELLATION) == "prov"
    assert status(world, "Procedure/session1") == status(world, "Procedure/session2") == "completed"
    assert status(world, "Appointment/visit1") == "fulfilled"


def test_s8_the_clinic_may_end_its_task_which_grants_the_request() -> None:
    world = revoked_mid_plan()
    done(world.judge(CLINIC, changed(world, "Task/task", status="cancelled")))
    assert asked(world)["status"] == "completed"


def test_s8_the_clinic_refuses_and_the_work_goes_on() -> None:
    world = revoked_mid_plan()
    done(world.judge(CLINIC, asked(world) | {"status": "rejected", "statusReason": {"text": "In a session."}}))
    assert (status(world), business_of(world.get("Task/task"))) == ("in-progress", "visit-scheduled")
    assert status(world, "ServiceRequest/order") == "revoked"


def test_s8_the_referrer_cannot_cancel_started_work_directly() -> None:
    refused = working_world().judge(REFERRER, task(status="cancelled", businessStatus=business("visit-scheduled")))
    assert [(one.code, one.text) for one in refused.refusals] == [
        ("transition-not-allowed", "Use an abort Task; work has started.")
    ]


@pytest.mark.parametrize("state", ["draft", "ready", "accepted", "in-progress"])
def test_s9_a_task_begins_as_requested(state: str) -> None:
    assert codes(World.of(referral()).judge(REFERRER, task(status=state))) == ["transition-not-allowed"]


def test_a_task_sent_as_received_begins_as_requested_with_a_warning() -> None:
    world = World.of()
    verdict = world.judge(REFERRER, referral(), task(status="received"))
    done(verdict)
    assert status(world) == "requested"
    assert [one.severity for one in verdict.notices] == ["warning"]


def test_s10_a_declined_referral_is_dispatched_again() -> None:
    world = World.of(referral(), task())
    why = reason("no-qualified-therapist")
    done(world.judge(CLINIC, task(status="rejected", statusReason=why)))
    assert business_of(world.get("Task/task")) == "declined"
    done(world.judge(REFERRER, task(id="second", owner={"reference": "Organization/other"})))
    assert status(world, "Task/second") == "requested"
    assert codes(world.judge(CLINIC, changed(world, "Task/task", status="requested"))) == ["transition-not-allowed"]


def test_a_clinic_that_declined_has_no_hand_in_what_another_does() -> None:
    world = World.of(referral(), task(status="rejected"), task(id="second", owner={"reference": "Organization/other"}))
    sent = changed(world, "Task/second", status="accepted")
    assert codes(world.judge(CLINIC, sent)) == ["wrong-actor"]


def test_s11_a_red_flag_holds_the_work_and_tells_the_referrer() -> None:
    world = working_world(encounter())
    done(world.judge(CLINIC, alongside=[issue()]))
    assert (status(world), business_of(world.get("Task/task"))) == ("on-hold", "safety-hold")
    assert status(world, "CarePlan/plan") == "on-hold"
    message = world.all("Communication")[0]
    assert (message["priority"], message["recipient"]) == ("stat", [{"reference": "PractitionerRole/doctor"}])
    assert "guard-safety" in codes(world.judge(CLINIC, session()))
    done(world.judge(CLINIC, session(status="not-done", statusReason={"text": "Red flag."})))
    done(world.judge(CLINIC, encounter(status="finished")))


def test_s11_a_cleared_red_flag_lets_the_work_go_on() -> None:
    world = working_world()
    world.judge(CLINIC, alongside=[issue()])
    done(world.judge(REFERRER, alongside=[issue(status="mitigated")]))
    assert (status(world), business_of(world.get("Task/task"))) == ("in-progress", "visit-scheduled")
    assert status(world, "CarePlan/plan") == "active"
    assert "statusReason" not in world.get("Task/task")


def test_s11_a_clearance_that_arrives_later_lets_the_work_go_on_too(monkeypatch: pytest.MonkeyPatch) -> None:
    world = working_world()
    world.judge(CLINIC, alongside=[issue()])
    surroundings = world.surroundings

    def is_open(_: Content) -> bool:
        return False

    cleared = replace(surroundings, is_open_absolute=is_open, was_open_absolute=surroundings.is_open_absolute)
    monkeypatch.setattr(World, "surroundings", property(lambda _: cleared))
    done(world.judge(REFERRER, changed(world, "Task/task", input=[{"valueReference": {"reference": "x"}}])))
    assert status(world) == "in-progress"


def test_the_referrer_is_not_told_twice_where_the_screening_tells_him() -> None:
    world = working_world()
    told = {"resourceType": "Communication", "id": "flag", "status": "completed", "priority": "stat"}
    done(world.judge(CLINIC, alongside=[issue(), told]))
    assert [one["id"] for one in world.all("Communication")] == ["flag"]


def test_a_hold_of_the_referrers_is_not_lifted_by_a_cleared_contraindication() -> None:
    world = working_world()
    world.judge(CLINIC, alongside=[issue()])
    done(world.judge(REFERRER, referral(status="on-hold")))
    done(world.judge(SYSTEM, alongside=[issue(status="mitigated")]))
    assert status(world) == "on-hold"


def test_a_reaction_is_told_at_once_and_once() -> None:
    world = working_world(encounter())
    done(world.judge(CLINIC, session(complication=[{"text": "Bruise"}])))
    done(world.judge(CLINIC, changed(world, "Procedure/session1", note=[{"text": "Fading."}])))
    assert [one["priority"] for one in world.all("Communication")] == ["urgent"]
    assert world.all("Communication")[0]["about"] == [{"reference": "Procedure/session1"}]


def test_s12_lost_to_follow_up_fails_and_stays_open_to_be_dispatched_again() -> None:
    world = working_world(encounter(status="finished"), session(), goal(id="met", outcomeReference=[{"display": "x"}]))
    why = {"status": "failed", "statusReason": reason("lost-to-follow-up")}
    assert codes(world.judge(CLINIC, changed(world, "Task/task", **why))) == ["guard-report"]
    outputs = [output("final-report", "DiagnosticReport/report")]
    done(world.judge(CLINIC, report(), changed(world, "Task/task", **why, output=outputs)))
    assert business_of(world.get("Task/task")) == "discontinued"
    assert status(world, "CarePlan/plan") == "revoked"
    assert code_in(world.get("Goal/goal")["achievementStatus"], GOAL_ACHIEVEMENT) == "no-progress"
    assert "achievementStatus" not in world.get("Goal/met")
    assert status(world, "ServiceRequest/order") == "active"
    done(world.judge(REFERRER, task(id="second")))


@pytest.mark.parametrize(
    "who, sent",
    [
        (REFERRER, [task(id="second", status="cancelled"), referral(status="revoked")]),
        (CLINIC, [task(id="second", status="rejected", statusReason=reason("no-capacity"))]),
    ],
)
def test_what_an_earlier_clinic_delivered_does_not_bind_the_next(who: Party, sent: list[Content]) -> None:
    world = World.of(
        referral(),
        task(status="failed", businessStatus=business("discontinued")),
        task(id="second", status="accepted", businessStatus=business("accepted-unscheduled")),
        encounter(status="finished"),
        session(),
    )
    done(world.judge(who, *sent))
