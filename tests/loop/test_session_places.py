"""Where a session hangs: an Encounter of its own, after the order, one a day, at the visit of its day."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from service.fhir.concept import coded
from service.massage.systems import STATUS_REASON
from tests.api.outcome import assert_outcome
from tests.builders.resources import reference
from tests.loop.session_call import check, planned, record, recorded
from tests.loop.story import Story, now
from tests.loop.test_visits import counts

if TYPE_CHECKING:
    import httpx

    from tests.loop.side import Json


def refused(answered: httpx.Response, at: str = "Procedure.encounter") -> str:
    return str(assert_outcome(answered, 422, "guard-visits", at)["diagnostics"])


def beginning(story: Story, start: str) -> Json:
    """Parameters by which a session and its check are of then."""
    return {
        "start": {"valueDateTime": start},
        "questionnaireResponse": {"resource": check(story, 1) | {"authored": start}},
    }


async def completed(story: Story) -> int | None:
    return (await counts(story))[3]


async def test_an_encounter_that_is_finished_takes_no_further_session(story: Story) -> None:
    await planned(story)
    visit: Json = {"encounter": {"valueString": (await recorded(story, 1))["encounter"]}, "questionnaireResponse": None}
    assert "is in this Encounter" in refused(await record(story, 2, **visit))
    answered = await story.clinic.tries(story.session(2, visit["encounter"]["valueString"]))
    assert "is in this Encounter" in refused(answered)
    assert await completed(story) == 1


async def test_a_session_that_was_a_mistake_makes_room_in_its_encounter_for_that_day_alone(story: Story) -> None:
    await planned(story)
    first = await recorded(story, 1)
    visit: Json = {"encounter": {"valueString": first["encounter"]}, "questionnaireResponse": None}
    for name in first["technique"]:
        await story.clinic.does(name, status="entered-in-error")
    await story.clinic.does(first["session"], status="entered-in-error")
    refused(await record(story, 2, **visit), "Procedure.performed")
    await recorded(story, 1, **visit)
    assert await completed(story) == 1


async def test_a_session_lies_within_its_encounter(story: Story) -> None:
    await planned(story)
    encounter = await story.begin(3)
    visit: Json = {"encounter": {"valueString": encounter}, "questionnaireResponse": None}
    refused(await record(story, 4, **visit), "Procedure.performed")
    for number in (2, 4):
        refused(await story.clinic.tries(story.session(number, encounter)), "Procedure.performed")
    assert await completed(story) == 0
    await recorded(story, 3, **visit)


async def test_what_was_given_before_the_order_is_no_visit_of_it(story: Story) -> None:
    await planned(story, authoredOn=story.begins(5).date().isoformat())
    days = [story.begins(number).date().isoformat() for number in (4, 5)]
    for start, day in ((story.begins(4).isoformat(), days[0]), ("1900-01-01T09:00:00Z", "1900-01-01")):
        told = refused(await record(story, 4, **beginning(story, start)), "Procedure.performed")
        assert f"of {day}, the order of {days[1]}" in told
    encounter = await story.begin(4)
    refused(await story.clinic.tries(story.session(4, encounter)), "Procedure.performed")
    await recorded(story, 5)
    assert await completed(story) == 1


async def test_a_session_is_not_moved_to_before_the_order(story: Story) -> None:
    await planned(story, authoredOn=story.begins(5).date().isoformat())
    answer = await recorded(story, 5)
    session = await story.clinic.read(answer["session"])
    moved = story.session(4, answer["encounter"])["performedPeriod"]
    assert_outcome(await story.clinic.change(answer["session"], performedPeriod=moved), 422, "guard-visits")
    assert (await story.clinic.read(answer["session"])) == session


async def test_there_is_one_session_a_day_unless_its_visit_says_why(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of this story begin on one day, two hours apart."""
    morning = (now() - timedelta(days=20)).replace(hour=8, minute=0, second=0, microsecond=0)
    monkeypatch.setattr(Story, "begins", staticmethod(lambda number: morning + timedelta(hours=2 * number)))
    await planned(story)
    await recorded(story, 1)
    for number in (2, 3):
        assert "on the same day" in refused(await record(story, number), "Procedure.performed")
    begun = await story.begin(4)
    refused(await story.clinic.tries(story.session(4, begun)), "Procedure.performed")
    assert await completed(story) == 1
    visit = await story.clinic.post(story.visit(5, **hour(story, 5), supportingInformation=[reference(story.plan)]))
    await recorded(story, 5, appointment={"valueString": visit})
    assert await completed(story) == 2


