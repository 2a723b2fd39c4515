"""S2, a referral of a patient with a thrombosis, and S11, a red flag in the middle of the care."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from service.fhir.code_systems import ACT_CODE, LOINC, UCUM
from service.fhir.concept import coded
from service.loop import safety
from service.massage.systems import STATUS_REASON
from service.store.referrals import about
from tests.api.outcome import assert_outcome
from tests.builders import loop
from tests.builders.resources import TERMINOLOGY, concept, observation, reference
from tests.loop.side import Side, entry, warnings
from tests.loop.story import BACK_PAIN, CAUDA_EQUINA, THROMBOSIS, now

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx
    import pytest

    from service.fhir.resource import Version
    from service.store.store import Session
    from tests.loop.side import Json
    from tests.loop.story import Story


async def the_issue(story: Story, side: Side | None = None) -> Json:
    """The one DetectedIssue of the referral."""
    (found,) = await (side or story.referrer).found(f"DetectedIssue?implicated={story.referral}")
    return found


async def messages(story: Story, side: Side | None = None) -> list[Json]:
    """What the referrer was told about the patient."""
    return await (side or story.referrer).found(f"Communication?subject={story.patient}")


async def mitigate(story: Story, side: Side, author: str, *, days: int = 0) -> httpx.Response:
    """A mitigation of the issue: the prescriber was consulted."""
    done = {
        "action": coded(ACT_CODE, "2"),
        "author": reference(author),
        "date": (now() + timedelta(days=days)).isoformat(timespec="seconds"),
    }
    return await side.change(f"DetectedIssue/{(await the_issue(story))['id']}", mitigation=[done])


async def document(story: Story) -> None:
    """The referrer attaches a document that clears the patient."""
    content = {
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": reference(story.patient),
        "content": [{"attachment": {"title": "Duplex ultrasound", "url": "https://ehr.example.org/report.pdf"}}],
    }
    made = await story.referrer.post(content)
    given = loop.output("physician-clearance", made)
    await story.referrer.does(story.task, input=[given])


async def dangerous(story: Story) -> str:
    """A referral of a patient with a thrombosis, by a doctor of the referrer; her role."""
    role = {"resourceType": "PractitionerRole", "organization": reference("Organization/referrer")}
    doctor = await story.referrer.post(role)
    await story.refer(BACK_PAIN, THROMBOSIS, order=story.order(requester=reference(doctor)))
    assert await story.stands() == ("requested", "safety-hold")
    return doctor


async def test_s2_a_dangerous_referral_is_stored_on_hold_and_everybody_is_told(story: Story) -> None:
    await story.refer(BACK_PAIN, THROMBOSIS)
    assert await story.stands() == ("requested", "safety-hold")
    issue = await the_issue(story)
    for side in (story.referrer, story.clinic):
        assert await the_issue(story, side) == issue
        assert (issue["severity"], issue["status"]) == ("high", "final")
        implicated = {each["reference"] for each in issue["implicated"]}
        assert story.referral in implicated
        assert any(each.startswith("Condition/") for each in implicated)
    assert story.answered is not None
    assert any(f"DetectedIssue/{issue['id']}" in each for each in warnings(story.answered))
    urgent = await messages(story)
    assert {each["priority"] for each in urgent} == {"stat"}
    assert all(each["recipient"] == [reference("Organization/referrer")] for each in urgent)


async def test_s2_it_is_not_accepted_while_the_contraindication_is_open(story: Story) -> None:
    await story.refer(BACK_PAIN, THROMBOSIS)
    refused = assert_outcome(await story.clinic.change(story.task, status="accepted"), 422, "guard-safety")
    assert f"DetectedIssue/{(await the_issue(story))['id']}" in refused["diagnostics"]
    assert (await story.clinic.does(story.task, status="received"))["status"] == "received"


async def test_s2_a_resolved_condition_lets_it_be_accepted(story: Story) -> None:
    await story.refer(BACK_PAIN, THROMBOSIS)
    conditions = await story.referrer.found(f"Condition?subject={story.patient}&code=I82.402")
    resolved = concept(f"{TERMINOLOGY}/condition-clinical", "resolved")
    await story.referrer.does(f"Condition/{conditions[0]['id']}", clinicalStatus=resolved)
    assert (await the_issue(story))["status"] == "cancelled"
    assert await story.stands() == ("requested", "awaiting-triage")
    assert (await story.clinic.does(story.task, status="accepted"))["status"] == "accepted"


async def test_s2_the_referrers_mitigation_with_a_document_lets_it_be_accepted(story: Story) -> None:
    doctor = await dangerous(story)
    await document(story)
    assert await story.stands() == ("requested", "safety-hold")
    assert (await mitigate(story, story.referrer, doctor)).status_code == 200
    assert await story.stands() == ("requested", "awaiting-triage")
    assert (await story.clinic.does(story.task, status="accepted"))["status"] == "accepted"


async def test_s2_a_mitigation_without_a_document_clears_nothing(story: Story) -> None:
    doctor = await dangerous(story)
    assert (await mitigate(story, story.referrer, doctor)).status_code == 200
    assert await story.stands() == ("requested", "safety-hold")
    assert_outcome(await story.clinic.change(story.task, status="accepted"), 422, "guard-safety")


async def test_s2_the_clinic_cannot_clear_it(story: Story) -> None:
    """Neither in its own name nor in the referrer's."""
    doctor = await dangerous(story)
    await document(story)
    for author in (await story.employ(), doctor):
        assert_outcome(await mitigate(story, story.clinic, author), 403, "wrong-actor", "DetectedIssue.mitigation")
    assert_outcome(await story.clinic.change(story.task, status="accepted"), 422, "guard-safety")


