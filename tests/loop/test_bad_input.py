"""S9: what is wrong with a referral or with the work on it is refused, named, and nothing of it is stored."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.code_systems import ICD10CM, UCUM
from service.fhir.concept import coded
from service.massage.cycle.terms import IDENTIFIER_TYPE
from tests.api.outcome import assert_outcome
from tests.builders.resources import concept, identifier, observation, reference
from tests.loop.side import warnings
from tests.loop.story import now

if TYPE_CHECKING:
    import httpx

    from tests.loop.side import Json, Side
    from tests.loop.story import Story

TIMING: Json = {"repeat": {"count": 6, "frequency": 1, "period": 1, "periodUnit": "wk"}}


async def refused(story: Story, **parts: Any) -> httpx.Response:
    """The answer to a referral of which nothing may be left."""
    answered = await story.referrer.send(*story.entries("M54.50", **parts))
    number = f"https://ehr.example.org|ORDER-{story.number}"
    assert await story.referrer.found(f"ServiceRequest?identifier={number}") == []
    assert await story.referrer.found(f"Patient?family=Example{story.number}") == []
    return answered


@pytest.mark.parametrize("status", ["draft", "ready", "accepted", "in-progress", "completed"])
async def test_a_task_begins_as_requested(story: Story, status: str) -> None:
    answered = await refused(story, task=story.coordination(status=status))
    assert_outcome(answered, 422, "transition-not-allowed", "Bundle.entry[3].resource.status")


async def test_a_task_sent_as_received_is_stored_as_requested_with_a_warning(story: Story) -> None:
    await story.refer(task=story.coordination(status="received"))
    assert (await story.stands())[0] == "requested"
    assert story.answered is not None
    assert "stored as requested" in story.answered.text


@pytest.mark.parametrize(
    "elements, told",
    [
        ({"identifier": [identifier("urn:x", "1")]}, "a placer identifier"),
        ({"identifier": [{"type": coded(IDENTIFIER_TYPE, "PLAC"), "value": "1"}]}, "a placer identifier"),
        ({"reasonCode": None, "reasonReference": None}, "reasonCode or reasonReference"),
        ({"requester": None}, "requester"),
    ],
)
async def test_an_order_says_all_that_an_order_must_say(story: Story, elements: Json, told: str) -> None:
    answered = await refused(story, order=story.order(**elements))
    assert answered.status_code in {403, 422}, answered.text
    if "requester" not in elements:
        assert told in assert_outcome(answered, 422, "guard-referral")["diagnostics"]


@pytest.mark.parametrize("minutes", [15, 120])
async def test_a_session_is_as_long_as_sessions_are(story: Story, minutes: int) -> None:
    repeat = TIMING["repeat"] | {"duration": minutes, "durationUnit": "min"}
    answered = await refused(story, order=story.order(occurrenceTiming={"repeat": repeat}))
    assert "30 to 90 minutes" in assert_outcome(answered, 422, "guard-referral")["diagnostics"]


async def test_number_and_timing_name_the_same_sessions(story: Story) -> None:
    ten = {"value": 10, "unit": "sessions"}
    answered = await refused(story, order=story.order(occurrenceTiming=TIMING, quantityQuantity=ten))
    assert_outcome(answered, 422, "guard-referral")


async def test_a_link_to_an_entry_that_is_missing_stores_nothing(story: Story) -> None:
    order = story.order(reasonReference=[reference(story.url("nowhere"))])
    answered = await refused(story, order=order)
    assert answered.status_code in {400, 422}
    assert "reasonReference" in answered.text


async def test_a_modifier_extension_that_nobody_knows_is_refused(story: Story) -> None:
    unknown = {"url": "https://example.org/negates", "valueBoolean": True}
    answered = await refused(story, order=story.order(modifierExtension=[unknown]))
    assert_outcome(answered, 422, "modifier-unknown", "Bundle.entry[2].resource.modifierExtension")


async def test_a_task_of_another_referrer_is_refused(story: Story) -> None:
    task = story.coordination(requester=reference("Organization/other"))
    assert_outcome(await refused(story, task=task), 422, "guard-task")


async def test_a_second_live_task_is_refused(story: Story) -> None:
    await story.refer()
    assert_outcome(await story.referrer.tries(story.coordination()), 409, "duplicate")


async def test_nobody_sends_a_referral_in_anothers_name(story: Story) -> None:
    order = story.order(requester=reference("Organization/other"))
    task = story.coordination(requester=reference("Organization/other"))
    assert_outcome(await refused(story, order=order, task=task), 403, "wrong-actor")


async def accepted(story: Story) -> Side:
    """The clinic, at work on a referral with a plan."""
    await (await story.refer()).accept()
    await story.draw_up()
    return story.clinic


@pytest.mark.parametrize("minutes", [15, 120])
async def test_a_visit_is_as_long_as_a_session(story: Story, minutes: int) -> None:
    clinic = await accepted(story)
    start = now() + timedelta(days=3)
    times = [each.isoformat(timespec="seconds") for each in (start, start + timedelta(minutes=minutes))]
    answered = await clinic.tries(story.visit(1, start=times[0], end=times[1]))
    assert_outcome(answered, 422, "guard-visits", "Appointment.start")


async def test_there_is_one_visit_a_day(story: Story) -> None:
    clinic = await accepted(story)
    await clinic.post(story.visit(1))
    assert_outcome(await clinic.tries(story.visit(1)), 422, "guard-visits")


async def test_a_plan_is_active_with_a_goal_activities_and_what_it_addresses(story: Story) -> None:
    await (await story.refer()).accept()
    plan = {"resourceType": "CarePlan", "status": "active", "intent": "plan", "subject": reference(story.patient)}
    answered = await story.clinic.tries(plan | {"supportingInfo": story.based_on})
    told = assert_outcome(answered, 422, "guard-plan")["diagnostics"]
    assert "goal, activity, addresses" in told


async def test_a_session_needs_the_answered_safety_check(story: Story) -> None:
    clinic = await accepted(story)
    await story.book(1)
    assert_outcome(await clinic.tries(story.encounter(1)), 422, "guard-safety")


async def test_a_session_needs_a_licensed_therapist(story: Story) -> None:
    clinic = await accepted(story)
    encounter = await story.begin(1, await story.book(1))
    await story.employ(period={"start": "2020-01-01", "end": "2021-01-01"})
    assert_outcome(await clinic.tries(story.session(1, encounter)), 422, "guard-therapist")


async def test_a_session_needs_an_active_plan(story: Story) -> None:
    await (await story.refer()).accept()
    encounter = await story.begin(1, await story.book(1))
    await story.employ()
    assert_outcome(await story.clinic.tries(story.session(1, encounter)), 422, "guard-plan")


async def test_nothing_of_the_loop_is_deleted(story: Story) -> None:
    clinic = await accepted(story)
    await story.book(1)
    for side, name in ((story.referrer, story.referral), (clinic, story.plan), (clinic, story.appointments[0])):
        assert_outcome(await side("DELETE", name), 422, "transition-not-allowed")


@pytest.mark.parametrize(
    "business, status", [("closed-loop", "received"), ("visit-scheduled", "received"), ("declined", "accepted")]
)
async def test_a_business_status_that_contradicts_the_status_is_not_stored(
    story: Story, business: str, status: str
) -> None:
    await story.refer()
    said = coded("https://massage-fhir.example.org/fhir/CodeSystem/referral-business-status", business)
    answered = await story.clinic.change(story.task, status=status, businessStatus=said)
    assert_outcome(answered, 422, "business-status-inconsistent")


async def test_what_is_no_massage_is_no_referral(story: Story) -> None:
    """Other orders are stored as they are, and no rule touches them."""
    xray = {"resourceType": "ServiceRequest", "status": "active", "intent": "order", "code": {"text": "X-ray"}}
    person = await story.referrer.post({"resourceType": "Patient"})
    order = await story.referrer.post(xray | {"subject": reference(person)})
    changed = await story.referrer.read(order) | {"status": "completed"}
    assert (await story.referrer("PUT", order, changed)).status_code == 200
    assert await story.referrer.found(f"Task?focus={order}") == []
    assert (await story.referrer("DELETE", order)).status_code in {200, 204}


async def test_an_order_does_not_slip_out_of_the_rules(story: Story) -> None:
    await story.refer()
    answered = await story.referrer.change(story.referral, code=concept("http://snomed.info/sct", "363680008"))
    assert_outcome(answered, 422, "guard-referral", "ServiceRequest.code")


SCORE = {"value": 4, "unit": "score", "system": UCUM, "code": "{score}"}


@pytest.mark.parametrize(
    "elements, place",
    [
        ({"valueQuantity": SCORE | {"value": 11}}, "Observation.valueQuantity.value"),
        ({"valueQuantity": SCORE | {"value": 3.5}}, "Observation.valueQuantity.value"),
        ({"valueQuantity": {"value": 4}}, "Observation.valueQuantity"),
        ({"effectiveDateTime": "2026"}, "Observation.effectiveDateTime"),
    ],
)
async def test_a_pain_rating_is_a_whole_number_to_ten_of_a_day(story: Story, elements: Json, place: str) -> None:
    clinic = await accepted(story)
    rated = observation(story.patient, basedOn=story.based_on) | elements
    assert_outcome(await clinic.tries(rated), 422, "outcome-invalid", place)
    assert await story.referrer.found(f"Observation?based-on={story.referral}") == []


async def test_nothing_has_happened_in_the_days_to_come(story: Story) -> None:
    clinic = await accepted(story)
    ahead = (now() + timedelta(days=2)).isoformat(timespec="seconds")
    rated = observation(story.patient, basedOn=story.based_on) | {"effectiveDateTime": ahead}
    assert_outcome(await clinic.tries(rated), 422, "time-ahead", "Observation.effectiveDateTime")


@pytest.mark.parametrize("code", ["ZZZ", "Z9Z.9"])
async def test_a_diagnosis_that_cannot_be_one_is_refused(story: Story, code: str) -> None:
    order = story.order(reasonCode=[concept(ICD10CM, code)])
    answered = await refused(story, order=order)
    assert_outcome(answered, 422, "diagnosis-unknown", "Bundle.entry[2].resource.reasonCode")


@pytest.mark.parametrize(
    "code, told",
    [
        ("G35", "not billable; use G35.A, G35.B0, G35.B1, G35.B2, G35.C0, G35.C1, G35.C2, G35.D."),
        ("M54.5", "not billable; use M54.50, M54.51, M54.59."),
        ("S13.4XX", "not billable; use S13.4XXA, S13.4XXD, S13.4XXS."),
        ("C50", "or another one below it."),
        ("M54.99", "ICD-10-CM of April 2026 does not have the code."),
    ],
)
async def test_a_diagnosis_that_is_not_billed_is_stored_with_a_warning(story: Story, code: str, told: str) -> None:
    await story.refer(order=story.order(reasonCode=[concept(ICD10CM, code)]))
    assert story.answered is not None
    assert any(told in each for each in warnings(story.answered))


async def test_a_billable_diagnosis_that_no_other_excludes_is_stored_without_a_word(story: Story) -> None:
    await story.refer(order=story.order(reasonCode=[concept(ICD10CM, "M54.50"), concept(ICD10CM, "M54.2")]))
    assert story.answered is not None
    assert warnings(story.answered) == []


async def test_reasons_that_are_not_coded_together_are_stored_with_a_warning(story: Story) -> None:
    await story.refer(order=story.order(reasonCode=[concept(ICD10CM, "M54.50"), concept(ICD10CM, "M54.41")]))
    assert story.answered is not None
    assert any("Excludes1" in each for each in warnings(story.answered))


async def test_a_reason_that_a_named_condition_excludes_is_stored_with_a_warning(story: Story) -> None:
    await story.refer("M51.26", order=story.order(reasonCode=[concept(ICD10CM, "M54.50")]))
    assert story.answered is not None
    assert any("Excludes1" in each for each in warnings(story.answered))
