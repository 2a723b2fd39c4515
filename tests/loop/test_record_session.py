"""$record-session: one session in one call, the same as its pieces, with every number worked out by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from service.fhir.concept import code_in
from service.massage.cycle.units import said_units
from service.massage.systems import OUTCOME, TECHNIQUE
from tests.api.outcome import assert_outcome
from tests.builders.resources import reference
from tests.loop.session_call import (
    LUMBAR,
    next_visit,
    planned,
    record,
    recorded,
)
from tests.loop.session_pieces import comparable, pieces
from tests.loop.story import now
from tests.loop.test_delivery import progress

if TYPE_CHECKING:
    from tests.loop.side import Json
    from tests.loop.story import Story


async def test_one_call_records_a_session(story: Story) -> None:
    await planned(story)
    answer = await recorded(story)
    assert (answer["recorded"], answer["minutes"], answer["units"]) == (True, 60, 4)
    session = await story.referrer.read(answer["session"])
    assert (session["status"], said_units(session)) == ("completed", 4)
    assert session["basedOn"] == [reference(story.plan), reference(story.referral)]
    assert session["encounter"] == reference(answer["encounter"])
    assert session["note"] == [{"text": "Tight on the left."}]
    assert [each["coding"][0]["code"] for each in session["bodySite"]] == [LUMBAR]
    assert await story.status_of(answer["encounter"]) == "finished"
    techniques = [await story.referrer.read(each) for each in answer["technique"]]
    assert [code_in(each["code"], TECHNIQUE) for each in techniques] == ["trigger-point", "myofascial-release"]
    assert all(each["partOf"] == [reference(answer["session"])] for each in techniques)
    before, after = await story.referrer.read(answer["painBefore"]), await story.referrer.read(answer["painAfter"])
    assert (before["valueQuantity"]["value"], after["valueQuantity"]["value"]) == (6, 3)
    assert (before["effectiveDateTime"], after["effectiveDateTime"]) == tuple(session["performedPeriod"].values())
    assert code_in(after["code"], OUTCOME) == "nprs-after-session"
    assert (await story.referrer.read(answer["tolerance"]))["valueCodeableConcept"] == {"text": "Well"}


async def test_the_referrals_task_goes_on(story: Story) -> None:
    """The first session begins the work; the count and the status follow as from the pieces."""
    await planned(story)
    await recorded(story)
    assert await story.stands() == ("in-progress", "visit-completed")
    assert progress(await story.referrer.read(story.task)) == (1, 6)


async def test_the_next_visit_is_booked_with_it(story: Story) -> None:
    await planned(story)
    start = (now() + timedelta(days=7)).isoformat(timespec="seconds")
    answer = await recorded(story, **next_visit(start))
    visit = await story.referrer.read(answer["nextAppointment"])
    assert (visit["status"], visit["start"]) == ("booked", start)
    assert await story.stands() == ("in-progress", "visit-scheduled")


async def test_a_visit_that_is_stored_is_ended(story: Story) -> None:
    await planned(story)
    appointment = await story.book(1)
    encounter = await story.begin(1, appointment)
    visit: Json = {"encounter": {"valueReference": reference(encounter)}, "questionnaireResponse": None}
    answer = await recorded(story, **visit, appointment={"valueString": appointment})
    assert "encounter" not in answer
    assert [await story.status_of(each) for each in (encounter, appointment)] == ["finished", "fulfilled"]
    assert (await story.clinic.read(answer["session"]))["encounter"] == reference(encounter)


async def test_the_call_and_its_pieces_come_to_the_same(story: Story, second: Story) -> None:
    """Equal resources but for ids, equal state of the Task."""
    await planned(story)
    await planned(second)
    await recorded(story)
    answered = await second.clinic.send(*pieces(second, 1))
    assert answered.status_code == 200, answered.text
    assert await comparable(story) == await comparable(second)


MINUTES = [(30, 2), (37, 2), (38, 3), (45, 3), (52, 3), (53, 4), (67, 4), (68, 5), (82, 5), (83, 6), (90, 6)]


async def test_units_follow_from_minutes(story: Story) -> None:
    """By the table of DOMAIN.md 2.5."""
    await planned(story, quantityQuantity=None)
    counts = {}
    for number, (minutes, _) in enumerate(MINUTES, start=1):
        counts[minutes] = (await recorded(story, number, minutes={"valueInteger": minutes}))["units"]
    assert counts == dict(MINUTES)


async def test_units_of_the_clients_own_are_held_against_the_time(story: Story) -> None:
    await planned(story)
    assert_outcome(await record(story, units={"valueInteger": 5}), 422, "guard-visits", "Procedure.extension")
    assert (await recorded(story, units={"valueInteger": 4}))["units"] == 4


async def test_adverse_reactions_are_told_to_the_referrer(story: Story) -> None:
    await planned(story)
    answer = await recorded(story, reaction={"valueCode": "404640003"})
    told = (await story.referrer.read(answer["session"]))["complication"]
    assert told[0]["coding"][0]["system"] == "http://snomed.info/sct"
    (message,) = await story.referrer.everything("Communication", story.referral)
    assert message["priority"] == "urgent"


async def test_other_measurements_come_along(story: Story) -> None:
    await planned(story)
    opening = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": OUTCOME, "code": "maximal-mouth-opening"}]},
        "valueQuantity": {"value": 38, "system": "http://unitsofmeasure.org", "code": "mm"},
    }
    answer = await recorded(story, observation={"resource": opening})
    measured = await story.referrer.read(answer["observation"])
    assert measured["partOf"] == [reference(answer["session"])]
    assert measured["effectiveDateTime"] == story.begins(1).isoformat(timespec="seconds")
    wrong = opening | {"valueQuantity": {"value": 38, "system": "http://unitsofmeasure.org", "code": "kg"}}
    assert_outcome(await record(story, 2, observation={"resource": wrong}), 422, "outcome-invalid")


async def test_on_record_is_the_operation_with_what_it_wrote(story: Story) -> None:
    await planned(story)
    answer = await recorded(story)
    read = await story.network.administrator("GET", f"AuditEvent?entity={answer['session']}")
    assert [each["resource"]["subtype"][0]["code"] for each in read.json()["entry"]] == ["create"]
    about_plan = await story.network.administrator("GET", f"AuditEvent?entity={story.plan}")
    told_of = [each["resource"]["subtype"][0]["code"] for each in about_plan.json()["entry"]]
    assert told_of.count("operation") == 1
