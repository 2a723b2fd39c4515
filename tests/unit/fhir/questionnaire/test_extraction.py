"""Which Observations come of a response."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from service.fhir.questionnaire.extraction import extracted
from service.fhir.questionnaire.form import CATEGORY, EXTRACT, UNIT, form_of
from tests.builders.questionnaire import PAIN, SCORE, answered, chosen, question, response, scored

Json = dict[str, Any]

MARKED = {"url": EXTRACT, "valueBoolean": True}


def test_a_total_that_nobody_entered_is_counted() -> None:
    form = form_of({"item": scored()})
    (counted,) = extracted(response(chosen("one", "yes"), chosen("two", "yes")), form, "QuestionnaireResponse/1")
    assert counted.content["valueQuantity"] == {"value": 6, "unit": "{score}", **SCORE}


def test_there_is_no_total_while_a_question_is_open() -> None:
    form = form_of({"item": scored()})
    assert extracted(response(chosen("one", "yes")), form, "QuestionnaireResponse/1") == []


@pytest.mark.parametrize(
    "kind, extensions, element, value, observed",
    [
        ("integer", [{"url": UNIT, "valueCoding": SCORE}], "valueInteger", 4, "valueQuantity"),
        ("integer", [], "valueInteger", 4, "valueInteger"),
        ("decimal", [], "valueDecimal", Decimal("4.5"), "valueQuantity"),
        ("boolean", [], "valueBoolean", True, "valueBoolean"),
        ("string", [], "valueString", "a", "valueString"),
        ("date", [], "valueDate", "2026-01-12", "valueDateTime"),
        ("choice", [], "valueCoding", {"code": "a"}, "valueCodeableConcept"),
        ("quantity", [], "valueQuantity", {"value": 4}, "valueQuantity"),
    ],
)
def test_an_answer_becomes_a_value_that_an_observation_has(
    kind: str, extensions: list[Json], element: str, value: Any, observed: str
) -> None:
    form = form_of({"item": [question(kind, "q", MARKED, *extensions, code=PAIN)]})
    (one,) = extracted(response(answered(value, element)), form, "QuestionnaireResponse/1")
    assert [each for each in one.content if each.startswith("value")] == [observed]


def test_an_observation_says_of_the_response_what_sdc_has_it_say() -> None:
    category = {"coding": [{"code": "survey"}]}
    form = form_of(
        {
            "extension": [{"url": CATEGORY, "valueCodeableConcept": category}],
            "item": [question("integer", "q", MARKED, code=PAIN)],
        }
    )
    about: Json = {
        "subject": {"reference": "Patient/1"},
        "encounter": {"reference": "Encounter/1"},
        "basedOn": [{"reference": "ServiceRequest/1"}],
    }
    given = response(
        answered(4, "valueInteger"), **about, author={"reference": "Practitioner/1"}, authored="2026-01-12T08:00:00Z"
    )
    (one,) = extracted(given, form, "QuestionnaireResponse/1")
    assert one.content == about | {
        "resourceType": "Observation",
        "status": "final",
        "category": [category],
        "code": {"coding": PAIN, "text": "Asked?"},
        "effectiveDateTime": "2026-01-12T08:00:00Z",
        "issued": "2026-01-12T08:00:00Z",
        "performer": [{"reference": "Practitioner/1"}],
        "derivedFrom": [{"reference": "QuestionnaireResponse/1"}],
        "valueInteger": 4,
    }


def test_what_is_not_marked_or_has_no_code_is_not_extracted() -> None:
    questions = [question("integer", "a", code=PAIN), question("integer", "b", MARKED)]
    items = answered(1, "valueInteger", "a"), answered(1, "valueInteger", "b")
    assert extracted(response(*items), form_of({"item": questions}), "QuestionnaireResponse/1") == []


def test_a_component_is_part_of_what_it_is_below() -> None:
    part = question("decimal", "part", {"url": EXTRACT, "valueCode": "component"}, code=[{"code": "part"}])
    form = form_of({"item": [question("integer", "q", MARKED, code=PAIN, item=[part])]})
    item = {"linkId": "q", "answer": [{"valueInteger": 1, "item": [answered(2, "valueDecimal", "part")]}]}
    (one,) = extracted(response(item), form, "QuestionnaireResponse/1")
    assert [each["valueQuantity"] for each in one.content["component"]] == [{"value": 2}]


def test_what_repeats_is_told_apart_by_its_name() -> None:
    group = question("group", "g", repeats=True, item=[question("integer", "q", MARKED, code=PAIN)])
    items = [{"linkId": "g", "item": [answered(number, "valueInteger")]} for number in (1, 2)]
    names = [each.name for each in extracted(response(*items), form_of({"item": [group]}), "QuestionnaireResponse/1")]
    assert names == ["g[1]/q", "g[2]/q"]


@pytest.mark.parametrize("repeats, names", [(True, ["q[1]/in", "q[2]/in"]), (False, ["in"])])
def test_what_is_below_an_answer_that_repeats_is_told_apart_by_its_name(*, repeats: bool, names: list[str]) -> None:
    below = question("integer", "in", MARKED, code=PAIN)
    answers = [{"valueInteger": 1, "item": [answered(number, "valueInteger", "in")]} for number in range(len(names))]
    form = form_of({"item": [question("integer", "q", repeats=repeats, item=[below])]})
    found = extracted(response({"linkId": "q", "answer": answers}), form, "QuestionnaireResponse/1")
    assert [each.name for each in found] == names
