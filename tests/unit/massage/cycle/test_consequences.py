"""What follows from steps beside the scenarios: expiry, Tasks that come by themselves, Provenance, progress."""

from __future__ import annotations

from datetime import timedelta

from service.fhir.concept import code_in, coded
from service.massage.cycle import Change, Episode, Party, judge, versioned
from service.massage.cycle.terms import FILLER_TYPE, TASK_IO, identifiers
from service.massage.cycle.units import said_units
from service.massage.systems import STATUS_REASON
from tests.builders.judged import changed, codes, done, status
from tests.builders.loop import (
    ADMINISTRATOR,
    CLINIC,
    REFERRER,
    START,
    World,
    abort,
    accepted_world,
    appointment,
    business_of,
    check,
    encounter,
    goal,
    output,
    plan,
    reason,
    referral,
    report,
    session,
    task,
    working_world,
)


def test_an_order_that_nobody_started_expires() -> None:
    world = World.of(referral(occurrencePeriod={"end": "2026-01-20"}), task(status="accepted"), abort())
    world.let_time_pass(timedelta(days=8))
    assert status(world) == "accepted"
    world.let_time_pass(timedelta(days=1))
    assert (status(world), business_of(world.get("Task/task"))) == ("cancelled", "expired")
    assert code_in(
        world.get("Task/task")["statusReason"],
        STATUS_REASON,
    )
    assert status(world, "Task/abort") == "rejected"


def test_an_order_with_a_session_from_before_the_rules_is_left_alone() -> None:
    world = World.of(referral(occurrencePeriod={"end": "2026-01-01"}), task(), session())
    assert world.let_time_pass(timedelta(days=1)).effects == ()


def test_an_order_without_an_end_holds_for_half_a_year() -> None:
    world = World.of(referral(authoredOn="2026-01-12"), task())
    world.let_time_pass(timedelta(days=179))
    assert status(world) == "requested"
    world.let_time_pass(timedelta(days=1))
    assert status(world) == "cancelled"


def test_work_that_has_started_does_not_expire() -> None:
    world = working_world()
    world.keep(referral(occurrencePeriod={"end": "2026-01-01"}))
    world.let_time_pass(timedelta(days=300))
    assert status(world) == "in-progress"


def test_a_referral_without_a_task_gets_one_for_the_clinic_that_it_names() -> None:
    world = World.of()
    done(world.judge(REFERRER, referral(priority="urgent")))
    made = world.all("Task")[0]
    assert (made["owner"], made["priority"], made["for"]) == (
        {"reference": "Organization/clinic"},
        "urgent",
        {"reference": "Patient/ann"},
    )


def test_a_referral_to_nobody_gets_an_open_task_that_a_clinic_claims() -> None:
    world = World.of()
    done(world.judge(REFERRER, referral(performer=[])))
    made = world.all("Task")[0]
    assert "owner" not in made
    done(world.judge(CLINIC, made | {"status": "received"}))
    assert world.all("Task")[0]["owner"] == {"reference": "Organization/clinic"}


def test_a_draft_gets_its_task_when_it_becomes_active() -> None:
    world = World.of()
    done(world.judge(REFERRER, referral(status="draft")))
    assert world.all("Task") == []
    done(world.judge(REFERRER, referral()))
    assert [one["status"] for one in world.all("Task")] == ["requested"]


def test_a_new_referral_need_not_carry_its_id_yet() -> None:
    unnumbered = {name: value for name, value in referral().items() if name != "id"}
    world = World.of()
    change = Change(type="ServiceRequest", id="order", before=None, after=unnumbered)
    episode = Episode(referral=unnumbered, resources={})
    verdict = judge(episode, [change], REFERRER, START, world.new_id, world.surroundings)
    tasks = [one.after for one in verdict.effects if one.type == "Task"]
    assert [one["focus"] for one in tasks if one] == [{"reference": "ServiceRequest/order"}]


def test_a_referral_on_hold_holds_its_work() -> None:
    world = working_world()
    done(world.judge(REFERRER, referral(status="on-hold")))
    assert (status(world), status(world, "CarePlan/plan")) == ("on-hold", "on-hold")
    assert "guard-referral" in codes(world.judge(CLINIC, changed(world, "Task/task", status="in-progress")))


def test_a_referral_entered_in_error_takes_its_task_with_it() -> None:
    world = working_world()
    done(world.judge(ADMINISTRATOR, referral(status="entered-in-error")))
    assert (status(world), business_of(world.get("Task/task"))) == ("entered-in-error", None)
    assert status(world, "Appointment/visit1") == "cancelled"


def test_a_consultation_closes_the_loop_without_a_session() -> None:
    order = {name: value for name, value in referral().items() if name != "quantityQuantity"}
    world = World.of(order, task(status="accepted"), report())
    sent = task(status="completed", output=[output("final-report", "DiagnosticReport/report")])
    done(world.judge(CLINIC, sent))
    assert business_of(world.get("Task/task")) == "closed-loop"


