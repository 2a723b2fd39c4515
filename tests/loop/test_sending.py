"""S4, a referral sent again, S5, a stale If-Match, and S6: of two who race one wins, and the other is told why."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from service.fhir.code_systems import ACT_CODE
from service.fhir.concept import code_in
from tests.api.outcome import assert_outcome
from tests.builders import loop
from tests.builders.resources import identifier, reference
from tests.loop.side import entry, state, warnings
from tests.loop.story import begin

if TYPE_CHECKING:
    import httpx

    from tests.loop.side import Json, Side
    from tests.loop.story import Story


def as_an_ehr_sends_it(story: Story, **order: Any) -> list[Json]:
    """Entries that make nothing twice: each by an identifier of the EHR."""
    entries = story.entries("M54.50", order=story.order(**order))
    for number, each in enumerate(entries):
        content = each["resource"]
        own = content.setdefault("identifier", [identifier("urn:ehr", f"{story.number}-{number}")])[0]
        each["request"]["ifNoneExist"] = f"identifier={own['system']}|{own['value']}"
    return entries


def made(answered: httpx.Response) -> list[tuple[str, str]]:
    """Status and location of each entry of a response."""
    assert answered.status_code == 200, answered.text
    return [
        (each["response"]["status"][:3], each["response"]["location"].partition("/_history")[0])
        for each in answered.json()["entry"]
    ]


async def test_s4_the_same_bytes_again_are_answered_with_what_is_there(story: Story) -> None:
    entries = as_an_ehr_sends_it(story)
    first, second = made(await story.referrer.send(*entries)), made(await story.referrer.send(*entries))
    assert [status for status, _ in first] == ["201"] * 4
    assert second == [("200", location) for _, location in first]
    referral = first[2][1].partition("/fhir/")[2]
    assert len(await story.referrer.found(f"Task?focus={referral}")) == 1
    assert len(await story.referrer.found(f"Provenance?target={referral}")) == 1


async def test_s4_of_the_same_referral_sent_twice_at_once_there_is_one(story: Story) -> None:
    entries = as_an_ehr_sends_it(story)
    answers = await asyncio.gather(*(story.referrer.send(*entries) for _ in range(2)))
    one, other = (made(each) for each in answers)
    assert [location for _, location in one] == [location for _, location in other]
    assert {status for status, _ in one} | {status for status, _ in other} == {"200", "201"}


async def test_s4_an_order_number_stands_for_one_order(story: Story) -> None:
    """Even where the referrer does not ask whether it is there: the same content is 200, another one 409."""
    await story.refer()
    order = (await story.referrer.read(story.referral)) | {"id": None}
    sent = {name: value for name, value in order.items() if name not in {"id", "meta"}}
    again = await story.referrer.tries(sent)
    assert (again.status_code, again.json()["id"]) == (200, story.referral.partition("/")[2])
    more = sent | {"quantityQuantity": sent["quantityQuantity"] | {"value": 12}}
    refused = assert_outcome(await story.referrer.tries(more), 409, "duplicate")
    assert story.referral in refused["diagnostics"]


async def test_s4_a_similar_order_under_way_is_stored_and_said_so(story: Story) -> None:
    await story.refer()
    second = begin(story.network)
    second.patient, second.condition = story.patient, story.condition
    made_second = await second.referrer.tries(second.order())
    assert made_second.status_code == 201, made_second.text
    second.referral = f"ServiceRequest/{made_second.json()['id']}"
    (issue,) = await story.referrer.found(f"DetectedIssue?implicated={second.referral}")
    assert (code_in(issue["code"], ACT_CODE), issue["severity"]) == ("DUPTHPY", "moderate")
    (task,) = await story.referrer.found(f"Task?focus={second.referral}")
    assert state(task) == ("requested", "awaiting-triage")


async def test_a_similar_order_is_not_named_to_those_who_do_not_see_it(story: Story) -> None:
    """The clinic that is asked second may have no part in the first order, though it hears that there is one."""
    await story.refer()
    second = begin(story.network)
    second.patient, second.condition = story.patient, story.condition
    order = second.order(performer=[reference("Organization/other")])
    answered = await second.referrer.send(entry(order))
    assert any("another one of the patient is active" in each for each in warnings(answered))
    other = story.network.other
    (task,) = await other.found("Task?status=requested&_sort=-_lastUpdated&_count=1")
    (issue,) = await other.found(f"DetectedIssue?implicated={task['focus']['reference']}")
    assert code_in(issue["code"], ACT_CODE) == "DUPTHPY"
    assert "Another referral" in issue["detail"]
    assert story.referral.partition("/")[2] not in json.dumps(issue)
    assert_outcome(await other("GET", story.referral), 404, "not-found")


async def test_s5_whoever_read_an_older_version_is_told_the_current_one(story: Story) -> None:
    await (await story.refer()).accept()
    await story.draw_up()
    await story.book(1)
    read = await story.clinic("GET", story.task)
    held = read.json() | {"status": "on-hold", "statusReason": loop.reason("no-capacity")}
    noted = read.json() | {"note": [{"text": "Called."}]}
    tag = read.headers["etag"]
    assert (await story.clinic("PUT", story.task, noted, **{"If-Match": tag})).status_code == 200
    refused = assert_outcome(await story.clinic("PUT", story.task, held, **{"If-Match": tag}), 412, "version-conflict")
    current = (await story.clinic("GET", story.task)).headers["etag"]
    assert current.strip('W/"') in refused["diagnostics"]
    assert (await story.clinic("PUT", story.task, held, **{"If-Match": current})).status_code == 200
    assert (await story.status_of(story.plan)) == "on-hold"
    await story.clinic.does(story.task, status="in-progress", statusReason=None)
    assert (await story.status_of(story.plan)) == "active"


async def test_s5_a_change_says_which_version_it_changes(story: Story) -> None:
    await (await story.refer()).accept()
    await story.draw_up()
    for side, name in ((story.clinic, story.task), (story.referrer, story.referral), (story.clinic, story.plan)):
        content = await side.read(name) | {"note": [{"text": "Called."}]}
        assert_outcome(await side("PUT", name, content), 428, "version-required")
        patch = [{"op": "add", "path": "/note", "value": [{"text": "Called."}]}]
        patching = {"Content-Type": "application/json-patch+json"}
        assert_outcome(await side("PATCH", name, patch, **patching), 428, "version-required")
        assert_outcome(await side.send(entry(content, name)), 428, "version-required")
        assert_outcome(await side("PUT", name, content, **{"If-Match": "W/1"}), 400, "header-invalid")


async def cancels(story: Story, tag: str) -> httpx.Response:
    """The referrer revokes the order and cancels its Task in one unit, having read both."""
    order, task = await story.referrer("GET", story.referral), await story.referrer.read(story.task)
    return await story.referrer.send(
        entry(order.json() | {"status": "revoked"}, story.referral, if_match=order.headers["etag"]),
        entry(task | {"status": "cancelled"}, story.task, if_match=tag),
    )


async def accepts(story: Story, side: Side, tag: str, **elements: Any) -> httpx.Response:
    """A clinic accepts the Task that it read."""
    content = await side.read(story.task) | {"status": "accepted"} | elements
    return await side("PUT", story.task, content, **{"If-Match": tag})


async def test_s6_of_an_acceptance_and_a_cancellation_one_wins(story: Story) -> None:
    await story.refer()
    tag = 'W/"1"'
    cancelled, accepted = await asyncio.gather(cancels(story, tag), accepts(story, story.clinic, tag))
    assert sorted((cancelled.status_code, accepted.status_code)) in ([200, 412], [200, 422])
    status, business = await story.stands()
    if accepted.status_code == 200:
        assert (status, business) == ("accepted", "accepted-unscheduled")
        assert (await cancels(story, 'W/"2"')).status_code == 200
    status, business = await story.stands()
    assert (status, business) == ("cancelled", "cancelled-by-referrer")
    assert await story.status_of(story.referral) == "revoked"


async def test_s6_a_clinic_that_comes_too_late_is_told_the_end(story: Story) -> None:
    await story.refer()
    assert (await cancels(story, 'W/"1"')).status_code == 200
    assert_outcome(await accepts(story, story.clinic, 'W/"1"'), 412, "version-conflict")
    refused = assert_outcome(await accepts(story, story.clinic, 'W/"2"'), 422, "transition-not-allowed")
    assert "terminal state cancelled" in refused["diagnostics"]
    assert "Allowed from here: nothing." in refused["diagnostics"]


async def test_s6_a_task_is_not_cancelled_while_its_referral_goes_on(story: Story) -> None:
    await story.refer()
    assert_outcome(await story.referrer.change(story.task, status="cancelled"), 422, "guard-cancellation")


async def open_referral(story: Story) -> Story:
    """A referral that any clinic may claim."""
    order = story.order()
    del order["performer"]
    return await story.refer(order=order, task=story.coordination(owner=None))


async def test_of_two_clinics_that_claim_a_referral_one_gets_it(story: Story) -> None:
    await open_referral(story)
    sides = (story.network.clinic, story.network.other)
    for side in sides:
        open_ones = await side.found(f"Task?owner:missing=true&status=requested&subject={story.patient}")
        assert [f"Task/{each['id']}" for each in open_ones] == [story.task]
    answers = await asyncio.gather(
        *(accepts(story, side, 'W/"1"', owner=reference(side.organisation)) for side in sides)
    )
    (winner,) = [side for side, each in zip(sides, answers, strict=True) if each.status_code == 200]
    (loser,) = [each for each in answers if each.status_code != 200]
    assert loser.status_code in {404, 412}, loser.text
    task = await story.referrer.read(story.task)
    assert (task["owner"], task["status"]) == (reference(winner.organisation), "accepted")
    (late,) = [side for side in sides if side is not winner]
    assert_outcome(await late("GET", story.task), 404, "not-found")


async def test_an_open_referral_is_claimed_by_accepting_it(story: Story) -> None:
    await open_referral(story)
    claimed = await story.network.other.does(story.task, status="accepted")
    assert claimed["owner"] == reference("Organization/other")


async def test_of_two_acceptances_of_one_version_one_wins(story: Story) -> None:
    await story.refer()
    answers = await asyncio.gather(*(accepts(story, story.clinic, 'W/"1"') for _ in range(2)))
    assert sorted(each.status_code for each in answers) == [200, 412]
    (refused,) = [each for each in answers if each.status_code == 412]
    assert_outcome(refused, 412, "version-conflict")
    assert len(await story.referrer.found(f"EpisodeOfCare?incoming-referral={story.referral}")) == 1
