"""A place that is booked is kept, visits are of their days and authorisations, and nobody is at two places at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.api.outcome import assert_outcome
from tests.builders.resources import reference
from tests.loop.session_call import check, next_visit, planned, record, recorded
from tests.loop.story import Network, Story, now
from tests.loop.test_bypasses import another
from tests.loop.test_delivery import authorisation
from tests.loop.test_visits import counts, visits

if TYPE_CHECKING:
    from datetime import datetime

    from tests.loop.side import Json, Side


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sessions of a story begin at noon of their days, whenever the test runs."""
    base = now().replace(hour=12, minute=0, second=0, microsecond=0)
    monkeypatch.setattr(Story, "begins", staticmethod(lambda number: base - timedelta(days=20 - number)))


def text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def hour(start: datetime) -> dict[str, str]:
    return {"start": text(start), "end": text(start + timedelta(hours=1))}


async def authorised(story: Story, *answers: tuple[int, int, int]) -> None:
    """The payer allows so many visits from one day of the story to another."""
    names = []
    for count, first, last in answers:
        days = {"start": story.begins(first).date().isoformat(), "end": story.begins(last).date().isoformat()}
        names.append(await story.referrer.post(authorisation(story, count) | {"preAuthPeriod": days}))
    await story.referrer.does(story.referral, insurance=[reference(each) for each in names])


async def again(story: Story, clinic: Side) -> Story:
    """A second referral of the same patient, with a plan and the same therapist, at a clinic."""
    network = story.network
    second = await another(story, clinic=clinic.organisation, reasonCode=[{"text": "Stiff neck"}])
    second.network = Network(
        referrer=network.referrer, clinic=clinic, other=network.clinic, administrator=network.administrator
    )
    await second.accept()
    await second.draw_up()
    second.therapist = story.therapist
    return second


async def test_a_walk_in_takes_no_place_that_is_booked(story: Story) -> None:
    """Two ordered, both booked; the refusal names the booking of the day first, and what it says is accepted."""
    await planned(story, quantityQuantity={"value": 2})
    later, today = await story.book(5), await story.book(3)
    refused = assert_outcome(await record(story, 3), 422, "visits-booked", "Procedure.status")
    assert f"is booked ({today}, {later}): record the session at the one of its day" in refused["diagnostics"]
    assert await counts(story) == [2, None, 2, 0, 0, 2, 0]
    await recorded(story, 3, appointment={"valueString": today})
    assert_outcome(await record(story, 4), 422, "visits-booked")
    await story.clinic.does(later, status="cancelled")
    await recorded(story, 4)
    assert await counts(story) == [2, None, 0, 2, 0, 0, 0]


async def test_a_next_visit_beyond_the_last_is_what_is_refused(story: Story) -> None:
    """Not the session that it came with; nothing is stored of either."""
    await planned(story, quantityQuantity={"value": 1})
    beyond = next_visit(text(now() + timedelta(days=2)), minutes=60)
    told = assert_outcome(await record(story, 3, **beyond), 422, "guard-visits", "Appointment.status")
    assert told["diagnostics"].startswith("ordered 1, completed 1, booked 0, requested 1;")
    assert await counts(story) == [1, None, 0, 0, 0, 1, 1]


async def test_where_more_is_booked_than_is_authorised_bookings_are_kept_as_long_as_there_is_place(
    story: Story,
) -> None:
    """The payer takes one of two visits back: a walk-in is refused with both bookings named, one of them is kept."""
    await planned(story)
    await authorised(story, (2, 1, 9))
    first, second = await story.book(3), await story.book(5)
    (answer,) = [each["reference"] for each in (await story.referrer.read(story.referral))["insurance"]]
    items = (await story.referrer.read(answer))["addItem"]
    await story.referrer.does(answer, addItem=[items[0] | {"quantity": {"value": 1}}])
    refused = assert_outcome(await record(story, 4), 422, "visits-booked")["diagnostics"]
    assert f"({first}, {second})" in refused
    await recorded(story, 5, appointment={"valueString": second})
    assert_outcome(await record(story, 3, appointment={"valueString": first}), 422, "guard-visits")
    assert await counts(story) == [6, 1, 1, 1, 0, 0, 0]


