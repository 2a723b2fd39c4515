"""S10, a clinic declines and another takes over, S12, lost to follow-up, and what the clock ends."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from service.fhir.code_systems import GOAL_ACHIEVEMENT
from service.fhir.concept import code_in
from service.interactions.adding import add
from service.massage.cycle.terms import TASK_KIND
from service.massage.systems import STATUS_REASON
from tests.api.outcome import assert_outcome
from tests.builders import loop
from tests.builders.resources import reference
from tests.loop.later import look
from tests.loop.side import state
from tests.loop.story import new, now

if TYPE_CHECKING:
    import pytest

    from service.interactions.parts import Parts
    from tests.api.auth.conftest import Workers
    from tests.loop.side import Json
    from tests.loop.story import Story


async def declined(story: Story) -> Json:
    """The clinic declines and proposes another clinic; its Task."""
    await story.refer()
    instead = new(
        story.order(intent="proposal", performer=[reference("Organization/other")], requester=None),
        identifier=None,
        replaces=None,
        requester=reference("Organization/clinic"),
        basedOn=story.based_on,
    )
    proposal = await story.clinic.post(instead)
    outputs = [loop.output("alternative-proposal", proposal)]
    why = loop.reason("no-qualified-therapist")
    return await story.clinic.does(story.task, status="rejected", statusReason=why, output=outputs)


async def test_s10_a_clinic_declines_and_says_who_could(story: Story) -> None:
    task = await declined(story)
    assert state(task) == ("rejected", "declined")
    proposed = await story.referrer.read(task["output"][0]["valueReference"]["reference"])
    assert (proposed["intent"], proposed["performer"]) == ("proposal", [reference("Organization/other")])
    assert await story.status_of(story.referral) == "active"


async def test_s10_declining_takes_a_reason(story: Story) -> None:
    await story.refer()
    for why in (None, {"text": "No."}, loop.reason("goals-met"), loop.reason("no-capacity", "")):
        answered = await story.clinic.change(story.task, status="rejected", statusReason=why)
        assert answered.status_code in {400, 422}, answered.text
    told = assert_outcome(await story.clinic.change(story.task, status="rejected"), 422, "guard-reason")
    assert "no-qualified-therapist" in told["diagnostics"]


async def test_s10_the_referrer_sends_it_to_another_clinic(story: Story) -> None:
    await declined(story)
    second = await story.referrer.post(story.coordination(owner=reference("Organization/other")))
    assert state(await story.network.other.read(second)) == ("requested", "awaiting-triage")
    assert (await story.network.other.does(second, status="accepted"))["status"] == "accepted"
    reopened = await story.clinic.change(story.task, status="requested", statusReason=None)
    assert_outcome(reopened, 422, "transition-not-allowed")
    assert_outcome(await story.clinic.change(second, status="in-progress"), 403, "wrong-actor")


async def test_s10_a_new_order_replaces_the_one_that_was_declined(story: Story) -> None:
    await declined(story)
    placer = story.order()["identifier"][0] | {"value": f"ORDER-{story.number}-again"}
    order = story.order(identifier=[placer], performer=[reference("Organization/other")], replaces=story.based_on)
    replacing = await story.referrer.post(order)
    (task,) = await story.network.other.found(f"Task?focus={replacing}")
    assert (task["status"], task["owner"]) == ("requested", reference("Organization/other"))
    assert await story.referrer.found(f"ServiceRequest?replaces={story.referral}") != []
    assert await story.referrer.found(f"DetectedIssue?implicated={replacing}") == []


async def lost(story: Story) -> Story:
    """Two sessions, then two visits to which nobody came."""
    await (await story.refer()).accept()
    await story.draw_up()
    await story.deliver(1)
    await story.deliver(2)
    for number in (3, 4):
        missed = await story.book(number)
        await story.clinic.does(missed, status="noshow")
        assert await story.stands() == ("in-progress", "visit-no-show")
    return story


async def test_s12_work_that_could_not_be_finished_fails_with_a_report(story: Story) -> None:
    await lost(story)
    failing: dict[str, Any] = {"status": "failed", "statusReason": loop.reason("lost-to-follow-up")}
    assert_outcome(await story.clinic.change(story.task, **failing), 422, "guard-report")
    report = loop.output("final-report", await story.report(conclusion="Partial outcome: better after two sessions."))
    task = await story.clinic.does(story.task, **failing, output=[report])
    assert state(task) == ("failed", "discontinued")
    assert await story.status_of(story.plan) == "revoked"
    goal = await story.referrer.read(story.goal)
    assert code_in(goal["achievementStatus"], GOAL_ACHIEVEMENT) == "no-progress"
    assert await story.status_of(story.referral) == "active"
    again = await story.referrer.post(story.coordination(owner=reference("Organization/other")))
    assert state(await story.network.other.read(again)) == ("requested", "awaiting-triage")


async def test_s12_the_clinic_is_reminded_of_a_patient_who_stays_away(story: Story) -> None:
    await lost(story)
    (reminder,) = await story.clinic.found(f"Task?focus={story.task}&code={TASK_KIND}|reminder")
    assert (reminder["status"], reminder["for"]) == ("ready", reference(story.patient))
    name = f"Task/{reminder['id']}"
    assert_outcome(await story.referrer.change(name, status="completed"), 403, "wrong-actor")
    assert (await story.clinic.does(name, status="completed"))["status"] == "completed"


async def test_s12_a_referrer_who_polls_sees_what_changed(story: Story) -> None:
    since = now() - timedelta(seconds=1)
    await (await story.refer()).accept()
    moment = since.isoformat(timespec="seconds").replace("+00:00", "Z")
    found = await story.referrer.found(f"Task?requester=Organization/referrer&_lastUpdated=gt{moment}")
    assert story.task in {f"Task/{each['id']}" for each in found}


async def test_an_order_that_nobody_starts_in_time_expires(story: Story, workers: Workers) -> None:
    ends = (now() + timedelta(days=10)).date().isoformat()
    await story.refer(order=story.order(occurrencePeriod={"end": ends}))
    await look(workers, timedelta(days=9))
    assert await story.stands() == ("requested", "awaiting-triage")
    assert await look(workers, timedelta(days=12)) > 0
    assert await story.stands(story.clinic) == ("cancelled", "expired")
    task = await story.referrer.read(story.task)
    assert code_in(task["statusReason"], STATUS_REASON) == "order-expired"
    refused = await story.clinic.change(story.task, status="accepted")
    assert "terminal state cancelled" in assert_outcome(refused, 422, "transition-not-allowed")["diagnostics"]


async def test_a_report_falls_due_with_time(story: Story, workers: Workers) -> None:
    await (await story.refer()).accept()
    await story.draw_up()
    await story.deliver(1)
    assert await story.stands() == ("in-progress", "visit-completed")
    await look(workers, timedelta(days=31))
    assert await story.stands() == ("in-progress", "progress-report-due")


async def test_a_clock_that_comes_after_a_standstill_looks_up_the_search_parameters_first(
    story: Story, workers: Workers
) -> None:
    """Of the machine, say, or of the database: it is the first to work after it."""
    ends = (now() + timedelta(days=10)).date().isoformat()
    await story.refer(order=story.order(occurrencePeriod={"end": ends}))
    workers.application._beside.current.parts.lease.lapse()
    assert await look(workers, timedelta(days=12)) > 0
    assert await story.stands(story.clinic) == ("cancelled", "expired")


async def test_the_clock_leaves_what_takes_too_long_to_the_next_look(
    story: Story, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = (now() + timedelta(days=10)).date().isoformat()
    await story.refer(order=story.order(occurrencePeriod={"end": ends}))

    async def late(parts: Parts, *arguments: Any) -> int:
        parts.lease.lapse()
        return await add(parts, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr("service.jobs.clock.add", late)
        assert await look(workers, timedelta(days=12)) == 0
    assert await look(workers, timedelta(days=12)) > 0


async def test_the_clock_writes_once(story: Story, workers: Workers) -> None:
    ends = (now() + timedelta(days=10)).date().isoformat()
    await story.refer(order=story.order(occurrencePeriod={"end": ends}))
    await look(workers, timedelta(days=12))
    assert await look(workers, timedelta(days=12)) == 0