def test_the_clinics_own_filler_identifier_is_kept() -> None:
    world = World.of(referral(), task())
    own = [{"type": coded("http://terminology.hl7.org/CodeSystem/v2-0203", "FILL"), "system": "urn:c", "value": "9999"}]
    done(world.judge(CLINIC, task(status="accepted", identifier=own)))
    assert identifiers(world.get("Task/task"), FILLER_TYPE) == (("urn:c", "9999"),)


def test_an_effect_replaces_what_the_client_sent() -> None:
    world = World.of(referral(), task())
    verdict = world.judge(CLINIC, task(status="received"))
    effect = next(one for one in verdict.effects if one.id == "task")
    assert effect.before == task()
    assert effect.after is not None
    assert effect.after["status"] == "received"


def test_a_provenance_says_who_did_what_and_why_and_takes_the_version_later() -> None:
    world = World.of(referral(), task())
    world.judge(CLINIC, task(status="rejected", statusReason=reason("no-capacity")))
    written = world.all("Provenance")[0]
    assert written["agent"][0]["who"] == {"reference": "Practitioner/clerk"}
    assert written["agent"][0]["onBehalfOf"] == {"reference": "Organization/clinic"}
    assert written["activity"]["coding"][0]["code"] == "T4"
    assert written["reason"] == [reason("no-capacity")]
    assert versioned(written, lambda _: 2)["target"] == [{"reference": "Task/task/_history/2"}]


def test_a_step_of_both_sides_names_both_agents() -> None:
    world = World.of(referral(), task(status="accepted"))
    world.judge(CLINIC, appointment(), task(status="accepted", note=[{"text": "Booked."}]))
    about_task = [one for one in world.all("Provenance") if one["target"] == [{"reference": "Task/task"}]]
    assert len(about_task) == 1
    assert [len(one["agent"]) for one in about_task] == [2]


def test_the_last_change_of_a_task_is_not_before_it_was_written() -> None:
    ahead = "2026-01-12T09:00:00Z"
    world = World.of()
    done(world.judge(REFERRER, referral(), task(authoredOn=ahead)))
    assert world.get("Task/task")["lastModified"] == ahead


def test_a_change_of_nothing_is_nothing() -> None:
    world = working_world()
    sent = changed(world, "CarePlan/plan", meta={"versionId": "7"})
    assert world.judge(REFERRER, sent).effects == ()


def test_in_open_mode_every_side_is_played() -> None:
    anyone = Party(roles=frozenset({"referrer", "clinic", "patient"}))
    world = World.of()
    done(world.judge(anyone, referral(), task()))
    done(world.judge(anyone, task(status="accepted")))
    done(world.judge(anyone, appointment()))
    assert status(world) == "in-progress"


def test_absolute_references_to_this_server_are_local() -> None:
    world = World.of(referral(), task(focus={"reference": "https://here.example.org/fhir/ServiceRequest/order"}))
    episode = Episode(referral=referral(), resources=world.stored, base="https://here.example.org/fhir")
    before = world.get("Task/task")
    change = Change(type="Task", id="task", before=before, after=before | {"status": "completed"})
    verdict = judge(episode, [change], CLINIC, START, world.new_id, world.surroundings)
    assert codes(verdict) == ["transition-not-allowed"]


def test_progress_names_its_unit() -> None:
    world = working_world(encounter())
    done(world.judge(CLINIC, session()))
    ratio = world.get("Task/task")["output"][0]
    assert code_in(ratio["type"], TASK_IO) == "sessions-progress"
    assert ratio["valueRatio"]["numerator"]["code"] == "{session}"


def test_a_session_is_recorded_in_one_unit_from_an_accepted_task() -> None:
    """The Encounter that is over begins the work, the session counts, and the next visit is booked."""
    world = accepted_world()
    for one in (plan(), goal(), check()):
        world.keep(one)
    done(world.judge(CLINIC, encounter(status="finished"), session(), appointment(2)))
    task = world.get("Task/task")
    assert (task["status"], business_of(task)) == ("in-progress", "visit-scheduled")
    assert task["output"][0]["valueRatio"]["numerator"]["value"] == 1
    assert said_units(world.get("Procedure/session1")) == 4


def test_units_follow_when_the_time_of_a_session_is_corrected() -> None:
    world = working_world(encounter())
    done(world.judge(CLINIC, session()))
    kept = {name: value for name, value in world.get("Procedure/session1").items() if name != "extension"}
    shorter = kept["performedPeriod"] | {"end": "2026-01-13T08:37:00Z"}
    done(world.judge(CLINIC, kept | {"performedPeriod": shorter}))
    assert said_units(world.get("Procedure/session1")) == 2