async def test_a_visit_that_was_kept_without_its_session_keeps_its_place(story: Story) -> None:
    await planned(story, quantityQuantity={"value": 1})
    visit = await story.book(3)
    encounter = await story.begin(3, visit)
    for status in ("arrived", "fulfilled"):
        await story.clinic.does(visit, status=status)
    assert_outcome(await story.clinic.tries(story.visit(5)), 422, "guard-visits")
    assert await counts(story) == [1, None, 0, 0, 0, 1, 0]
    await story.clinic.post(story.session(3, encounter))
    assert await counts(story) == [1, None, 0, 1, 0, 0, 0]


async def test_of_a_booking_and_a_walk_in_for_the_last_place_one_gets_it(story: Story) -> None:
    await planned(story, quantityQuantity={"value": 1})
    booked, walked = await asyncio.gather(story.clinic.tries(story.visit(9)), record(story, 3))
    assert (booked.status_code, walked.status_code) in {(201, 422), (422, 200)}
    assert (await counts(story))[-1] == 0


async def test_what_is_left_of_an_authorisation_lapses_with_it(story: Story) -> None:
    """Four until the fifth day, of which one is used, and two from the sixth to the ninth; six are ordered."""
    await planned(story)
    await authorised(story, (4, 1, 5), (2, 6, 9))
    await recorded(story, 2)
    assert await counts(story) == [6, 6, 0, 1, 0, 0, 0]
    for number in (6, 7):
        await recorded(story, number)
    refused = assert_outcome(await record(story, 8), 422, "guard-visits")["diagnostics"]
    assert "authorized 6, ordered 6, completed 3, booked 0, requested 1" in refused
    assert "for its own days" in refused
    await recorded(story, 3)  # of a day of the first
    assert "that day" in assert_outcome(await record(story, 10), 422, "guard-visits")["diagnostics"]
    task = await story.clinic.read(story.task)
    ratios = [each["valueRatio"] for each in task["output"] if "valueRatio" in each]
    assert [(each["numerator"]["value"], each["denominator"]["value"]) for each in ratios] == [(4, 4)]


async def test_a_booking_is_not_moved_out_of_its_authorisation(story: Story) -> None:
    await planned(story)
    await authorised(story, (2, 1, 5))
    visit = await story.book(3)
    refused = assert_outcome(await story.clinic.change(visit, **hour(story.begins(7))), 422, "guard-visits")
    assert "that day" in refused["diagnostics"]
    await story.clinic.does(visit, **hour(story.begins(4)))


async def test_a_session_is_not_moved_out_of_its_authorisation(story: Story) -> None:
    await planned(story)
    await authorised(story, (2, 1, 5))
    encounter = await story.begin(3)
    session = await story.clinic.post(story.session(3, encounter))
    moved = {"start": text(story.begins(7)), "end": text(story.begins(7) + timedelta(hours=1))}
    assert_outcome(await story.clinic.change(session, performedPeriod=moved), 422, "guard-visits")
    assert (await story.clinic.read(session))["performedPeriod"]["start"] == text(story.begins(3))


@pytest.mark.parametrize("status", ["arrived", "fulfilled", "noshow"])
async def test_a_visit_to_come_is_neither_kept_nor_missed(story: Story, status: str) -> None:
    await planned(story)
    visit = await story.book(1, now() + timedelta(days=2))
    refused = assert_outcome(await story.clinic.change(visit, status=status), 422, "time-ahead", "Appointment.status")
    assert "cancel" in refused["diagnostics"] or "on its day at the earliest" in refused["diagnostics"]
    assert await counts(story) == [6, None, 1, 0, 0, 6, 5]
    moved = await story.clinic.change(visit, status=status, **hour(story.begins(3)))
    assert_outcome(moved, 422, "guard-visits")


async def test_an_encounter_keeps_the_time_of_its_session(story: Story) -> None:
    await planned(story)
    begun = story.begins(3)
    encounter = (await recorded(story, 3))["encounter"]
    for period in (
        {"start": text(story.begins(4))},
        {"start": text(story.begins(2)), "end": text(begun + timedelta(hours=1))},
        {"start": text(begun), "end": text(begun + timedelta(minutes=30))},
    ):
        assert_outcome(await story.clinic.change(encounter, period=period), 422, "guard-visits", "Encounter.period")
    ahead = {"start": text(begun), "end": text(now() + timedelta(days=1))}
    assert_outcome(await story.clinic.change(encounter, period=ahead), 422, "time-ahead", "Encounter.period.end")
    wider = {"start": text(begun - timedelta(minutes=10)), "end": text(begun + timedelta(minutes=70))}
    await story.clinic.does(encounter, period=wider)