async def test_s2_the_clinic_asks_for_its_withdrawal_and_the_referrer_grants_it(story: Story) -> None:
    await story.refer(BACK_PAIN, THROMBOSIS)
    why = coded(STATUS_REASON, "new-red-flag", "Signs of a thrombosis.")
    asked = await story.clinic.post(
        story.asking("abort", story.clinic, story.referrer, story.referral, statusReason=why)
    )
    order, answer = await story.referrer("GET", story.referral), await story.referrer("GET", asked)
    done = await story.referrer.send(
        entry(order.json() | {"status": "revoked"}, story.referral, if_match=order.headers["etag"]),
        entry(answer.json() | {"status": "completed"}, asked, if_match=answer.headers["etag"]),
    )
    assert done.status_code == 200, done.text
    assert await story.stands() == ("cancelled", "cancelled-by-referrer")
    assert await story.status_of(asked) == "completed"


async def test_what_is_known_of_a_patient_is_read_once_in_a_unit(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Sequence[str]] = []

    async def counted(session: Session, patients: Sequence[str], sources: Sequence[int], *, most: int) -> list[Version]:
        asked.append(patients)
        return await about(session, patients, sources, most=most)

    monkeypatch.setattr(safety, "about", counted)
    await story.refer()
    assert not asked
    await story.referrer.post(story.diagnosis(THROMBOSIS))
    assert await story.stands() == ("requested", "safety-hold")
    assert asked == [[story.patient.partition("/")[2]]]


async def test_s11_a_condition_that_becomes_known_later_holds_the_work(story: Story) -> None:
    await (await story.refer()).accept()
    await story.draw_up()
    appointment = await story.book(1)
    encounter = await story.begin(1, appointment)
    await story.referrer.post(story.diagnosis(CAUDA_EQUINA))
    assert await story.stands() == ("on-hold", "safety-hold")
    assert await story.status_of(story.plan) == "on-hold"
    assert "stat" in {each["priority"] for each in await messages(story)}
    await story.employ()
    assert_outcome(await story.clinic.tries(story.session(1, encounter)), 422, "guard-safety")
    assert_outcome(await story.clinic.tries(story.visit(2)), 422, "guard-safety")
    not_done = story.session(1, encounter, status="not-done", statusReason={"text": "Red flag."})
    assert (await story.clinic.tries(not_done)).status_code == 201
    assert (await story.clinic.does(encounter, status="finished"))["status"] == "finished"
    assert (await messages(story, story.clinic)) != []


async def test_s11_the_work_goes_on_when_the_referrer_clears_it(story: Story) -> None:
    await (await story.refer()).accept()
    await story.draw_up()
    booked = await story.book(1)
    flagged = await story.referrer.post(story.diagnosis(CAUDA_EQUINA))
    issue = reference(f"DetectedIssue/{(await the_issue(story))['id']}")
    assert (await story.clinic.read(booked))["supportingInformation"] == [issue]
    assert len(await story.clinic.found(f"Appointment?supporting-info={issue['reference']}")) == 1
    refuted = concept(f"{TERMINOLOGY}/condition-ver-status", "refuted")
    await story.referrer.does(flagged, verificationStatus=refuted)
    assert await story.stands() == ("in-progress", "visit-scheduled")
    assert "supportingInformation" not in await story.clinic.read(booked)
    assert await story.status_of(story.plan) == "active"


async def test_s11_what_the_clinic_measures_holds_the_work(story: Story) -> None:
    await (await story.refer()).accept()
    await story.draw_up()
    encounter = await story.begin(1, await story.book(1))
    fever: Json = {
        "code": concept(LOINC, "8310-5"),
        "effectiveDateTime": now().isoformat(timespec="seconds"),
        "valueQuantity": {"value": 39.5, "unit": "Cel", "system": UCUM, "code": "Cel"},
    }
    await story.clinic.post(observation(story.patient, encounter=reference(encounter)) | fever)
    assert await story.stands() == ("on-hold", "safety-hold")


async def test_s11_a_condition_that_the_clinic_meets_holds_the_work(story: Story) -> None:
    await (await story.refer()).accept()
    await story.draw_up()
    encounter = await story.begin(1, await story.book(1))
    await story.clinic.post(story.diagnosis(CAUDA_EQUINA, encounter=reference(encounter)))
    assert await story.stands() == ("on-hold", "safety-hold")
    assert "stat" in {each["priority"] for each in await messages(story)}


async def test_a_patient_of_whom_nothing_is_known_is_unscreened_not_safe(story: Story) -> None:
    order = story.order(reasonCode=[{"text": "It hurts."}], reasonReference=None)
    entries = [each for each in story.entries(BACK_PAIN, order=order) if "clinicalStatus" not in each["resource"]]
    answered = await story.referrer.send(*entries)
    assert answered.status_code == 200, answered.text
    assert any("unscreened, which does not mean safe" in each for each in warnings(answered))


async def test_a_patient_with_a_known_condition_is_screened(story: Story) -> None:
    await story.refer(BACK_PAIN)
    assert story.answered is not None
    assert warnings(story.answered) == []
