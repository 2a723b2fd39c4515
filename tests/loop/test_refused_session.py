"""What $record-session refuses, and that nothing is stored then."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.api.outcome import assert_outcome
from tests.builders.resources import reference
from tests.loop.session_call import (
    check,
    counted,
    next_visit,
    planned,
    record,
    recorded,
    told,
)
from tests.loop.story import now
from tests.loop.test_delivery import authorisation, progress

if TYPE_CHECKING:
    from tests.api.auth.conftest import Workers
    from tests.loop.side import Json
    from tests.loop.story import Story


WRONG: list[tuple[str, Json, int, str, str]] = [
    ("no start", {"start": None}, 400, "parameter-required", "http.start"),
    ("no therapist", {"performer": None}, 400, "parameter-required", "http.performer"),
    ("no technique", {"technique": None}, 400, "parameter-required", "http.technique"),
    ("neither end nor minutes", {"minutes": None}, 400, "parameter-required", "http.end"),
    ("a day is no start", {"start": {"valueDate": "2026-01-12"}}, 400, "parameter-value", "http.start"),
    ("a start without offset", {"start": {"valueString": "2026-01-12T09:00:00"}}, 400, "parameter-value", "http.start"),
    ("an end before the start", {"end": {"valueDateTime": "2020-01-01T09:00:00Z"}}, 400, "parameter-value", "http.end"),
    ("a therapist elsewhere", {"performer": {"valueString": "Patient/1"}}, 400, "parameter-value", "http.performer"),
    ("an unknown technique", {"technique": {"valueCode": "spa"}}, 400, "parameter-value", "http.technique"),
    ("an unknown region", {"region": {"valueCode": "back"}}, 400, "parameter-value", "http.region"),
    ("more pain than there is", {"painAfter": {"valueInteger": 11}}, 422, "outcome-invalid", "http.painAfter"),
    ("a nameless identifier", {"identifier": {"valueIdentifier": {"value": "1"}}},
     400, "parameter-value", "http.identifier"),
    ("no such parameter", {"pressure": {"valueString": "deep"}}, 400, "parameter-unknown", "http.pressure"),
    ("a start twice", {"start": [{"valueDateTime": "2026-01-12T09:00:00Z"}] * 2}, 400, "parameter-value", "http.start"),
    ("no such visit", {"encounter": {"valueString": "Encounter/nobody"}}, 404, "not-found", "http.encounter"),
    ("no visit at all", {"appointment": {"valueString": "Task/1"}}, 400, "parameter-value", "http.appointment"),
    ("a next visit without a time", {"nextAppointment": {"part": [{"name": "minutes", "valueInteger": 45}]}},
     400, "parameter-required", "http.nextAppointment.start"),
    ("too short", {"minutes": {"valueInteger": 29}}, 422, "guard-visits", "Procedure.performed"),
    ("too long", {"minutes": {"valueInteger": 91}}, 422, "guard-visits", "Procedure.performed"),
    ("unchecked", {"questionnaireResponse": None}, 422, "guard-safety", "Encounter.status"),
    ("a therapist nobody knows", {"performer": {"valueString": "Practitioner/nobody"}},
     422, "guard-therapist", "Procedure.performer"),
    ("lymphatic drainage without its certificate", {"technique": {"valueCode": "lymphatic-drainage"}},
     422, "guard-therapist", "Procedure.performer"),
]  # fmt: skip


async def test_what_is_not_right_is_refused_and_nothing_is_stored(story: Story) -> None:
    await planned(story)
    before = await counted(story)
    for name, more, status, code, expression in WRONG:
        answered = await record(story, **more)
        assert answered.status_code == status, (name, answered.text)
        assert_outcome(answered, status, code, expression)
    assert await counted(story) == before
    assert await story.stands() == ("accepted", "accepted-unscheduled")


async def test_a_session_in_the_future_is_refused(story: Story) -> None:
    await planned(story)
    for start in (now() - timedelta(minutes=30), now() + timedelta(days=2)):
        more: Json = {"start": {"valueDateTime": start.isoformat(timespec="seconds")}}
        answers = check(story, 1) | {"authored": start.isoformat(timespec="seconds")}
        refused = await record(story, **more, questionnaireResponse={"resource": answers})
        assert_outcome(refused, 422, "time-ahead", "Procedure.performedPeriod.end")
    assert (await counted(story))["Procedure"] == 0


ENDS = [
    f"{day}{offset}"
    for day in ("9999-12-31T23:59:59", "9999-12-31T23:59:59.999999", "9999-12-31T00:00:00", "0001-01-01T00:00:00")
    for offset in ("Z", "-12:00", "+14:00", "-14:00", "+00:00")
]


async def test_the_ends_of_the_calendar_are_refused(story: Story) -> None:
    """As the start of a session, as its end, and of the next visit."""
    await planned(story)
    before = await counted(story)
    for moment in ENDS:
        at: Json = {"start": {"valueDateTime": moment}}
        for more in (at, at | {"minutes": None, "end": {"valueDateTime": ENDS[0]}}, {"end": at["start"]}):
            assert (await record(story, **more)).status_code in {400, 422}, (moment, more)
        if moment > "9999-12-31T23":
            refused = await record(story, **next_visit(moment, 60))
            assert_outcome(refused, 400, "parameter-value")
    assert {**await counted(story), "QuestionnaireResponse": 0} == before


async def test_a_therapist_whose_licence_has_run_out_records_nothing(story: Story) -> None:
    await planned(story)
    until = (story.begins(1) - timedelta(days=1)).date().isoformat()
    await story.employ(period={"start": "2020-01-01", "end": until})
    assert_outcome(await record(story), 422, "guard-therapist", "Procedure.performer")
    await story.employ(period={"start": "2020-01-01", "end": story.begins(1).date().isoformat()})
    assert (await recorded(story))["recorded"] is True


async def test_a_plan_without_goals_or_that_is_over_takes_no_session(story: Story) -> None:
    await planned(story)
    await story.clinic.does(story.plan, status="on-hold")
    assert_outcome(await record(story), 422, "guard-plan", "Procedure.status")
    assert_outcome(await story.clinic.change(story.plan, status="active", goal=None), 422, "guard-plan")


async def test_a_therapist_is_in_one_session_at_a_time(story: Story, second: Story) -> None:
    """Over referrals; an hour that follows another does not overlap with it."""
    await planned(story)
    await planned(second)
    second.therapist = story.therapist
    start = story.begins(1)
    await recorded(story, start={"valueDateTime": start.isoformat()})
    role = await story.clinic.post({"resourceType": "PractitionerRole", "practitioner": reference(story.therapist)})
    at: Json = {"start": {"valueDateTime": (start + timedelta(minutes=59)).isoformat()}}
    for therapist in (story.therapist, role):
        refused = await record(second, **at, performer={"valueString": therapist})
        told = assert_outcome(refused, 422, "guard-visits", "Procedure.performed")
        assert told["diagnostics"] == "The therapist has another session at that time."
    at["start"] = {"valueDateTime": (start + timedelta(minutes=60)).isoformat()}
    assert (await recorded(second, **at))["recorded"] is True


async def test_of_two_sessions_of_a_therapist_at_once_one_is_recorded(story: Story, second: Story) -> None:
    await planned(story)
    await planned(second)
    second.therapist = story.therapist
    at: Json = {"start": {"valueDateTime": story.begins(1).isoformat()}}
    answers = await asyncio.gather(record(story, **at), record(second, **at))
    assert sorted(each.status_code for each in answers) == [200, 422]


async def test_the_last_visit_goes_to_one_of_two_sessions(story: Story) -> None:
    """S3 under a race: one visit is authorised, two therapists record one."""
    await planned(story)
    payer = await story.referrer.post(authorisation(story, 1))
    await story.referrer.does(story.referral, insurance=[reference(payer)])
    first = story.therapist
    other = await story.employ()
    answers = await asyncio.gather(
        *(record(story, number, performer={"valueString": each}) for number, each in ((1, first), (2, other)))
    )
    assert sorted(each.status_code for each in answers) == [200, 422]
    (refused,) = [each for each in answers if each.status_code == 422]
    assert "authorized 1" in assert_outcome(refused, 422, "guard-visits")["diagnostics"]
    assert await story.stands() == ("in-progress", "visits-exhausted")
    assert progress(await story.referrer.read(story.task)) == (1, 1)


async def test_a_visit_of_another_referral_is_refused(story: Story, second: Story) -> None:
    await planned(story)
    await planned(second)
    other: Json = {"encounter": {"valueString": await second.begin(1)}, "questionnaireResponse": None}
    assert_outcome(await record(story, **other), 422, "guard-visits", "http.encounter")


async def test_a_plan_that_is_not_seen_is_not_there(story: Story) -> None:
    await planned(story)
    unknown = await story.network.other("POST", "CarePlan/nobody/$record-session", told(story))
    hidden = await story.network.other("POST", f"{story.plan}/$record-session", told(story))
    assert_outcome(hidden, 404, "not-found")
    assert hidden.json() == unknown.json()


async def test_the_referrer_records_no_session(story: Story) -> None:
    await planned(story)
    refused = await story.referrer("POST", f"{story.plan}/$record-session", told(story))
    assert_outcome(refused, 403, "wrong-actor", "Encounter")


async def test_scopes_of_the_pieces_are_needed(story: Story, workers: Workers) -> None:
    """Who may read the plan and write no Procedure records none."""
    await planned(story)
    headers = await workers.bearer("clinic", "system/CarePlan.rs system/Encounter.cu system/Observation.c")
    refused = await workers.one.post(f"{story.plan}/$record-session", json=told(story), headers=headers)
    assert_outcome(refused, 403, "forbidden")


async def test_a_session_is_recorded_by_post_alone(story: Story) -> None:
    await planned(story)
    refused = await story.clinic("GET", f"{story.plan}/$record-session")
    assert_outcome(refused, 405, "not-allowed")
    assert refused.headers["allow"] == "POST"
    assert_outcome(await story.clinic("POST", "CarePlan/$record-session", told(story)), 404, "operation-unknown")