async def test_a_booking_of_another_day_is_not_freed_by_naming_it_in_an_encounter(story: Story) -> None:
    """What a session has taken place at holds no place any more: so it must have been there."""
    await planned(story, quantityQuantity={"value": 2})
    encounter = (await recorded(story, 3))["encounter"]
    visit = await story.book(9)
    named = [reference(visit)]
    refused = await story.clinic.change(encounter, appointment=named)
    assert_outcome(refused, 422, "guard-visits", "Encounter.appointment")
    assert_outcome(await story.clinic.tries(story.visit(5)), 422, "guard-visits")


async def test_a_session_that_counts_does_not_become_part_of_another(story: Story) -> None:
    await planned(story)
    first, second = [(await recorded(story, number))["session"] for number in (1, 2)]
    refused = await story.clinic.change(second, partOf=[reference(first)])
    assert_outcome(refused, 422, "guard-visits", "Procedure.partOf")
    assert (await counts(story))[3] == 2


async def test_a_session_that_is_posted_says_from_when_to_when(story: Story) -> None:
    await planned(story)
    encounter = await story.begin(3)
    for when in ({}, {"performedDateTime": text(story.begins(3))}):
        content = {name: value for name, value in story.session(3, encounter).items() if name != "performedPeriod"}
        assert_outcome(await story.clinic.tries(content | when), 422, "guard-visits", "Procedure.performed")
    assert (await counts(story))[3] == 0


async def test_a_session_is_not_handed_to_a_therapist_without_a_licence(story: Story) -> None:
    await planned(story)
    session = (await recorded(story, 3))["session"]
    until = (story.begins(1) - timedelta(days=1)).date().isoformat()
    other = await story.employ(period={"start": "2020-01-01", "end": until})
    refused = await story.clinic.change(session, performer=[{"actor": reference(other)}])
    assert_outcome(refused, 422, "guard-therapist", "Procedure.performer")


async def test_a_day_is_that_of_the_service_whatever_the_offset_says(story: Story) -> None:
    """Both are of one day in UTC; the second is written as of the next, in an offset that is ahead of it."""
    await planned(story)
    await recorded(story, 3)
    start = (story.begins(3) + timedelta(hours=3)).isoformat(timespec="seconds")
    written = (story.begins(3) + timedelta(hours=17)).replace(tzinfo=None).isoformat(timespec="seconds") + "+14:00"
    assert start[:10] != written[:10]
    answers = {"resource": check(story, 3) | {"authored": written}}
    refused = await record(story, 3, start={"valueDateTime": written}, questionnaireResponse=answers)
    told = assert_outcome(refused, 422, "guard-visits", "Procedure.performed")["diagnostics"]
    assert f"on the same day ({start[:10]}, UTC)" in told


async def test_a_patient_has_one_session_a_day_over_the_referrals_of_a_clinic(story: Story) -> None:
    await planned(story)
    second = await again(story, story.clinic)
    await recorded(story, 3)
    at: Json = {"start": {"valueDateTime": text(story.begins(3) + timedelta(minutes=30))}}
    told = assert_outcome(await record(second, 3, **at), 422, "guard-visits", "Procedure.performed")
    assert told["diagnostics"] == "The patient has another session at that time."
    at = {"start": {"valueDateTime": text(story.begins(3) + timedelta(hours=3))}}
    told = assert_outcome(await record(second, 3, **at), 422, "guard-visits", "Procedure.performed")
    assert told["diagnostics"].startswith("The patient has another session on that day (")
    why = {"supportingInformation": [reference(second.plan)]}
    visit = await second.clinic.post(second.visit(3, **hour(story.begins(3) + timedelta(hours=3)), **why))
    await recorded(second, 3, **at, appointment={"valueString": visit})
    await recorded(second, 4)


