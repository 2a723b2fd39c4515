"""What holds in every story: each change on record once, versions without gaps, no orphans, nobody sees another's."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from service.fhir.temporal import range_of
from tests.api.outcome import assert_outcome
from tests.builders.loop import consistent
from tests.loop.side import Side, entry, state
from tests.loop.story import THROMBOSIS

if TYPE_CHECKING:
    from tests.loop.side import Json
    from tests.loop.story import Story


@pytest.fixture
async def told(story: Story) -> Story:
    """A whole story, with a contraindication that comes and goes."""
    await story.refer()
    await story.clinic.does(story.task, status="received")
    await story.accept()
    await story.draw_up()
    await story.deliver(1)
    found = await story.referrer.post(story.diagnosis(THROMBOSIS))
    gone = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "resolved"}]}
    await story.referrer.does(found, clinicalStatus=gone)
    await story.deliver(2)
    await story.finish()
    await story.referrer.does(story.referral, status="completed")
    return story


async def versions(side: Side, name: str) -> list[Json]:
    """All versions of a resource, oldest first."""
    answered = await side("GET", f"{name}/_history?_count=100")
    assert answered.status_code == 200, answered.text
    return [each["resource"] for each in reversed(answered.json()["entry"])]


async def test_each_change_of_state_has_exactly_one_provenance(told: Story) -> None:
    for name, element in (
        (told.task, "status"),
        (told.referral, "status"),
        (told.plan, "status"),
        (told.appointments[0], "status"),
        (told.sessions[0], "status"),
    ):
        kept = await versions(told.referrer, name)
        found = await told.referrer.found(f"Provenance?target={name}&_count=100")
        targets = Counter(each["target"][0]["reference"] for each in found)
        assert set(targets.values()) == {1}, (name, targets)
        said = [(each.get(element), state(each)[1]) for each in kept]
        changed = [
            f"{name}/_history/{version['meta']['versionId']}"
            for number, version in enumerate(kept)
            if number == 0 or said[number] != said[number - 1]
        ]
        assert sorted(targets) == sorted(changed), name
        assert all(each["agent"] and each["activity"]["coding"] for each in found)


async def test_whoever_took_a_step_is_named(told: Story) -> None:
    found = await told.referrer.found(f"Provenance?target={told.task}&_count=100")
    agents = {agent["who"].get("reference", agent["who"].get("display")) for each in found for agent in each["agent"]}
    assert agents == {"Organization/referrer", "Organization/clinic", "massage-fhir"}


async def test_every_version_of_a_task_goes_with_its_business_status(told: Story) -> None:
    kept = await versions(told.referrer, told.task)
    assert [state(each) for each in kept if not consistent(*state(each))] == []
    assert [each["meta"]["versionId"] for each in kept] == [str(number) for number in range(1, len(kept) + 1)]


async def test_a_task_is_never_modified_before_it_was_written(told: Story) -> None:
    for each in await versions(told.referrer, told.task):
        written, modified = range_of(each["authoredOn"]), range_of(each["lastModified"])
        assert written is not None
        assert modified is not None
        assert modified.high >= written.low


async def test_every_task_has_a_referral_and_every_active_referral_a_live_task(told: Story) -> None:
    for task in await told.referrer.found("Task?requester=Organization/referrer&_count=500"):
        focus = task["focus"]["reference"]
        assert (await told.referrer("GET", focus)).status_code == 200, focus
    for order in await told.referrer.found("ServiceRequest?status=active&_count=500"):
        if order["intent"] == "order" and "coding" in order["code"]:
            assert await told.referrer.found(f"Task?focus=ServiceRequest/{order['id']}") != []


async def test_another_clinic_sees_nothing_by_any_way(told: Story) -> None:
    other, number = told.network.other, told.referral.partition("/")[2]
    hidden = {told.patient, told.referral, told.task, told.plan, told.goal, *told.sessions, *told.appointments}
    for name in hidden:
        assert_outcome(await other("GET", name), 404, "not-found")
        assert_outcome(await other("GET", f"{name}/_history"), 404, "not-found")
    for search in (
        f"Task?focus={told.referral}",
        "Task?_include=*&_count=500",
        "ServiceRequest?_revinclude=Task:focus&_revinclude=Provenance:target&_count=500",
        f"ServiceRequest?_id={number}&_revinclude=*",
        "Provenance?_include=Provenance:target&_count=500",
        f"{told.patient}/*",
        "_history?_count=500",
    ):
        answered = await other("GET", search)
        assert answered.status_code in {200, 404}, answered.text
        if answered.status_code == 200:
            found = [each["resource"] for each in answered.json().get("entry", ()) if "resource" in each]
            assert hidden.isdisjoint(f"{each['resourceType']}/{each.get('id')}" for each in found), search


async def test_both_sides_see_all_of_it(told: Story) -> None:
    for name in (told.referral, told.task, told.plan, told.goal, *told.sessions, *told.appointments):
        for side in (told.referrer, told.clinic):
            await side.read(name)
    for kind, parameter in (("DetectedIssue", "implicated"), ("EpisodeOfCare", "incoming-referral")):
        for side in (told.referrer, told.clinic):
            assert len(await side.found(f"{kind}?{parameter}={told.referral}")) == 1, kind


async def test_everything_of_the_episode_comes_in_one_answer(told: Story) -> None:
    expected = {told.referral, told.task, told.plan, told.goal, *told.sessions, *told.appointments}
    for side in (told.referrer, told.clinic):
        found = await side.found(f"{told.referral}/$everything?_count=500")
        assert expected <= {f"{each['resourceType']}/{each['id']}" for each in found}
    assert_outcome(await told.network.other("GET", f"{told.referral}/$everything"), 404, "not-found")


async def test_every_write_is_on_record(told: Story) -> None:
    """With the client that made it; what the service added is on record as its own."""
    found = await told.network.administrator.found(f"AuditEvent?entity={told.task}&_count=100")
    written = [each for each in found if each["action"] in {"C", "U"}]
    assert len(written) == len(await versions(told.referrer, told.task))


async def test_a_unit_that_is_refused_leaves_nothing(story: Story) -> None:
    """The plan was good, the visit too long: neither is there."""
    await (await story.refer()).accept()
    before = await versions(story.clinic, story.task)
    visit = story.visit(1)
    long = visit | {"end": visit["start"][:-14] + "23:59:59+00:00"}
    plan = {"resourceType": "CarePlan", "status": "draft", "intent": "plan", "supportingInfo": story.based_on}
    answered = await story.clinic.send(entry(plan | {"subject": {"reference": story.patient}}), entry(long))
    assert answered.status_code in {400, 422}, answered.text
    assert await story.clinic.found(f"CarePlan?subject={story.patient}") == []
    assert await versions(story.clinic, story.task) == before
