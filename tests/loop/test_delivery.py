"""S1, the loop from the order to the final report, and S3, more visits than the payer allows."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from service.fhir.concept import code_in
from service.massage.cycle.terms import FILLER_TYPE, TASK_IO, identifiers
from tests.api.outcome import assert_outcome
from tests.builders import loop
from tests.builders.resources import TERMINOLOGY, concept, observation, reference
from tests.loop.side import state, warnings

if TYPE_CHECKING:
    from tests.loop.side import Json
    from tests.loop.story import Story


def progress(task: Json) -> Any:
    """Sessions delivered and sessions that there may be, as the Task says."""
    (entry,) = [each for each in task["output"] if code_in(each["type"], TASK_IO) == "sessions-progress"]
    return entry["valueRatio"]["numerator"]["value"], entry["valueRatio"]["denominator"]["value"]


async def test_s1_a_referral_is_delivered_to_the_clinics_inbox(story: Story) -> None:
    await story.refer()
    assert story.answered is not None
    assert [each["response"]["status"][:3] for each in story.answered.json()["entry"]] == ["201"] * 4
    assert warnings(story.answered) == []
    assert await story.stands() == ("requested", "awaiting-triage")
    assert await story.referrer.found(f"DetectedIssue?implicated={story.referral}") == []
    inbox = await story.clinic.found(
        f"Task?owner=Organization/clinic&status=requested&subject={story.patient}&_include=Task:focus"
    )
    assert {f"{each['resourceType']}/{each['id']}" for each in inbox} == {story.task, story.referral}


async def test_s1_six_sessions_close_the_loop(story: Story) -> None:
    await story.refer()
    assert state(await story.clinic.does(story.task, status="received")) == ("received", "in-review")
    accepted = await story.clinic.does(story.task, status="accepted")
    assert (accepted["meta"]["versionId"], *state(accepted)) == ("3", "accepted", "accepted-unscheduled")
    assert len(identifiers(accepted, FILLER_TYPE)) == 1
    care = await story.referrer.found(f"EpisodeOfCare?incoming-referral={story.referral}")
    assert [each["status"] for each in care] == ["planned"]
    await story.draw_up()
    first = await story.book(1)
    assert await story.stands() == ("in-progress", "visit-scheduled")
    await story.clinic.does(first, status="cancelled")
    assert await story.stands() == ("in-progress", "visit-cancelled")
    for number in range(2, 8):
        await story.deliver(number)
        task = await story.referrer.read(story.task)
        assert (task["status"], progress(task)) == ("in-progress", (number - 1, 6))
    assert await story.stands() == ("in-progress", "progress-report-due")
    measured = await story.clinic.post(observation(story.patient, basedOn=story.based_on))
    done = await story.finish()
    assert state(done) == ("completed", "closed-loop")
    assert done["executionPeriod"].keys() == {"start", "end"}
    assert await story.status_of(f"EpisodeOfCare/{care[0]['id']}") == "finished"
    for seen in (story.plan, story.goal, *story.sessions, measured):
        await story.referrer.read(seen)
    reports = await story.referrer.found(f"DiagnosticReport?based-on={story.referral}")
    assert [each["status"] for each in reports] == ["final"]
    assert (await story.referrer.does(story.referral, status="completed"))["status"] == "completed"


async def test_s1_the_loop_is_not_closed_without_report_assessed_goals_and_an_ended_plan(story: Story) -> None:
    await (await story.refer()).accept()
    await story.draw_up()
    await story.deliver(1)
    refused = await story.clinic.change(story.task, status="completed")
    for code in ("guard-plan", "guard-report"):
        assert_outcome(refused, 422, code)
    assert_outcome(await story.referrer.change(story.referral, status="completed"), 422, "guard-task")
    assert await story.stands() == ("in-progress", "visit-completed")


def authorisation(story: Story, visits: int) -> Json:
    """The payer's answer that allows so many visits."""
    return {
        "resourceType": "ClaimResponse",
        "status": "active",
        "type": concept(f"{TERMINOLOGY}/claim-type", "professional"),
        "use": "preauthorization",
        "patient": reference(story.patient or story.url("patient")),
        "created": "2026-01-09",
        "insurer": reference("Organization/payer"),
        "outcome": "complete",
        "preAuthRef": f"AUTH-{visits}",
        "addItem": [
            {
                "productOrService": concept("http://snomed.info/sct", "387854002"),
                "quantity": {"value": visits},
                "adjudication": [{"category": concept(f"{TERMINOLOGY}/adjudication", "submitted")}],
            }
        ],
    }


async def with_one_visit_left(story: Story, *, delivered: int = 1) -> Story:
    """The payer allows one visit more than the clinic has delivered."""
    await story.refer()
    payers = await story.referrer.post(authorisation(story, delivered + 1))
    await story.referrer.does(story.referral, insurance=[reference(payers)])
    await story.accept()
    await story.draw_up()
    for number in range(1, delivered + 1):
        await story.deliver(number)
    return story


async def test_s3_a_visit_beyond_what_the_payer_allows_is_not_booked(story: Story) -> None:
    await with_one_visit_left(story)
    await story.deliver(2)
    assert await story.stands() == ("in-progress", "visits-exhausted")
    refused = assert_outcome(await story.clinic.tries(story.visit(3)), 422, "guard-visits")
    assert "authorized 2, ordered 6, completed 2, booked 0, requested 1" in refused["diagnostics"]
    assert await story.clinic.found(f"Appointment?based-on={story.referral}&status=booked") == []


async def test_s3_a_new_authorisation_makes_room(story: Story) -> None:
    await with_one_visit_left(story)
    await story.deliver(2)
    order = await story.referrer.read(story.referral)
    more = await story.referrer.post(authorisation(story, 8))
    quantity = order["quantityQuantity"] | {"value": 10}
    insurance = [*order["insurance"], reference(more)]
    await story.referrer.does(story.referral, quantityQuantity=quantity, insurance=insurance)
    assert (await story.stands())[0] == "in-progress"
    assert (await story.stands())[1] != "visits-exhausted"
    await story.deliver(3)
    assert progress(await story.referrer.read(story.task)) == (3, 10)


async def test_s3_a_clearance_of_the_clinics_does_not_lift_the_payers_limit(story: Story) -> None:
    await with_one_visit_left(story)
    await story.deliver(2)
    given = loop.output("physician-clearance", "DocumentReference/clearance")
    await story.clinic.does(story.task, input=[given])
    assert_outcome(await story.clinic.tries(story.visit(3)), 422, "guard-visits")


async def test_s3_of_two_bookings_of_the_last_visit_one_wins(story: Story) -> None:
    await with_one_visit_left(story)
    answers = await asyncio.gather(*(story.clinic.tries(story.visit(number)) for number in (3, 4)))
    assert sorted(each.status_code for each in answers) == [201, 422]
    (refused,) = [each for each in answers if each.status_code == 422]
    assert "booked 1" in assert_outcome(refused, 422, "guard-visits")["diagnostics"]
