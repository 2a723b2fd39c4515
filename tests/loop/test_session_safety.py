"""S11 with $record-session: no session under a contraindication, and its answers outlive it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from service.fhir.outcome import failure
from service.loop import kept
from tests.api.outcome import assert_outcome
from tests.builders import loop
from tests.builders.resources import reference
from tests.loop.session_call import check, counted, flagged, planned, record, recorded
from tests.loop.session_pieces import pieces
from tests.loop.story import THROMBOSIS, now
from tests.loop.test_safety import messages

if TYPE_CHECKING:
    import pytest

    from tests.loop.side import Json
    from tests.loop.story import Story


async def test_no_session_is_recorded_under_an_open_contraindication(story: Story) -> None:
    """S11: what becomes known meanwhile holds the work."""
    await planned(story)
    await story.referrer.post(story.diagnosis(THROMBOSIS))
    before = await counted(story)
    assert_outcome(await record(story), 422, "guard-safety")
    assert await counted(story) == before | {"QuestionnaireResponse": 1}


async def told_of(story: Story) -> tuple[list[Json], list[Json], list[Json]]:
    """Responses, contraindications and messages of the referral."""
    answers, issues = [
        await story.referrer.everything(kind, story.referral) for kind in ("QuestionnaireResponse", "DetectedIssue")
    ]
    return answers, issues, await messages(story)


async def test_s11_a_red_flag_outlives_the_session_that_it_forbids(story: Story) -> None:
    """The answers are stored, the work is held, the referrer is told; the same call with a no does not pass then."""
    await planned(story)
    before = await counted(story)
    refused = await record(story, questionnaireResponse=flagged(story, "saddle-numbness"))
    said = assert_outcome(refused, 422, "guard-safety", "Encounter.status")["diagnostics"]
    (answers,), (issue,), (message,) = await told_of(story)
    assert await story.stands() == ("accepted", "safety-hold")
    assert f"the answers are kept as QuestionnaireResponse/{answers['id']}" in said
    assert f"(DetectedIssue/{issue['id']})" in said
    assert "othing was stored" not in refused.text
    assert message["priority"] == "stat"
    assert await counted(story) == before | {"QuestionnaireResponse": 1}
    refused = await record(story)
    assert f"(DetectedIssue/{issue['id']})" in assert_outcome(refused, 422, "guard-safety")["diagnostics"]


async def test_s11_answers_that_are_sent_again_are_kept_once(story: Story) -> None:
    await planned(story)
    first, again = [await record(story, questionnaireResponse=flagged(story, "saddle-numbness")) for _ in range(2)]
    assert [each.status_code for each in (first, again)] == [422, 422]
    answers, issues, told = await told_of(story)
    assert (len(answers), len(issues), len(told)) == (1, 1, 1)
    assert answers[0]["id"] in assert_outcome(again, 422, "guard-safety")["diagnostics"]


async def test_s11_answers_stay_with_the_visit_that_is_stored(story: Story) -> None:
    await planned(story)
    encounter = await story.begin(1)
    refused = await record(
        story, encounter={"valueString": encounter}, questionnaireResponse=flagged(story, "saddle-numbness")
    )
    assert_outcome(refused, 422, "guard-safety")
    (answers,), _, _ = await told_of(story)
    assert answers["encounter"] == reference(encounter)


async def test_s11_that_answers_cannot_be_kept_either_is_said(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refusing(*_: Any) -> None:
        raise failure("too-costly", "Too many resources.")

    await planned(story)
    monkeypatch.setattr(kept, "write", refusing)
    refused = await record(story, questionnaireResponse=flagged(story, "saddle-numbness"))
    said = assert_outcome(refused, 422, "guard-safety")["diagnostics"]
    assert "Nothing was stored: by themselves the answers are refused, too." in said
    assert "DetectedIssue/" not in refused.text
    assert "too-costly" in refused.text
    assert await told_of(story) == ([], [], [])


async def test_s11_pieces_that_bring_a_red_flag_are_refused_without_a_name_that_nobody_finds(story: Story) -> None:
    await planned(story)
    posted = pieces(story, 1)
    posted[-1]["resource"]["item"] = [loop.red_flags("saddle-numbness")]
    refused = await story.clinic.send(*posted)
    said = assert_outcome(refused, 422, "guard-safety")["diagnostics"]
    assert "Nothing was stored; send the response" in said
    assert "DetectedIssue/" not in refused.text
    assert await told_of(story) == ([], [], [])


async def test_a_check_of_another_day_is_none(story: Story) -> None:
    """By the day where the session takes place."""
    await planned(story)
    start = story.begins(1).replace(hour=12)
    at: Json = {"start": {"valueDateTime": start.isoformat()}}
    others = [(start + timedelta(hours=hours)).isoformat() for hours in (-13, 24)]
    for authored in ("2020-01-01", "2020", *others):
        refused = await record(story, **at, questionnaireResponse=flagged(story, authored=authored))
        assert_outcome(refused, 422, "guard-safety", "Encounter.status")
    assert (await counted(story))["Encounter"] == 0
    answers = flagged(story, authored=start.date().isoformat())
    assert (await recorded(story, **at, questionnaireResponse=answers))["recorded"] is True


async def test_a_check_without_a_day_is_of_the_session_that_it_comes_with(story: Story) -> None:
    await planned(story)
    undated = {name: value for name, value in check(story, 1).items() if name != "authored"}
    assert (await recorded(story, questionnaireResponse={"resource": undated}))["recorded"] is True


async def test_answers_of_the_future_are_refused(story: Story) -> None:
    """With a session, and by themselves."""
    await planned(story)
    place = "QuestionnaireResponse.authored"
    for authored in ("9999-12-31", (now() + timedelta(days=3)).isoformat(timespec="seconds")):
        answers = flagged(story, authored=authored)
        assert_outcome(await record(story, questionnaireResponse=answers), 422, "time-ahead", place)
        alone = answers["resource"] | {"basedOn": story.based_on}
        assert_outcome(await story.clinic.tries(alone), 422, "time-ahead", place)
    assert (await counted(story))["QuestionnaireResponse"] == 0