async def test_of_two_sessions_of_a_patient_on_a_day_that_come_at_once_one_is_recorded(story: Story) -> None:
    await planned(story)
    second = await again(story, story.clinic)
    second.therapist = await second.employ()
    later: Json = {"start": {"valueDateTime": text(story.begins(3) + timedelta(hours=3))}}
    answers = await asyncio.gather(record(story, 3), record(second, 3, **later))
    assert sorted(each.status_code for each in answers) == [200, 422]


async def test_a_therapist_of_two_clinics_is_at_one_at_a_time_and_nothing_is_told_of_the_other(story: Story) -> None:
    await planned(story)
    second = await again(story, story.network.other)
    session = (await recorded(story, 3))["session"]
    assert (await second.clinic("GET", session)).status_code == 404
    told = assert_outcome(await record(second, 3), 422, "guard-visits", "Procedure.performed")
    assert told["diagnostics"] == "The therapist has another session at that time."


async def test_a_patients_session_at_a_clinic_that_is_not_seen_is_not_told_of(story: Story) -> None:
    """Another clinic learns nothing of it, the same one is told, and so is who ordered both."""
    await planned(story)
    second = await again(story, story.network.other)
    second.therapist = await second.employ()
    own = (await recorded(story, 3))["session"]
    other = (await recorded(second, 3))["session"]
    for side, overlaps in ((story.referrer, reference(other)), (story.clinic, None)):
        (session,) = (await visits(story, side))["session"]
        assert (session["session"], session.get("overlaps")) == (reference(own), overlaps)
    third = await again(story, story.clinic)
    third.therapist = await third.employ()
    assert_outcome(await record(third, 3), 422, "guard-visits")


def booking(story: Story, start: datetime, *people: str, **elements: Any) -> Json:
    actors = [{"actor": reference(each), "status": "accepted"} for each in people]
    return story.visit(1, **hour(start), participant=actors, **elements)


async def test_a_therapist_is_booked_for_one_visit_at_a_time(story: Story, second: Story) -> None:
    """Wherever; what follows on, or was cancelled or declined, is no visit at that time."""
    await planned(story)
    await planned(second)
    start = story.begins(30)
    first = await story.clinic.post(booking(story, start, story.patient, story.therapist))
    role = await story.clinic.post({"resourceType": "PractitionerRole", "practitioner": reference(story.therapist)})
    for therapist in (story.therapist, role):
        sent = booking(second, start + timedelta(minutes=59), second.patient, therapist)
        told = assert_outcome(await second.clinic.tries(sent), 422, "guard-therapist", "Appointment.participant")
        assert told["diagnostics"] == "The therapist has another appointment at that time."
    kept = await second.clinic.post(booking(second, start + timedelta(hours=1), second.patient, story.therapist))
    moved = await second.clinic.change(kept, **hour(start))
    assert_outcome(moved, 422, "guard-therapist", "Appointment.participant")
    actors = (await story.clinic.read(first))["participant"]
    await story.clinic.does(first, participant=[actors[0], actors[1] | {"status": "declined"}])
    await second.clinic.does(kept, **hour(start))
    assert_outcome(await story.clinic.change(first, participant=actors), 422, "guard-therapist")
    await second.clinic.does(kept, status="cancelled")
    await story.clinic.does(first, participant=actors)


async def test_of_two_bookings_of_a_therapist_at_once_one_is_made(story: Story, second: Story) -> None:
    await planned(story)
    await planned(second)
    start = story.begins(30)
    answers = await asyncio.gather(
        *(each.clinic.tries(booking(each, start, each.patient, story.therapist)) for each in (story, second))
    )
    assert sorted(each.status_code for each in answers) == [201, 422]


async def test_a_patient_is_booked_for_one_visit_at_a_time_as_far_as_a_clinic_sees(story: Story) -> None:
    await planned(story)
    second, third = await again(story, story.clinic), await again(story, story.network.other)
    start = story.begins(30)
    await story.clinic.post(booking(story, start, story.patient))
    told = await second.clinic.tries(booking(second, start + timedelta(minutes=30), story.patient))
    assert_outcome(told, 422, "guard-visits", "Appointment.start")
    await third.clinic.post(booking(third, start, story.patient))
