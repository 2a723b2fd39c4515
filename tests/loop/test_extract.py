"""QuestionnaireResponse/$extract: from an empty form to the outcome of a referral."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.fhir.code_systems import LOINC
from service.fhir.outcome import CANONICAL
from tests.api.outcome import assert_outcome
from tests.builders.resources import reference
from tests.loop.forms import NPRS, answers, extract, parameters, populated, rated, returned
from tests.loop.test_outcomes import named

if TYPE_CHECKING:
    from tests.loop.side import Json
    from tests.loop.story import Story

PHQ_9 = f"{CANONICAL}/Questionnaire/phq9"


async def test_a_form_is_filled_in_answered_extracted_and_seen_in_the_outcome(measured: Story) -> None:
    """The whole way, with what each step answers."""
    response = await populated(measured, f"subject={measured.patient}&local=true")
    assert (response["status"], response["questionnaire"]) == ("in-progress", f"{NPRS}|1.0.0")
    assert answers(response["item"]) == {"pain-before": 7, "pain": None}
    response["item"][1]["answer"] = [{"valueInteger": 4}]
    response |= {"status": "completed", "basedOn": measured.based_on, "author": reference(measured.patient)}
    stored = await measured.clinic.post(response)
    bundle = returned(await measured.clinic("GET", f"{stored}/$extract"), "return")
    (entry,) = bundle["entry"]
    assert entry["resource"]["derivedFrom"] == [reference(stored)]
    assert entry["resource"]["valueQuantity"]["value"] == 4
    posted = await measured.clinic("POST", "", bundle)
    assert posted.status_code == 200, posted.text
    (pain,) = named(await measured.referrer("GET", f"{measured.referral}/$outcome-summary"), "instrument")
    assert (pain["baseline"]["value"], pain["latest"]["value"], pain["class"]) == (7, 4, "improved")


async def test_what_is_extracted_again_is_not_there_twice(story: Story) -> None:
    """And a correction of the answer corrects the observation."""
    await (await story.refer()).accept()
    stored = await story.clinic.post(rated(story, 4))
    for number in (4, 4, 6):
        if number != 4:
            await story.clinic.does(stored, status="amended", item=rated(story, number)["item"])
        bundle = returned(await story.clinic("POST", f"{stored}/$extract"), "return")
        assert (await story.clinic("POST", "", bundle)).status_code == 200
    (one,) = await story.referrer.found(f"Observation?derived-from={stored}")
    assert (one["valueQuantity"]["value"], one["status"]) == (6, "amended")


async def test_a_response_that_is_sent_is_stored_with_what_it_says(story: Story) -> None:
    await (await story.refer()).accept()
    bundle = returned(await extract(story, rated(story, 4)), "return")
    assert [each["request"]["url"] for each in bundle["entry"]] == ["QuestionnaireResponse", "Observation"]
    assert await story.clinic.found(f"QuestionnaireResponse?subject={story.patient}") == []
    assert (await story.clinic("POST", "", bundle)).status_code == 200
    (observed,) = await story.referrer.found(f"Observation?based-on={story.referral}")
    (kept,) = await story.referrer.found(f"QuestionnaireResponse?based-on={story.referral}")
    assert observed["derivedFrom"] == [reference(f"QuestionnaireResponse/{kept['id']}")]


async def test_a_response_that_is_sent_as_it_is_stored_is_not_stored_again(measured: Story) -> None:
    stored = await measured.clinic.post(rated(measured, 5))
    bundle = returned(await extract(measured, await measured.clinic.read(stored)), "return")
    (entry,) = bundle["entry"]
    assert entry["resource"]["derivedFrom"] == [reference(stored)]


async def test_validation_tells_what_a_response_would_be_refused_for(measured: Story) -> None:
    """A questionnaire that is not held is a warning, but for ours."""
    for elements, code, severity in (
        ({}, "invariant", "warning"),  # the narrative, which R4 would like to have
        ({"item": [{"linkId": "pain", "answer": [{"valueInteger": 11}]}]}, "answer-invalid", "error"),
        ({"questionnaire": f"{NPRS}|0"}, "questionnaire-unknown", "error"),
        ({"questionnaire": "https://forms.example.org/none"}, "questionnaire-unknown", "warning"),
    ):
        answered = await measured.clinic("POST", "QuestionnaireResponse/$validate", rated(measured, 3) | elements)
        *_, issue = answered.json()["issue"]
        found = issue.get("details", {}).get("coding", [{}])[0].get("code")
        assert (found, issue["severity"]) == (code, severity), answered.text


async def test_the_ninth_answer_of_phq_9_is_told_once_when_it_comes_by_extract(story: Story) -> None:
    """The response and its observations in one transaction."""
    await (await story.refer()).accept()
    items = [
        {"linkId": str(place), "answer": [{"valueCoding": {"system": LOINC, "code": "LA6569-3"}}]}
        for place in range(1, 10)
    ]
    given = rated(story, 0, questionnaire=PHQ_9, item=[{"linkId": "problems", "item": items}])
    bundle = returned(await extract(story, given), "return")
    totals = [each["resource"].get("valueQuantity", {}).get("value") for each in bundle["entry"]]
    assert 9 in totals
    assert (await story.clinic("POST", "", bundle)).status_code == 200
    assert len(await story.referrer.found(f"Flag?patient={story.patient}")) == 1
    assert len(await story.referrer.found(f"Communication?subject={story.patient}")) == 1


async def test_a_response_of_others_is_not_there(measured: Story) -> None:
    stored = await measured.clinic.post(rated(measured, 3))
    assert_outcome(await measured.network.other("GET", f"{stored}/$extract"), 404, "not-found")
    assert (await measured.referrer("GET", f"{stored}/$extract")).status_code == 200


@pytest.mark.parametrize(
    "elements, code, place",
    [
        ({"status": "in-progress"}, "answer-invalid", "QuestionnaireResponse.status"),
        ({"item": [{"linkId": "other"}]}, "answer-invalid", "QuestionnaireResponse.item[0].linkId"),
        ({"questionnaire": "https://forms.example.org/none"}, "questionnaire-unknown", None),
        (
            {"item": [{"linkId": "pain", "answer": [{"valueInteger": 11}]}]},
            "answer-invalid",
            "QuestionnaireResponse.item[0].answer[0].valueInteger",
        ),
    ],
)
async def test_what_cannot_be_extracted_is_refused(
    measured: Story, elements: Json, code: str, place: str | None
) -> None:
    answered = await extract(measured, rated(measured, 3) | elements)
    assert_outcome(answered, 422, code, *([place] if place else []))


async def test_a_questionnaire_that_is_sent_along_is_extracted_by(measured: Story) -> None:
    form = {"resourceType": "Questionnaire", "status": "active", "item": [{"linkId": "pain", "type": "integer"}]}
    answered = await extract(
        measured, rated(measured, 99) | {"questionnaire": "https://x.example.org"}, questionnaire={"resource": form}
    )
    assert returned(answered, "issues")["issue"][0]["severity"] == "information"


async def test_an_extract_of_nothing_is_refused(measured: Story) -> None:
    answered = await measured.clinic("POST", "QuestionnaireResponse/$extract", parameters())
    assert_outcome(answered, 400, "parameter-required", "http.questionnaire-response")


async def test_limbs_are_told_apart_by_their_sites(story: Story) -> None:
    """Left and right are two series, each with the distance from the landmark."""
    await (await story.refer()).accept()
    asked = [
        {
            "linkId": f"{side}-calf",
            "answer": [
                {
                    "valueDecimal": number,
                    "item": [{"linkId": f"{side}-calf-landmark-distance", "answer": [{"valueDecimal": 10}]}],
                }
            ],
        }
        for side, number in (("left", 40.5), ("right", 38))
    ]
    given = rated(
        story,
        0,
        questionnaire=f"{CANONICAL}/Questionnaire/limb-circumference",
        item=[{"linkId": "legs", "item": asked}],
    )
    bundle = returned(await extract(story, given), "return")
    assert (await story.clinic("POST", "", bundle)).status_code == 200
    found = named(await story.clinic("GET", f"{story.referral}/$outcome-summary"), "instrument")
    assert sorted(each["latest"]["value"] for each in found) == [38, 40.5]


async def test_a_raw_score_and_a_percentage_stay_two(story: Story) -> None:
    await (await story.refer()).accept()
    items = [
        {"linkId": "percent", "answer": [{"valueDecimal": 42}]},
        {"linkId": "score", "answer": [{"valueInteger": 21}]},
    ]
    given = rated(story, 0, questionnaire=f"{CANONICAL}/Questionnaire/score-odi", item=items)
    bundle = returned(await extract(story, given), "return")
    assert (await story.clinic("POST", "", bundle)).status_code == 200
    found = named(await story.clinic("GET", f"{story.referral}/$outcome-summary"), "instrument")
    assert sorted((each["unit"], each["latest"]["value"]) for each in found) == [("%", 42), ("{score}", 21)]
