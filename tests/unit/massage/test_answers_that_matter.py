"""Answers that stand for a contraindication, and the ninth question of PHQ-9, without a store."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from service.fhir.code_systems import LOINC
from service.fhir.questionnaire.form import ORDINAL, form_of
from service.massage.assessment.red_flags import flagged_questions
from service.massage.assessment.self_harm import alarming_codes, is_alarming, may_be_alarming
from service.massage.cycle.terms import PRE_SESSION_CHECK
from service.massage.screening.record import record_of
from service.massage.screening.screen import screen
from tests.builders.resources import concept
from tests.builders.screening import NOW, order, rules

Json = dict[str, Any]

FLAGS = [(url, link_id, rule) for url, flags in flagged_questions().items() for link_id, rule in flags.items()]


def answered(url: str, link_id: str, *, value: bool = True, **elements: Any) -> Json:
    """A response that belongs to the referral."""
    return {
        "resourceType": "QuestionnaireResponse",
        "id": "q1",
        "status": "completed",
        "questionnaire": f"{url}|1.0.0",
        "authored": NOW.isoformat(),
        "item": [{"linkId": "group", "item": [{"linkId": link_id, "answer": [{"valueBoolean": value}]}]}],
    } | elements


def found(response: Json) -> list[str]:
    """The rules that are found by a response."""
    screening = screen(order(), record_of([], responses=[response]), rules(), NOW)
    return [each.rule for each in screening.findings if "QuestionnaireResponse/q1" in each.evidence]


@pytest.mark.parametrize("url, link_id, rule", FLAGS, ids=lambda each: each.rpartition("/")[2])
def test_yes_to_a_flagged_question_is_a_finding_of_its_rule(url: str, link_id: str, rule: str) -> None:
    assert found(answered(url, link_id)) == [rule]
    assert found(answered(url, link_id, value=False)) == []


@pytest.mark.parametrize(
    "elements", [{"status": "entered-in-error"}, {"questionnaire": "https://forms.example.org/other"}]
)
def test_what_is_no_answer_to_it_is_no_finding(elements: Json) -> None:
    assert found(answered(PRE_SESSION_CHECK, "saddle-numbness", **elements)) == []


@pytest.mark.parametrize(
    "link_id, days, is_found", [("fever", 2, True), ("fever", 4, False), ("saddle-numbness", 400, True)]
)
def test_an_answer_counts_as_long_as_a_measurement_would(link_id: str, days: int, *, is_found: bool) -> None:
    """Fever for three days; what has no end, until it is cleared."""
    long_ago = (NOW - timedelta(days=days)).isoformat()
    assert bool(found(answered(PRE_SESSION_CHECK, link_id, authored=long_ago))) is is_found


def observed(**elements: Any) -> Json:
    (code,) = alarming_codes()
    return {"resourceType": "Observation", "status": "final", "code": concept(LOINC, code)} | elements


@pytest.mark.parametrize(
    "value, is_above",
    [
        ({"valueInteger": 0}, False),
        ({"valueInteger": 1}, True),
        ({"valueQuantity": {"value": 0}}, False),
        ({"valueQuantity": {"value": 2}}, True),
        ({"valueQuantity": {"comparator": ">", "value": 0}}, True),
        ({"valueString": "Not at all"}, False),
        ({"valueString": "daily"}, True),
        ({"valueBoolean": False}, False),
        ({"valueCodeableConcept": concept(LOINC, "LA6568-5")}, False),
        ({"valueCodeableConcept": concept(LOINC, "LA6571-9")}, True),
        ({"valueCodeableConcept": {"text": "Not at all"}}, False),
        ({"valueCodeableConcept": {"coding": [{"system": "http://scale.example.org", "code": "x"}]}}, True),
        ({"dataAbsentReason": {"text": "declined"}}, False),
        ({"valueInteger": 1, "status": "entered-in-error"}, False),
        ({"valueInteger": 1, "code": concept(LOINC, "44255-8")}, False),
    ],
)
def test_an_observation_of_the_ninth_question_alarms_above_0(value: Json, *, is_above: bool) -> None:
    """And where it cannot be told."""
    assert is_alarming(observed(**value)) is is_above


@pytest.mark.parametrize("broken", [{"component": 5}, {"code": []}, {"code": {"coding": "x"}}, {"component": [[]]}])
def test_content_that_nobody_validated_is_looked_at_without_a_fault(broken: Json) -> None:
    assert may_be_alarming({"resourceType": "Observation"} | broken) is False


@pytest.mark.parametrize(
    "options, answer, is_above",
    [
        ([], {"valueInteger": 2}, True),
        ([{"valueInteger": 0}, {"valueInteger": 1}], {"valueInteger": 0}, False),
        ([{"valueInteger": 0}, {"valueInteger": 1}], {"valueInteger": 1}, True),
        (
            [{"valueCoding": {"code": "a"}, "extension": [{"url": ORDINAL, "valueDecimal": 0}]}],
            {"valueCoding": {"code": "a"}},
            False,
        ),
        (
            [{"valueCoding": {"code": "b"}, "extension": [{"url": ORDINAL, "valueDecimal": 3}]}],
            {"valueCoding": {"code": "b"}},
            True,
        ),
        ([{"valueCoding": {"code": "c"}}], {"valueCoding": {"code": "c"}}, True),
    ],
)
def test_the_ninth_question_of_anybodys_form_alarms(options: list[Json], answer: Json, *, is_above: bool) -> None:
    """By the scores of its options."""
    (code,) = alarming_codes()
    item = {"linkId": "q", "type": "choice", "code": concept(LOINC, code)["coding"], "answerOption": options}
    response = {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "item": [{"linkId": "q", "answer": [answer]}],
    }
    assert is_alarming(response, form_of({"item": [item]})) is is_above
