"""Goals of a referral's plan: their achievementStatus follows what is measured, unless a person has judged."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from service.fhir.code_systems import GOAL_ACHIEVEMENT, LOINC, UCUM
from service.fhir.concept import code_in, coded
from service.massage.cycle.terms import STEP
from tests.loop.later import look
from tests.loop.side import entry
from tests.loop.story import day, now
from tests.loop.test_outcomes import DISABILITY, PAIN, measured

if TYPE_CHECKING:
    import httpx

    from tests.api.auth.conftest import Workers
    from tests.loop.side import Json
    from tests.loop.story import Story

SCORE = {"system": UCUM, "code": "{score}"}
TARGET: Json = {
    "measure": {"coding": [{"system": LOINC, "code": PAIN}]},
    "detailQuantity": {"value": 4} | SCORE,
    "dueDate": "2999-12-31",
}


def said(answered: httpx.Response) -> list[str]:
    """The warnings beside a success."""
    issues = answered.json().get("issue", ()) if answered.json()["resourceType"] == "OperationOutcome" else ()
    return [each["diagnostics"] for each in issues if each["severity"] == "warning"]


async def begun(story: Story, **goal: Json) -> Story:
    """An accepted referral whose plan has a goal: pain of at most 4."""
    await story.refer(order=story.order(authoredOn=day(0)))
    await story.accept()
    await story.draw_up()
    await story.clinic.does(story.goal, target=[TARGET], **goal)
    return story


async def measure(story: Story, *values: int, code: str = PAIN) -> list[httpx.Response]:
    """One measurement a week."""
    told = {"Prefer": "return=OperationOutcome"}
    return [
        await story.clinic("POST", "Observation", measured(story, code, week, value), **told)
        for week, value in enumerate(values)
    ]


async def goal_of(story: Story) -> tuple[str | None, str]:
    """The code of the achievement, and the version of the Goal."""
    goal = await story.clinic.read(story.goal)
    return code_in(goal.get("achievementStatus"), GOAL_ACHIEVEMENT), goal["meta"]["versionId"]


async def test_a_goal_with_a_measure_is_in_progress_from_the_start(story: Story) -> None:
    assert (await goal_of(await begun(story)))[0] == "in-progress"


async def test_it_follows_each_measurement(story: Story) -> None:
    await begun(story)
    seen = []
    for week, value in enumerate((8, 7, 5, 4, 9)):
        await story.clinic.post(measured(story, PAIN, week, value))
        seen.append((await goal_of(story))[0])
    assert seen == ["in-progress", "no-change", "improving", "achieved", "no-change"]


async def test_the_change_comes_with_one_provenance_of_the_service(story: Story) -> None:
    await begun(story)
    await measure(story, 8, 4)
    goal = await story.clinic.read(story.goal)
    (found,) = [
        each
        for each in await story.referrer.found(f"Provenance?target={story.goal}")
        if code_in(each["activity"], STEP) == "G10" and each["agent"][0]["who"].get("display") == "massage-fhir"
    ]
    assert found["target"] == [{"reference": f"{story.goal}/_history/{goal['meta']['versionId']}"}]
    assert found["activity"]["text"] == "achievementStatus: in-progress → achieved"


async def test_a_correction_is_followed_too(story: Story) -> None:
    await begun(story)
    await story.clinic.post(measured(story, PAIN, 0, 8))
    latest = await story.clinic.post(measured(story, PAIN, 1, 4))
    await story.clinic.does(latest, status="entered-in-error")
    assert (await goal_of(story))[0] == "in-progress"


async def test_another_measure_makes_no_version_of_the_goal(story: Story) -> None:
    await begun(story)
    before = await goal_of(story)
    await measure(story, 42, 26, code=DISABILITY)
    assert await goal_of(story) == before


async def test_the_same_again_makes_no_version_of_the_goal(story: Story) -> None:
    await begun(story)
    await measure(story, 8, 8)
    before = await goal_of(story)
    await story.clinic.post(measured(story, PAIN, 3, 8))
    assert await goal_of(story) == before


async def test_what_a_person_has_judged_stands_and_is_said(story: Story) -> None:
    await begun(story)
    await measure(story, 8)
    await story.clinic.does(story.goal, achievementStatus=coded(GOAL_ACHIEVEMENT, "not-attainable"))
    before = await goal_of(story)
    told = said((await measure(story, 4))[0])
    assert await goal_of(story) == before
    assert before[0] == "not-attainable"
    assert ["keeps the achievementStatus that a person gave" in each for each in told] == [True]


async def test_a_code_that_a_client_changes_is_a_persons_whatever_its_mark(story: Story) -> None:
    await begun(story)
    goal = await story.clinic.read(story.goal)
    goal["achievementStatus"]["coding"][0]["code"] = "not-attainable"
    changed = await story.clinic.does(story.goal, achievementStatus=goal["achievementStatus"])
    assert "userSelected" not in changed["achievementStatus"]["coding"][0]
    await measure(story, 4)
    assert (await goal_of(story))[0] == "not-attainable"


async def test_a_client_that_loses_the_mark_has_not_judged(story: Story) -> None:
    await begun(story)
    goal = await story.clinic.read(story.goal)
    del goal["achievementStatus"]["coding"][0]["userSelected"]
    changed = await story.clinic.does(story.goal, achievementStatus=goal["achievementStatus"], startDate=day(0))
    assert changed["achievementStatus"]["coding"][0]["userSelected"] is False
    await measure(story, 4)
    assert (await goal_of(story))[0] == "achieved"


async def test_a_judgement_that_is_taken_away_gives_way_to_what_is_measured(story: Story) -> None:
    await begun(story, achievementStatus=coded(GOAL_ACHIEVEMENT, "not-attainable"))
    await measure(story, 4)
    await story.clinic.does(story.goal, achievementStatus=None)
    assert (await goal_of(story))[0] == "achieved"


async def test_a_goal_whose_life_cycle_is_over_stays_as_it_is(story: Story) -> None:
    await begun(story)
    await story.clinic.does(story.goal, lifecycleStatus="cancelled")
    before = await goal_of(story)
    await measure(story, 4)
    assert await goal_of(story) == before


async def test_a_due_date_that_passes_is_followed_by_the_clock(story: Story, workers: Workers) -> None:
    await begun(story)
    tomorrow = (now() + timedelta(days=1)).date().isoformat()
    await story.clinic.does(story.goal, target=[TARGET | {"dueDate": tomorrow}])
    await measure(story, 8, 7)
    await look(workers, timedelta(hours=1))
    before = (await goal_of(story))[0]
    await look(workers, timedelta(days=3))
    assert (before, (await goal_of(story))[0]) == ("no-change", "not-achieved")


async def test_of_two_measurements_at_the_same_time_both_count(story: Story) -> None:
    await begun(story)
    await asyncio.gather(
        *(story.clinic.post(measured(story, PAIN, week, value)) for week, value in enumerate((8, 7, 5, 4)))
    )
    assert (await goal_of(story))[0] == "achieved"


async def test_goal_plan_and_measurement_in_one_transaction_agree(story: Story) -> None:
    await begun(story)
    goal = await story.clinic.read(story.goal)
    read = await story.clinic("GET", story.goal)
    later = goal | {"target": [TARGET | {"detailQuantity": {"value": 2} | SCORE}]}
    answered = await story.clinic.send(
        entry(measured(story, PAIN, 0, 4)), entry(later, url=story.goal, if_match=read.headers["etag"])
    )
    assert answered.status_code == 200
    assert (await goal_of(story))[0] == "in-progress"
