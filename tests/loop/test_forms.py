"""Questionnaire/$populate and QuestionnaireResponse/$extract: from an empty form to the outcome of a referral."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.outcome import CANONICAL
from service.massage.cycle.terms import UNITS
from tests.api.outcome import assert_outcome
from tests.builders.resources import LOINC, concept, observation, reference
from tests.loop.side import Side
from tests.loop.story import begin, now
from tests.loop.test_outcomes import day, named

if TYPE_CHECKING:
    import httpx

    from tests.api.auth.conftest import Workers
    from tests.loop.side import Json
    from tests.loop.story import Network, Story

NPRS, PHQ_9 = f"{CANONICAL}/Questionnaire/nprs", f"{CANONICAL}/Questionnaire/phq9"
PAIN = "72514-3"


@pytest.fixture(scope="module")
async def measured(network: Network) -> Story:
    """A referral with a pain of 7."""
    story = begin(network)
    patient = {"birthDate": "1980-02-29", "name": [{"family": "Sample"}]}
    await (await story.refer(patient=patient, order=story.order(authoredOn=day(0)))).accept()
    score = {"value": 7, "unit": "{score}", "system": UNITS, "code": "{score}"}
    rating = {"effectiveDateTime": day(7), "valueQuantity": score}
    await story.clinic.post(observation(story.patient, basedOn=story.based_on) | rating)
    return story


def parameters(**values: Any) -> Json:
    """A Parameters resource: resources, or values by the type of their element."""
    found = []
    for name, value in values.items():
        named = name.replace("_", "-")
        found += [
            {"name": named} | (each if set(each) & {"part", "resource"} or len(each) == 1 else {"resource": each})
            for each in (value if isinstance(value, list) else [value])
        ]
    return {"resourceType": "Parameters"} | ({"parameter": found} if found else {})


def returned(answered: httpx.Response, name: str) -> Json:
    """The resource of a parameter."""
    assert answered.status_code == 200, answered.text
    (found,) = [each["resource"] for each in answered.json()["parameter"] if each["name"] == name]
    content: Json = found
    return content


async def populated(story: Story, query: str, form: str = "nprs", side: Side | None = None) -> Json:
    """A response to begin with."""
    return returned(await (side or story.clinic)("GET", f"Questionnaire/{form}/$populate?{query}"), "response")


def answers(items: list[Json]) -> dict[str, Any]:
    """LinkId → the value of the first answer, None where there is none."""
    found: dict[str, Any] = {}
    for item in items:
        found[item["linkId"]] = next(iter(item["answer"][0].values())) if "answer" in item else None
        found |= answers(item.get("item", []))
    return found


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


def rated(story: Story, number: int, **elements: Any) -> Json:
    """A pain rating by the form."""
    return {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "questionnaire": NPRS,
        "subject": reference(story.patient),
        "basedOn": story.based_on,
        "authored": now().isoformat(timespec="seconds"),
        "item": [{"linkId": "pain", "answer": [{"valueInteger": number}]}],
    } | elements


async def extract(story: Story, response: Json, **more: Json) -> httpx.Response:
    given = parameters(questionnaire_response={"resource": response}, **more)
    return await story.clinic("POST", "QuestionnaireResponse/$extract", given)


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


async def test_without_local_nothing_is_filled_in_but_what_was_sent(measured: Story) -> None:
    response = await populated(measured, f"subject={measured.patient}")
    assert answers(response["item"]) == {"pain-before": None, "pain": None}
    assert response["subject"] == reference(measured.patient)


async def test_the_patient_is_filled_in_from_the_context(measured: Story) -> None:
    """Or, with local, from the subject."""
    local = answers(
        (await populated(measured, f"subject={measured.patient}&local=true", "intake-safety-screen"))["item"]
    )
    assert (local["family"], local["birth-date"]) == ("Sample", "1980-02-29")
    patient = {"resourceType": "Patient", "name": [{"family": "Other"}]}
    given = parameters(
        context={"part": [{"name": "name", "valueString": "patient"}, {"name": "content", "resource": patient}]}
    )
    answered = await measured.clinic("POST", "Questionnaire/intake-safety-screen/$populate", given)
    assert answers(returned(answered, "response")["item"])["family"] == "Other"


async def test_a_questionnaire_is_named_by_url_or_identifier_or_sent(measured: Story) -> None:
    identifier = {"system": "https://forms.example.org", "value": f"form-{measured.number}"}
    form = {
        "resourceType": "Questionnaire",
        "status": "active",
        "url": f"https://forms.example.org/{measured.number}",
        "identifier": [identifier],
        "item": [{"linkId": "a", "type": "string", "initial": [{"valueString": "b"}]}],
    }
    await measured.clinic.post(form)
    for given in (
        parameters(questionnaire={"valueUri": form["url"]}),
        parameters(identifier={"valueIdentifier": identifier}),
        parameters(questionnaire={"resource": form}),
    ):
        answered = await measured.clinic("POST", "Questionnaire/$populate", given)
        assert answers(returned(answered, "response")["item"]) == {"a": "b"}


@pytest.mark.parametrize(
    "path, status, code, place",
    [
        ("Questionnaire/$populate", 400, "parameter-required", "http.questionnaire"),
        (
            f"Questionnaire/$populate?questionnaire={CANONICAL}/Questionnaire/none",
            404,
            "not-found",
            "http.questionnaire",
        ),
        ("Questionnaire/none/$populate", 404, "not-found", "http.id"),
        ("Questionnaire/nprs/$populate?subject=Patient/none", 404, "not-found", "http.subject"),
        ("Questionnaire/nprs/$populate?subject=none", 400, "parameter-value", "http.subject"),
        ("Questionnaire/nprs/$populate?data=a", 400, "parameter-unsupported", "http.data"),
        ("Questionnaire/nprs/$populate?colour=red", 400, "parameter-unknown", "http.colour"),
        ("Observation/$populate", 404, "operation-unknown", None),
    ],
)
async def test_what_cannot_be_filled_in_is_refused(
    measured: Story, path: str, status: int, code: str, place: str | None
) -> None:
    assert_outcome(await measured.clinic("GET", path), status, code, *([place] if place else []))


async def test_a_patient_of_others_is_not_there(measured: Story) -> None:
    path = f"Questionnaire/nprs/$populate?subject={measured.patient}&local=true"
    assert_outcome(await measured.network.other("GET", path), 404, "not-found", "http.subject")


async def test_observations_that_may_not_be_read_are_left_out_and_told(measured: Story, workers: Workers) -> None:
    scope = "system/Patient.r system/Questionnaire.rs"
    await workers.register("forms-only", scope)
    side = Side(workers.one, await workers.bearer("forms-only", scope), "Organization/clinic")
    answered = await side("GET", f"Questionnaire/nprs/$populate?subject={measured.patient}&local=true")
    assert answers(returned(answered, "response")["item"])["pain-before"] is None
    assert returned(answered, "issues")["issue"][0]["severity"] == "warning"


async def test_nothing_is_stored_by_filling_in(measured: Story) -> None:
    before = await measured.clinic.found(f"QuestionnaireResponse?subject={measured.patient}")
    await populated(measured, f"subject={measured.patient}&local=true")
    assert await measured.clinic.found(f"QuestionnaireResponse?subject={measured.patient}") == before


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


UNFIT = [
    {"valueString": "four"},
    {"valueBoolean": True},
    {"valueQuantity": {"value": 4, "unit": "%", "system": UNITS, "code": "%"}},
    {"valueInteger": 11},
]


@pytest.mark.parametrize("value", UNFIT)
@pytest.mark.parametrize("code", [concept(LOINC, PAIN), concept(f"{CANONICAL}/CodeSystem/massage-outcome", "nprs")])
async def test_a_score_of_the_wrong_kind_is_refused(measured: Story, code: Json, value: Json) -> None:
    """By the measure's own code as well as by LOINC."""
    observed = observation(measured.patient, basedOn=measured.based_on) | {"code": code}
    observed.pop("valueQuantity")
    assert_outcome(await measured.clinic.tries(observed | value), 422, "outcome-invalid")


async def test_a_whole_number_without_a_unit_is_no_score_where_there_are_two_units(measured: Story) -> None:
    """It could be points or percent."""
    observed = observation(measured.patient, basedOn=measured.based_on) | {"code": concept(LOINC, "97909-6")}
    observed.pop("valueQuantity")
    place = "Observation.valueInteger"
    assert_outcome(await measured.clinic.tries(observed | {"valueInteger": 21}), 422, "outcome-invalid", place)
