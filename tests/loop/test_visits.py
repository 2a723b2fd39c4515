"""ServiceRequest/$visits: S1 and S3 by numbers worked out by hand, and visits that stay within their limits."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple

from service.massage.cycle.view import View
from service.massage.visits import account
from tests.api.outcome import assert_outcome
from tests.builders.loop import CLINIC, World, appointment, check, encounter, goal, plan, referral, session, task
from tests.builders.resources import reference
from tests.loop.session_call import planned, record, recorded
from tests.loop.test_delivery import authorisation

if TYPE_CHECKING:
    from tests.loop.side import Json, Side
    from tests.loop.story import Story

COUNTS = ("ordered", "authorised", "booked", "completed", "noShow", "remaining", "unbooked")


async def visits(story: Story, side: Side | None = None) -> dict[str, list[Any]]:
    """The answer by name; parts as a mapping of their own."""
    answered = await (side or story.clinic)("GET", f"{story.referral}/$visits")
    assert answered.status_code == 200, answered.text
    found: dict[str, list[Any]] = {}
    for each in answered.json()["parameter"]:
        found.setdefault(each["name"], []).append(value_of(each))
    return found


def value_of(parameter: Json) -> Any:
    if "part" in parameter:
        return {each["name"]: value_of(each) for each in parameter["part"]}
    return next(value for name, value in parameter.items() if name != "name")


async def counts(story: Story, side: Side | None = None) -> list[int | None]:
    """Ordered, authorised, booked, completed, missed, remaining, unbooked."""
    found = await visits(story, side)
    return [found.get(name, [None])[0] for name in COUNTS]


async def test_s1_six_visits_are_counted_down(story: Story) -> None:
    await planned(story)
    assert await counts(story) == [6, None, 0, 0, 0, 6, 6]
    missed = await story.book(1)
    await story.book(2)
    assert await counts(story) == [6, None, 2, 0, 0, 6, 4]
    await story.clinic.does(missed, status="noshow")
    assert await counts(story) == [6, None, 1, 0, 1, 6, 5]
    for number in range(1, 7):
        used = {"appointment": {"valueString": story.appointments[1]}} if number == 2 else {}
        await recorded(story, number, **used)
    assert await counts(story, story.referrer) == [6, None, 0, 6, 1, 0, 0]
    (report,) = (await visits(story))["progressReport"]
    assert (report["due"], report["sessions"], report["afterSessions"]) == (True, 6, 6)
    assert await story.stands() == ("in-progress", "progress-report-due")


async def test_s3_the_payers_visits_limit_those_ordered(story: Story) -> None:
    await planned(story)
    first = await story.referrer.post(authorisation(story, 2) | {"preAuthPeriod": {"start": "2026-01-01"}})
    await story.referrer.does(story.referral, insurance=[reference(first)])
    assert await counts(story) == [6, 2, 0, 0, 0, 2, 2]
    for number in (1, 2):
        await recorded(story, number)
    assert await counts(story) == [6, 2, 0, 2, 0, 0, 0]
    assert await story.stands() == ("in-progress", "visits-exhausted")
    for refused in (await record(story, 3), await story.clinic.tries(story.visit(3))):
        told = assert_outcome(refused, 422, "guard-visits")["diagnostics"]
        assert "authorized 2, ordered 6, completed 2, booked 0, requested 1" in told
    assert await counts(story) == [6, 2, 0, 2, 0, 0, 0]
    order = await story.referrer.read(story.referral)
    more = await story.referrer.post(authorisation(story, 8))
    insurance = [*order["insurance"], reference(more)]
    quantity = order["quantityQuantity"] | {"value": 10}
    await story.referrer.does(story.referral, quantityQuantity=quantity, insurance=insurance)
    assert await counts(story) == [10, 10, 0, 2, 0, 8, 8]
    allowed = (await visits(story))["authorisation"]
    assert [(each["number"], each["visits"]) for each in allowed] == [("AUTH-2", 2), ("AUTH-8", 8)]
    assert allowed[0]["period"] == {"start": "2026-01-01"}


async def test_the_log_tells_each_session(story: Story) -> None:
    await planned(story)
    answer = await recorded(story)
    (entry,) = (await visits(story, story.referrer))["session"]
    assert (entry["session"], entry["minutes"], entry["units"]) == (reference(answer["session"]), 60, 4)
    assert (entry["painBefore"], entry["painAfter"], entry["tolerance"]) == (6, 3, "Well")
    assert entry["technique"]["text"] == "Myofascial release"
    assert (entry["finding"], entry["performer"]) == ("Tight on the left.", reference(story.therapist))


async def test_a_report_falls_due_after_thirty_days(story: Story) -> None:
    """The work began a moment ago, and a session is told of."""
    await planned(story)
    await recorded(story)
    (report,) = (await visits(story))["progressReport"]
    task = await story.clinic.read(story.task)
    began = task["executionPeriod"]["start"][:10]
    assert report["dueOn"][:10] == (date.fromisoformat(began) + timedelta(days=30)).isoformat()
    assert (report["due"], report["sessions"]) == (False, 1)


async def test_others_see_no_visits(story: Story) -> None:
    await planned(story)
    hidden = await story.network.other("GET", f"{story.referral}/$visits")
    unknown = await story.network.other("GET", "ServiceRequest/nobody/$visits")
    assert_outcome(hidden, 404, "not-found")
    assert hidden.json() == unknown.json()
    assert_outcome(await story.clinic("GET", "ServiceRequest/$visits"), 404, "operation-unknown")
    assert_outcome(await story.clinic("GET", f"{story.referral}/$visits?asOf=2026-01-01"), 400, "parameter-unknown")


async def test_visits_that_are_asked_for_at_once_never_go_beyond(story: Story) -> None:
    """Three are authorised: of five bookings three are made, and only what was booked is delivered."""
    await planned(story)
    payer = await story.referrer.post(authorisation(story, 3))
    await story.referrer.does(story.referral, insurance=[reference(payer)])
    booked = await asyncio.gather(*(story.clinic.tries(story.visit(number)) for number in range(1, 6)))
    assert sorted(each.status_code for each in booked) == [201, 201, 201, 422, 422]
    assert await counts(story) == [6, 3, 3, 0, 0, 3, 0]
    told = await asyncio.gather(*(record(story, number) for number in range(1, 6)))
    for refused in told:
        assert_outcome(refused, 422, "visits-booked")
    for each in booked:
        if each.status_code == 201:
            await story.clinic.does(f"Appointment/{each.json()['id']}", status="cancelled")
    told = await asyncio.gather(*(record(story, number) for number in range(1, 6)))
    assert sorted(each.status_code for each in told) == [200, 200, 200, 422, 422]
    assert await counts(story) == [6, 3, 0, 3, 0, 0, 0]


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["book", "deliver", "miss", "cancel", "authorise", "not-done"]),
        st.integers(1, 6),
        st.integers(0, 4),
    ),
    max_size=25,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(acts=ACTS, ordered=st.integers(1, 5))
def test_whatever_is_done_visits_stay_within_their_limits(acts: list[tuple[str, int, int]], ordered: int) -> None:
    """Never below nothing; no session, and no booking beside the sessions, beyond what was allowed when it was told."""
    card = referral(quantityQuantity={"value": ordered}, insurance=[{"reference": "ClaimResponse/answer"}])
    world = World.of(card, task(status="in-progress"), plan(), goal())
    world.watched = False
    for act, number, allowed in acts:
        before = account(world_view(world))
        kept = world.get(f"Appointment/visit{number}") or appointment(number)
        match act:
            case "book":
                world.judge(CLINIC, appointment(number))
            case "deliver":
                world.judge(CLINIC, check(number), encounter(number, status="finished"), session(number))
            case "miss":
                world.judge(CLINIC, kept | {"status": "noshow"})
            case "cancel":
                world.judge(CLINIC, kept | {"status": "cancelled"})
            case "not-done":
                world.judge(CLINIC, session(number, status="not-done", statusReason={"text": "Ill."}))
            case _:
                world.keep(
                    {
                        "resourceType": "ClaimResponse",
                        "id": "answer",
                        "status": "active",
                        "addItem": [{"quantity": {"value": allowed}}],
                    }
                )
        after = account(world_view(world))
        numbers = [number or 0 for number in astuple(after)]
        assert min(numbers) >= 0
        most = min(number for number in (after.ordered, after.authorised) if number is not None)
        if (after.completed or 0) > (before.completed or 0):
            assert (after.completed or 0) <= most
        if act == "book" and (after.booked or 0) > (before.booked or 0):
            assert (after.booked or 0) + (after.completed or 0) <= most


def world_view(world: World) -> View:
    return View("order", world.stored, "")
