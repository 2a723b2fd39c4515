"""S7, a patient who is somebody else, and S8, a referral that is revoked in the middle of the care."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.fhir.concept import code_in
from service.massage.cycle.terms import APPOINTMENT_CANCELLATION, TASK_CODE
from service.massage.systems import STATUS_REASON
from tests.api.outcome import assert_outcome
from tests.builders.resources import identifier, observation, reference
from tests.loop.side import entry, warnings
from tests.loop.story import begin, new

if TYPE_CHECKING:
    from tests.loop.side import Json
    from tests.loop.story import Story


async def test_s7_a_record_number_of_somebody_else_stores_nothing(story: Story) -> None:
    number = identifier("urn:mrn", f"MRN-{story.number}")
    ray: Json = {"resourceType": "Patient", "identifier": [number], "birthDate": "1985-05-05"}
    stored = await story.referrer.post(ray | {"name": [{"family": "Ray", "given": ["Ann"]}]})
    person = {"identifier": [number], "name": [{"family": "Roe", "given": ["Ann"]}], "birthDate": "1990-01-01"}
    entries = story.entries("M54.50", patient=person)
    entries[0]["request"]["ifNoneExist"] = f"identifier=urn:mrn|MRN-{story.number}"
    refused = assert_outcome(await story.referrer.send(*entries), 409, "identity-conflict")
    assert refused["code"] == "conflict"
    assert refused["expression"] == ["Bundle.entry[0].resource.birthDate", "Bundle.entry[0].resource.name"]
    assert await story.referrer.found(f"ServiceRequest?subject={stored}") == []
    entries[0]["resource"] |= {"name": [{"family": "Ray", "given": ["Ann"]}], "birthDate": "1985-05-05"}
    assert (await story.referrer.send(*entries)).status_code == 200


async def test_s7_a_patient_is_looked_for_by_what_is_known(story: Story) -> None:
    await story.refer()
    known = {"resourceType": "Patient", "name": [{"family": f"Example{story.number}"}], "birthDate": "1980-02-29"}
    asked = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": known}]}
    for side, expected in ((story.referrer, [story.patient]), (story.network.other, [])):
        answered = await side("POST", "Patient/$match", asked)
        assert answered.status_code == 200, answered.text
        found = [each["resource"] for each in answered.json().get("entry", ())]
        assert [f"Patient/{each['id']}" for each in found] == expected


async def test_s7_task_and_referral_are_about_the_same_patient(story: Story) -> None:
    stranger = await story.referrer.post({"resourceType": "Patient"})
    task = story.coordination(**{"for": reference(stranger)})
    refused = await story.referrer.send(*story.entries("M54.50", task=task))
    assert_outcome(refused, 422, "subject-mismatch")


async def test_s7_what_is_measured_is_measured_of_the_patient(story: Story) -> None:
    await (await story.refer()).accept()
    encounter = await story.begin(1, await story.book(1))
    stranger = await story.clinic.post({"resourceType": "Patient"})
    measured = observation(stranger, encounter=reference(encounter))
    assert_outcome(await story.clinic.tries(measured), 422, "subject-mismatch", "Observation.subject")


async def test_s7_another_clinic_does_not_learn_that_the_patient_is_there(story: Story) -> None:
    await story.refer()
    for reference_ in (story.patient, story.referral, story.task, story.condition):
        assert_outcome(await story.network.other("GET", reference_), 404, "not-found")


async def revoked_mid_plan(story: Story) -> str:
    """Two sessions are delivered and a third visit is booked when the referrer revokes; the abort Task."""
    await (await story.refer()).accept()
    await story.draw_up()
    await story.deliver(1)
    await story.deliver(2)
    await story.book(3)
    await story.referrer.does(story.referral, status="revoked")
    tasks = await story.clinic.found(f"Task?focus={story.task}")
    (abort,) = [each for each in tasks if code_in(each["code"], TASK_CODE) == "abort"]
    assert (abort["status"], abort["owner"]) == ("requested", reference("Organization/clinic"))
    assert abort["requester"] == reference("Organization/referrer")
    return f"Task/{abort['id']}"


async def test_s8_revoking_started_work_asks_the_clinic_and_stops_new_visits(story: Story) -> None:
    await revoked_mid_plan(story)
    assert await story.stands() == ("in-progress", "cancellation-requested")
    refused = await story.clinic.tries(story.visit(4))
    assert_outcome(refused, 422, "guard-cancellation")


async def test_s8_the_clinic_grants_it_and_what_was_delivered_stays(story: Story) -> None:
    abort = await revoked_mid_plan(story)
    before = [await story.referrer.read(each) for each in story.sessions]
    await story.clinic.does(abort, status="completed")
    assert await story.stands() == ("cancelled", "cancelled-by-referrer")
    assert [await story.status_of(each) for each in (story.plan, story.goal)] == ["revoked", "cancelled"]
    cancelled = await story.referrer.read(story.appointments[2])
    assert cancelled["status"] == "cancelled"
    assert code_in(cancelled["cancelationReason"], APPOINTMENT_CANCELLATION) == "prov"
    assert [await story.status_of(each) for each in story.appointments[:2]] == ["fulfilled"] * 2
    assert [await story.referrer.read(each) for each in story.sessions] == before


async def test_s8_the_clinic_turns_it_down_and_both_see_that_they_disagree(story: Story) -> None:
    abort = await revoked_mid_plan(story)
    await story.clinic.does(abort, status="rejected", statusReason={"text": "In the middle of a session."})
    assert (await story.stands())[0] == "in-progress"
    assert await story.status_of(story.referral) == "revoked"
    for side in (story.referrer, story.clinic):
        reason = (await side.read(story.task))["statusReason"]
        assert code_in(reason, STATUS_REASON) == "referral-revoked"
        assert "the work on it goes on" in reason["text"]
    visit = await story.clinic.read(story.appointments[2])
    told = await story.clinic.send(entry(visit | {"comment": "Later."}, story.appointments[2]))
    assert any("the work on it goes on" in each for each in warnings(told))


async def test_s8_nobody_but_the_clinic_answers_it(story: Story) -> None:
    abort = await revoked_mid_plan(story)
    assert_outcome(await story.referrer.change(abort, status="completed"), 403, "wrong-actor")
    assert await story.stands() == ("in-progress", "cancellation-requested")


async def test_s8_the_referrer_does_not_cancel_started_work_directly(story: Story) -> None:
    await (await story.refer()).accept()
    await story.book(1)
    order, task = await story.referrer("GET", story.referral), await story.referrer("GET", story.task)
    refused = await story.referrer.send(
        entry(order.json() | {"status": "revoked"}, story.referral, if_match=order.headers["etag"]),
        entry(task.json() | {"status": "cancelled"}, story.task, if_match=task.headers["etag"]),
    )
    told = assert_outcome(refused, 422, "transition-not-allowed")
    assert "abort Task; work has started" in told["diagnostics"]
    assert await story.status_of(story.referral) == "active"


async def test_an_abort_task_asks_before_the_work_has_started_too(story: Story) -> None:
    await (await story.refer()).accept()
    asked = await story.referrer.post(story.asking("abort", story.referrer, story.clinic, story.task))
    await story.clinic.does(asked, status="completed")
    assert (await story.stands())[0] == "cancelled"


async def test_an_abort_task_says_why(story: Story) -> None:
    await (await story.refer()).accept()
    silent = story.asking("abort", story.referrer, story.clinic, story.task, statusReason=None)
    assert_outcome(await story.referrer.tries(silent), 422, "guard-reason", "Task.statusReason")


async def test_an_abort_task_is_asked_in_ones_own_name(story: Story) -> None:
    await (await story.refer()).accept()
    forged = story.asking("abort", story.referrer, story.clinic, story.task)
    assert_outcome(await story.clinic.tries(forged), 403, "wrong-actor")


async def test_a_referral_revoked_before_anybody_started_ends_its_task(story: Story) -> None:
    await (await story.refer()).accept()
    await story.referrer.does(story.referral, status="revoked")
    assert await story.stands() == ("cancelled", "cancelled-by-referrer")


async def test_a_new_referral_for_the_same_patient_is_not_touched_by_the_revoked_one(story: Story) -> None:
    await (await story.refer()).accept()
    second = begin(story.network)
    second.patient, second.condition = story.patient, story.condition
    replacing = await story.referrer.post(new(second.order(replaces=story.based_on)))
    await story.referrer.does(story.referral, status="revoked")
    assert await story.status_of(replacing) == "active"
    (task,) = await story.referrer.found(f"Task?focus={replacing}")
    assert task["status"] == "requested"
