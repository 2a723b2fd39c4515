"""Responses to questionnaires in a referral: what is refused, red flags (S11), and the ninth question of PHQ-9."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.code_systems import LOINC, UCUM
from service.fhir.outcome import CANONICAL
from tests.api.outcome import assert_outcome
from tests.builders import loop
from tests.builders.resources import concept, observation, reference
from tests.loop.side import Side, entry
from tests.loop.story import new, now
from tests.loop.test_safety import messages, the_issue

if TYPE_CHECKING:
    from tests.loop.side import Json
    from tests.loop.story import Story

PHQ_9 = f"{CANONICAL}/Questionnaire/phq9"
NINTH = "44260-8"
ANSWERS = ("LA6568-5", "LA6569-3", "LA6570-1", "LA6571-9")


async def treated(story: Story) -> str:
    """A referral in progress, with a visit that has begun; the Encounter."""
    await (await story.refer()).accept()
    await story.draw_up()
    return await story.begin(1, await story.book(1))


def check(story: Story, encounter: str, *flagged: str, **elements: Any) -> Json:
    """The answers before a session, yes to these."""
    return new(
        loop.check(),
        subject=reference(story.patient),
        encounter=reference(encounter),
        authored=now().isoformat(timespec="seconds"),
        **({"item": [loop.red_flags(*flagged)]} | elements),
    )


def phq_9(story: Story, ninth: int, **elements: Any) -> Json:
    """Nine answers, all 0 but the last."""
    scores = [*[0] * 8, ninth]
    items = [
        {"linkId": str(place), "answer": [{"valueCoding": {"system": LOINC, "code": ANSWERS[score]}}]}
        for place, score in enumerate(scores, start=1)
    ]
    return {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "questionnaire": PHQ_9,
        "subject": reference(story.patient),
        "basedOn": story.based_on,
        "authored": now().isoformat(timespec="seconds"),
        "item": [{"linkId": "problems", "item": items}],
    } | elements


def ninth(story: Story, value: Json, **elements: Any) -> Json:
    """An Observation of the question."""
    observed = observation(story.patient, basedOn=story.based_on) | {"code": concept(LOINC, NINTH)}
    observed.pop("valueQuantity")
    return observed | value | elements


def score(number: int) -> Json:
    return {"valueQuantity": {"value": number, "system": UCUM, "code": "{score}"}}


async def flags(story: Story, side: Side | None = None) -> list[Json]:
    return await (side or story.referrer).found(f"Flag?patient={story.patient}")


async def test_an_answer_that_the_questionnaire_does_not_allow_is_refused_at_its_place(story: Story) -> None:
    encounter = await treated(story)
    wrong = check(story, encounter)
    wrong["item"][0]["item"][0]["answer"] = [{"valueString": "no"}]
    place = "QuestionnaireResponse.item[0].item[0].answer[0]"
    assert_outcome(await story.clinic.tries(wrong), 422, "answer-invalid", place)
    assert_outcome(
        await story.clinic.send(entry(wrong)), 422, "answer-invalid", f"Bundle.entry[0].resource{place[21:]}"
    )
    assert len(await story.clinic.found(f"QuestionnaireResponse?encounter={encounter}")) == 1


async def test_a_check_without_its_red_flags_is_refused(story: Story) -> None:
    encounter = await treated(story)
    answered = await story.clinic.tries(check(story, encounter, item=None))
    assert_outcome(answered, 422, "answer-invalid", "QuestionnaireResponse")


@pytest.mark.parametrize("named", [f"{CANONICAL}/Questionnaire/unknown", f"{PHQ_9}|0.9"])
async def test_a_response_that_claims_a_questionnaire_of_ours_claims_one_that_there_is(
    story: Story, named: str
) -> None:
    """Even where it belongs to no referral."""
    await story.refer()
    claims = phq_9(story, 0, questionnaire=named)
    claims.pop("basedOn")
    place = "QuestionnaireResponse.questionnaire"
    assert_outcome(await story.clinic.tries(claims), 422, "questionnaire-unknown", place)


async def test_a_response_of_a_referral_needs_a_questionnaire_that_is_held(story: Story) -> None:
    """Elsewhere R4 allows any; and one that was stored is held."""
    url = f"https://forms.example.org/{story.number}"
    await (await story.refer()).accept()
    given = phq_9(story, 0, questionnaire=url, item=[{"linkId": "a", "answer": [{"valueInteger": 11}]}])
    place = "QuestionnaireResponse.questionnaire"
    assert_outcome(await story.clinic.tries(given), 422, "questionnaire-unknown", place)
    alone = {name: value for name, value in given.items() if name != "basedOn"}
    assert (await story.clinic.tries(alone)).status_code == 201
    form: Json = {"resourceType": "Questionnaire", "status": "active", "url": url, "item": []}
    await story.clinic.post(form | {"item": [{"linkId": "a", "type": "integer"}]})
    assert (await story.clinic.tries(given)).status_code == 201
    await story.clinic.post(form | {"item": [{"linkId": "b", "type": "integer"}], "version": "2"})
    place = "QuestionnaireResponse.item[0].linkId"
    assert_outcome(await story.clinic.tries(given | {"questionnaire": f"{url}|2"}), 422, "answer-invalid", place)


async def test_a_response_that_names_no_questionnaire_is_stored(story: Story) -> None:
    await (await story.refer()).accept()
    free = {name: value for name, value in phq_9(story, 0).items() if name != "questionnaire"}
    assert (await story.clinic.tries(free)).status_code == 201


async def test_s11_a_red_flag_before_a_session_holds_the_work_and_the_referrer_is_told(story: Story) -> None:
    encounter = await treated(story)
    flagged = await story.clinic.post(check(story, encounter, "saddle-numbness"))
    assert await story.stands() == ("on-hold", "safety-hold")
    issue = await the_issue(story)
    assert (issue["severity"], issue["status"]) == ("high", "final")
    assert flagged in {each["reference"] for each in issue["implicated"]}
    assert "cauda-equina" in str(issue["code"])
    assert {each["priority"] for each in await messages(story)} == {"stat"}
    await story.employ()
    assert_outcome(await story.clinic.tries(story.session(1, encounter)), 422, "guard-safety")


async def test_s11_a_later_no_does_not_take_a_red_flag_back(story: Story) -> None:
    """The referrer clears it, or who answered so corrects it."""
    encounter = await treated(story)
    flagged = await story.clinic.post(check(story, encounter, "saddle-numbness"))
    await story.clinic.post(check(story, encounter))
    assert await story.stands() == ("on-hold", "safety-hold")
    await story.clinic.does(flagged, status="amended", item=[loop.red_flags()])
    assert (await the_issue(story))["status"] == "cancelled"
    assert await story.stands() == ("in-progress", "visit-scheduled")


async def test_s11_a_red_flag_is_not_deleted(story: Story) -> None:
    """To mark it as entered in error stays in the history."""
    encounter = await treated(story)
    flagged = await story.clinic.post(check(story, encounter, "fever"))
    assert_outcome(await story.clinic("DELETE", flagged), 422, "transition-not-allowed", "QuestionnaireResponse")
    assert await story.stands() == ("on-hold", "safety-hold")
    await story.clinic.does(flagged, status="entered-in-error")
    assert await story.stands() == ("in-progress", "visit-scheduled")


async def test_a_red_flag_concerns_the_referral_that_it_was_answered_for_alone(story: Story) -> None:
    encounter = await treated(story)
    placer = story.order()["identifier"][0] | {"value": f"SECOND-{story.number}"}
    other = await story.referrer.post(story.order(identifier=[placer]))
    await story.clinic.post(check(story, encounter, "fever"))
    found = await story.referrer.found(f"DetectedIssue?implicated={other}")
    assert "fever" not in str([each["code"] for each in found])


async def test_the_ninth_question_is_flagged_and_told_at_once_and_stops_nothing(story: Story) -> None:
    encounter = await treated(story)
    answered = await story.clinic.post(phq_9(story, 1))
    (flag,) = await flags(story)
    assert (flag["status"], flag["category"][0]["coding"][0]["code"]) == ("active", "safety")
    assert await flags(story, story.clinic) == [flag]
    (message,) = await messages(story)
    assert (message["priority"], message["recipient"]) == ("stat", [reference("Organization/referrer")])
    assert [each["reference"] for each in message["about"]] == [story.referral, answered, f"Flag/{flag['id']}"]
    assert (await story.stands())[0] == "in-progress"
    await story.employ()
    assert (await story.clinic.tries(story.session(1, encounter))).status_code == 201


@pytest.mark.parametrize(
    "value",
    [
        {"valueInteger": 1},
        score(3),
        {"valueCodeableConcept": concept(LOINC, ANSWERS[1])},
        {"valueCodeableConcept": {"text": "Often"}},
        {"code": {"text": "PHQ-9"}, "component": [{"code": concept(LOINC, NINTH), "valueInteger": 2}]},
    ],
)
async def test_a_plain_observation_of_it_is_told_as_well(story: Story, value: Json) -> None:
    await (await story.refer()).accept()
    await story.clinic.post(ninth(story, value))
    assert len(await flags(story)) == len(await messages(story)) == 1


@pytest.mark.parametrize("value", [{"valueInteger": 0}, score(0), {"valueCodeableConcept": concept(LOINC, ANSWERS[0])}])
async def test_not_at_all_is_told_to_nobody(story: Story, value: Json) -> None:
    await (await story.refer()).accept()
    await story.clinic.post(ninth(story, value))
    await story.clinic.post(phq_9(story, 0))
    assert await flags(story) == await messages(story) == []


async def test_one_answer_is_told_once(story: Story) -> None:
    """Also as the Observation that is derived from it; another answer is told again."""
    await (await story.refer()).accept()
    answered = await story.clinic.post(phq_9(story, 2))
    derived = await story.clinic.post(ninth(story, {"valueInteger": 2}, derivedFrom=[reference(answered)]))
    await story.clinic.does(derived, valueInteger=3, status="amended")
    assert len(await messages(story)) == 1
    await story.clinic.post(phq_9(story, 1))
    assert len(await messages(story)) == 2


async def test_a_correction_upwards_is_told(story: Story) -> None:
    await (await story.refer()).accept()
    observed = await story.clinic.post(ninth(story, {"valueInteger": 0}))
    await story.clinic.does(observed, valueInteger=1, status="corrected")
    assert len(await flags(story)) == 1


async def test_an_observation_that_names_no_referral_is_told_for_all_of_the_patients(story: Story) -> None:
    """Those that the writer sees."""
    await (await story.refer()).accept()
    observed = ninth(story, {"valueInteger": 1})
    observed.pop("basedOn")
    await story.clinic.post(observed)
    (message,) = await messages(story)
    assert message["about"][0] == reference(story.referral)


async def test_the_alarm_is_part_of_the_commit(story: Story) -> None:
    """What is refused tells nobody."""
    await (await story.refer()).accept()
    bad = observation(story.patient, basedOn=story.based_on) | score(11)
    answered = await story.clinic.send(entry(ninth(story, {"valueInteger": 1})), entry(bad))
    assert_outcome(answered, 422, "outcome-invalid", "Bundle.entry[1].resource.valueQuantity.value")
    assert await flags(story) == []


async def test_nobody_else_sees_the_alarm(story: Story) -> None:
    await (await story.refer()).accept()
    await story.clinic.post(phq_9(story, 1))
    other = story.network.other
    assert await flags(story, other) == await messages(story, other) == []
