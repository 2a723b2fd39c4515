"""Ways around the rules of the loop, and what they would tell or change of others' referrals: all are closed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from service.fhir.code_systems import ACT_CODE
from service.fhir.concept import coded
from service.loop.referrals import PROFILE
from tests.api.outcome import assert_outcome
from tests.builders import loop
from tests.builders.resources import reference
from tests.loop.side import entry, state
from tests.loop.story import BACK_PAIN, THROMBOSIS, begin, now

if TYPE_CHECKING:
    import httpx

    from tests.loop.side import Json, Side
    from tests.loop.story import Story

TOLD = ("DetectedIssue", "Communication", "Provenance")
APPROVE = coded("http://hl7.org/fhir/CodeSystem/task-code", "approve")
MASSAGE = loop.referral()["code"]


def made_by(answered: httpx.Response) -> list[str]:
    """The references of what a transaction made."""
    assert answered.status_code == 200, answered.text
    locations = [each["response"]["location"] for each in answered.json()["entry"]]
    return [each.partition("/fhir/")[2].partition("/_history")[0] for each in locations]


async def another(story: Story, *, clinic: str | None, **elements: object) -> Story:
    """A second referral of the same patient."""
    second = begin(story.network)
    second.patient, second.condition = story.patient, story.condition
    order = second.order(performer=[reference(clinic)] if clinic else None, **elements)
    task = second.coordination(owner=reference(clinic) if clinic else None)
    sent = await story.referrer.send(
        entry(order, full_url=second.url("order")), entry(task, full_url=second.url("task"))
    )
    second.referral, second.task = made_by(sent)
    return second


async def told_of(story: Story, side: Side) -> list[Json]:
    """What a side finds of all that the service says of a referral."""
    found = [each for kind in TOLD for each in await side.found(f"{kind}?_count=100")]
    return [each for each in found if story.referral in str(each) or story.task in str(each)]


async def test_a_danger_to_a_patient_who_is_not_seen_is_refused_and_holds_nothing(story: Story) -> None:
    await story.refer()
    stranger = story.network.other
    hidden = await stranger.tries(story.diagnosis(THROMBOSIS))
    missing = await stranger.tries(story.diagnosis(THROMBOSIS, subject=reference("Patient/none")))
    assert_outcome(hidden, 422, "reference-not-found")
    assert hidden.json() == missing.json()
    assert await story.stands() == ("requested", "awaiting-triage")


async def test_a_referral_of_a_patient_who_is_not_seen_tells_no_diagnoses(story: Story) -> None:
    await story.refer(BACK_PAIN, THROMBOSIS)
    stranger = story.network.other
    own = begin(story.network)
    own.patient = story.patient
    asked = own.order(requester=reference("Organization/other"), reasonReference=None)
    assert_outcome(await stranger.tries(asked), 422, "reference-not-found")
    assert [
        each for kind in TOLD for each in await stranger.found(f"{kind}?_count=100") if story.patient in str(each)
    ] == []


async def test_a_danger_holds_a_referral_that_its_writer_does_not_see_and_tells_him_nothing_of_it(story: Story) -> None:
    await story.refer()
    second = await another(
        story, clinic="Organization/other", reasonCode=[{"text": "Something else"}], reasonReference=None
    )
    assert (await story.clinic.tries(story.diagnosis(THROMBOSIS))).status_code == 201
    assert await second.stands(story.network.other) == ("requested", "safety-hold")
    assert {each["resourceType"] for each in await told_of(second, story.network.other)} == set(TOLD)
    assert await told_of(second, story.clinic) == []
    assert (await story.clinic("GET", second.referral)).status_code == 404


async def test_who_claimed_a_referral_keeps_it_when_somebody_elses_danger_holds_it(story: Story) -> None:
    await story.refer()
    second = await another(story, clinic=None, reasonCode=[{"text": "Something else"}], reasonReference=None)
    claimed = await story.network.other.change(second.task, status="accepted", owner=reference("Organization/other"))
    assert claimed.status_code == 200, claimed.text
    assert (await story.clinic.tries(story.diagnosis(THROMBOSIS))).status_code == 201
    assert (await second.stands(story.network.other))[1] == "safety-hold"
    assert (await story.clinic("GET", second.referral)).status_code == 404


async def test_a_similar_referral_is_told_of_and_not_shown(story: Story) -> None:
    await story.refer()
    second = await another(story, clinic="Organization/other")
    for mine, theirs in ((story, second), (second, story)):
        side = story.clinic if mine is story else story.network.other
        assert (await side("GET", mine.task)).status_code == 200
        assert [(await side("GET", each)).status_code for each in (theirs.referral, theirs.task)] == [404, 404]


@pytest.mark.parametrize("kind", ["Task", "Observation", "Appointment", "abort"])
async def test_what_hangs_on_a_referral_that_is_not_seen_is_answered_as_if_there_were_none(
    story: Story, kind: str
) -> None:
    await story.refer()

    def hanging(on: str) -> Json:
        match kind:
            case "Task":
                return story.coordination(focus=reference(on))
            case "Observation":
                return {"resourceType": kind, "status": "final", "code": {"text": "pain"}, "basedOn": [reference(on)]}
            case "Appointment":
                return story.visit(1, basedOn=[reference(on)])
        return story.asking("abort", story.network.other, story.referrer, on)

    answers = [await story.network.other.tries(hanging(each)) for each in (story.referral, "ServiceRequest/none")]
    assert [each.status_code for each in answers] == [201, 201]
    assert await story.stands() == ("requested", "awaiting-triage")


@pytest.mark.parametrize("without", ["code", "focus"])
async def test_an_open_referral_is_not_taken_by_a_task_of_another_kind(story: Story, without: str) -> None:
    await story.refer(order=story.order(performer=None), task=story.coordination(owner=None))
    taking = story.coordination(owner=reference("Organization/other"))
    if without == "focus":
        taking = {name: value for name, value in taking.items() if name != "focus"} | {"basedOn": story.based_on}
    else:
        taking["code"] = APPROVE
    assert_outcome(await story.network.other.tries(taking), 403, "wrong-actor")
    assert (await story.clinic("GET", story.referral)).status_code == 200


async def test_an_order_of_anothers_making_does_not_swallow_a_referral(story: Story) -> None:
    """It names the referrer as its requester, and has the identifier that the next order is going to have."""
    order = story.order()
    forged = {"code": {"text": "blood"}, "subject": reference("Patient/none"), "reasonReference": None}
    content = {name: value for name, value in (order | forged).items() if value is not None}
    assert (await story.network.other.tries(content)).status_code == 201
    await story.refer(order=order)
    assert await story.stands() == ("requested", "awaiting-triage")


async def test_an_order_that_becomes_a_referral_is_sent_like_one(story: Story) -> None:
    story.patient = await story.referrer.post({"resourceType": "Patient", "name": [{"family": "Example"}]})
    plain = story.order(code={"text": "physiotherapy"}, reasonReference=None)
    order = await story.referrer.post(plain)
    refused = await story.referrer.change(order, code=MASSAGE, reasonCode=None)
    assert_outcome(refused, 422, "guard-referral")
    await story.referrer.does(order, code=MASSAGE)
    (task,) = await story.referrer.found(f"Task?focus={order}")
    assert state(task) == ("requested", "awaiting-triage")


async def test_a_referral_by_its_profile_alone_stays_one(story: Story) -> None:
    order = story.order(code={"text": "massage by hand"}, meta={"profile": [PROFILE]})
    sent = await story.referrer.send(*story.entries(BACK_PAIN, order=order))
    (referral,) = [each for each in made_by(sent) if each.startswith("ServiceRequest/")]
    assert_outcome(await story.referrer.change(referral, meta=None), 422, "guard-referral")


async def test_a_referral_and_a_danger_that_come_at_once_see_each_other(story: Story) -> None:
    async def race() -> str | None:
        each = begin(story.network)
        each.patient = await each.referrer.post({"resourceType": "Patient", "name": [{"family": "Example"}]})
        order, task = each.order(reasonReference=None), each.coordination()
        sent, _ = await asyncio.gather(
            each.referrer.send(entry(order, full_url=each.url("order")), entry(task, full_url=each.url("task"))),
            each.referrer.post(each.diagnosis(THROMBOSIS)),
        )
        each.referral, each.task = made_by(sent)
        return (await each.stands())[1]

    assert {await race() for _ in range(8)} == {"safety-hold"}


async def mitigate(story: Story, side: Side, author: str) -> httpx.Response:
    """The answer to a mitigation of the thrombosis in the name of a role, with a document attached that nobody has."""
    attached = loop.output("physician-clearance", "DocumentReference/none")
    assert (await side.change(story.task, input=[attached])).status_code == 200
    (issue,) = await side.found(f"DetectedIssue?implicated={story.referral}")
    done = {"action": coded(ACT_CODE, "2"), "author": reference(author), "date": now().isoformat(timespec="seconds")}
    return await side.change(f"DetectedIssue/{issue['id']}", mitigation=[done])


async def test_a_document_that_is_not_there_clears_nothing(story: Story) -> None:
    role = {"resourceType": "PractitionerRole", "organization": reference("Organization/referrer")}
    doctor = await story.referrer.post(role)
    await story.refer(BACK_PAIN, THROMBOSIS, order=story.order(requester=reference(doctor)))
    assert (await mitigate(story, story.referrer, doctor)).status_code == 200
    assert await story.stands() == ("requested", "safety-hold")


@pytest.mark.parametrize("way", ["update", "delete and make again"])
async def test_a_clinic_does_not_become_the_referrer_by_turning_a_role(story: Story, way: str) -> None:
    """The referrer orders in the name of a role of its own that the clinic has put into the directory."""
    role = {"resourceType": "PractitionerRole", "organization": reference("Organization/referrer")}
    doctor = await story.clinic.post(role)
    await story.refer(BACK_PAIN, THROMBOSIS, order=story.order(requester=reference(doctor)))
    turned = role | {"id": doctor.partition("/")[2], "organization": reference("Organization/clinic")}
    if way != "update":
        assert (await story.clinic("DELETE", doctor)).status_code == 204
    assert_outcome(await story.clinic("PUT", doctor, turned), 403, "forbidden")
    assert_outcome(await mitigate(story, story.clinic, doctor), 403, "wrong-actor")


@pytest.mark.parametrize("kind", ["Observation", "CarePlan", "Goal", "Appointment", "EpisodeOfCare"])
async def test_an_open_referral_is_claimed_before_it_is_worked_on(story: Story, kind: str) -> None:
    """What others had left there would be in the way of who claims it, and of its end."""
    await story.refer(order=story.order(performer=None), task=story.coordination(owner=None))
    person = reference(story.patient)
    work = {
        "Observation": {"status": "final", "code": {"text": "pain"}, "subject": person, "basedOn": story.based_on},
        "CarePlan": {"status": "draft", "intent": "plan", "subject": person, "supportingInfo": story.based_on},
        "Goal": {
            "lifecycleStatus": "proposed",
            "description": {"text": "Less pain"},
            "subject": person,
            "addresses": story.based_on,
        },
        "Appointment": story.visit(1, status="proposed"),
        "EpisodeOfCare": {"status": "planned", "patient": person, "referralRequest": story.based_on},
    }
    begun = {"resourceType": kind, **work[kind]}
    assert_outcome(await story.network.other.tries(begun), 403, "wrong-actor", kind)
    told = {"resourceType": "Communication", "status": "completed", "basedOn": story.based_on}
    assert (await story.network.other.tries(told)).status_code == 201
    assert await story.stands() == ("requested", "awaiting-triage")


@pytest.mark.parametrize("way", ["at once", "by an update"])
async def test_nobody_orders_for_a_patient_whom_he_knows_by_an_open_referral_alone(story: Story, way: str) -> None:
    """He would go beside who claims it, and keep the patient. Who made the patient known orders as ever."""
    await story.refer(order=story.order(performer=None), task=story.coordination(owner=None))
    other = story.network.other
    placer = story.order()["identifier"][0] | {"value": f"TAKEN-{story.number}"}
    own = story.order(requester=reference(other.organisation), performer=[reference(other.organisation)])
    own |= {"identifier": [placer]}
    place = "ServiceRequest.subject"
    if way == "at once":
        refused = await other("POST", "ServiceRequest", own)
    else:
        plain = await other.post(own | {"code": {"text": "X-ray"}})
        refused = await other.change(plain, **own)
    told = assert_outcome(refused, 403, "wrong-actor", place)
    assert "claim its Task" in told["diagnostics"]
    again = story.order(identifier=[placer | {"value": f"AGAIN-{story.number}"}], performer=None)
    assert (await story.referrer("POST", "ServiceRequest", again)).status_code == 201


async def test_an_order_that_is_based_on_a_referral_has_no_say_in_it(story: Story) -> None:
    """Neither does it hold the work on that up, nor does whoever wrote it see that work."""
    await story.refer(order=story.order(performer=None), task=story.coordination(owner=None))
    stranger = story.network.other
    known = story.order(identifier=None, code={"text": "X-ray"}, performer=[reference("Organization/other")])
    await story.referrer.post(known)
    asked = story.order(
        requester=reference("Organization/other"),
        performer=[reference("Organization/clinic")],
        basedOn=[reference(story.referral)],
    )
    assert (await stranger.tries(asked)).status_code == 201
    await (await story.accept()).draw_up()
    for each in (story.task, story.plan):
        assert (await story.clinic("GET", each)).status_code == 200
        assert (await stranger("GET", each)).status_code == 404