def hour(story: Story, number: int) -> Json:
    """The time of the n-th session."""
    times = {"start": story.begins(number), "end": story.begins(number) + timedelta(hours=1)}
    return {name: each.isoformat(timespec="seconds") for name, each in times.items()}


async def test_a_session_fulfils_the_visit_of_its_day_once(story: Story) -> None:
    await planned(story)
    ahead = await story.book(1, now() + timedelta(days=49))
    own = await story.book(2)
    for number in (1, 2):
        to_come = await record(story, number, appointment={"valueString": ahead})
        assert_outcome(to_come, 422, "time-ahead", "Appointment.status")
    assert "of another day" in refused(await record(story, 1, appointment={"valueString": own}))
    assert [await story.status_of(each) for each in (ahead, own)] == ["booked"] * 2
    await recorded(story, 2, appointment={"valueString": own})
    assert await story.status_of(own) == "fulfilled"
    assert "Another session took place" in refused(await record(story, 3, appointment={"valueString": own}))
    assert await completed(story) == 1


async def test_a_visit_that_nobody_came_to_or_that_is_over_takes_no_session(story: Story) -> None:
    await planned(story)
    missed, over = await story.book(1), await story.book(2)
    await story.clinic.does(missed, status="noshow")
    await story.clinic.does(over, status="arrived")
    await story.clinic.does(over, status="fulfilled")
    for number, visit in ((1, missed), (2, over)):
        answered = await record(story, number, appointment={"valueString": visit})
        assert answered.status_code == 422, answered.text
    assert await completed(story) == 0


async def test_a_visit_is_that_of_the_session_where_the_encounter_names_another(story: Story) -> None:
    await planned(story)
    later = await story.book(9)
    await story.clinic.does(later, status="arrived")
    encounter = await story.begin(1, await story.book(1))
    visit: Json = {"encounter": {"valueString": encounter}, "questionnaireResponse": None}
    assert "of another day" in refused(await record(story, 1, **visit, appointment={"valueString": later}))
    assert await story.status_of(later) == "arrived"


@pytest.mark.parametrize("start, end", [("0001-01-01", "9999-12-31"), ("0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z")])
async def test_an_encounter_is_planned_for_as_long_as_a_visit(story: Story, start: str, end: str) -> None:
    await planned(story)
    answered = await story.clinic.tries(story.encounter(1, status="planned", period={"start": start, "end": end}))
    refused(answered, "Encounter.period")
    hour = {"start": "2027-01-10T09:00:00Z", "end": "2027-01-10T10:00:00Z"}
    await story.clinic.post(story.encounter(1, status="planned", period=hour))


@pytest.mark.parametrize("ending", ["revoked", "rejected"])
async def test_nothing_remains_of_a_referral_at_its_end(story: Story, ending: str) -> None:
    await story.refer()
    assert (await counts(story))[-2:] == [6, 6]
    if ending == "rejected":
        reason = coded(STATUS_REASON, "no-capacity", "No capacity.")
        await story.clinic.does(story.task, status="rejected", statusReason=reason)
    else:
        await story.referrer.does(story.referral, status="revoked")
    assert (await counts(story, story.referrer))[-2:] == [0, 0]
