"""Responses against their Questionnaire: what is refused, and where."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from service.fhir.code_systems import UCUM
from service.fhir.questionnaire.answers import problems
from service.fhir.questionnaire.form import MAX_DECIMALS, MAX_VALUE, MIN_VALUE, UNIT, form_of
from tests.builders.questionnaire import answered, chosen, coding, question, response, scored

Json = dict[str, Any]

YES = True
WHERE = "QuestionnaireResponse.item[0]"


def found(questions: list[Json], *items: Json, status: str = "completed") -> list[str]:
    """Where a response has problems."""
    form = form_of({"resourceType": "Questionnaire", "status": "active", "item": questions})
    return [issue.expression[0] for issue in problems(response(*items, status=status), form)]


VALUES: dict[str, tuple[str, Any]] = {
    "boolean": ("valueBoolean", True),
    "decimal": ("valueDecimal", Decimal("1.5")),
    "integer": ("valueInteger", 3),
    "date": ("valueDate", "2026-01-12"),
    "dateTime": ("valueDateTime", "2026-01-12T08:00:00Z"),
    "time": ("valueTime", "08:00:00"),
    "string": ("valueString", "a"),
    "text": ("valueString", "a"),
    "url": ("valueUri", "https://example.org"),
    "choice": ("valueCoding", {"code": "a"}),
    "open-choice": ("valueString", "a"),
    "quantity": ("valueQuantity", {"value": 1}),
    "reference": ("valueReference", {"reference": "Patient/1"}),
    "attachment": ("valueAttachment", {"title": "a"}),
}


@pytest.mark.parametrize("kind", VALUES)
def test_a_question_takes_answers_of_its_type_alone(kind: str) -> None:
    element, value = VALUES[kind]
    assert found([question(kind)], answered(value, element)) == []
    for other, (wrong, unfit) in VALUES.items():
        if wrong not in {element, *(("valueCoding",) if kind == "open-choice" else ())}:
            assert found([question(kind)], answered(unfit, wrong)) == [f"{WHERE}.answer[0]"], other


BOUNDED = question("integer", "q", {"url": MIN_VALUE, "valueInteger": 0}, {"url": MAX_VALUE, "valueInteger": 10})
DATED = question("date", "q", {"url": MIN_VALUE, "valueDate": "2026-01-02"}, {"url": MAX_VALUE, "valueDate": "2026-02"})
PLACES = question("decimal", "q", {"url": MAX_DECIMALS, "valueInteger": 1})
CENTIMETRES = question("quantity", "q", {"url": UNIT, "valueCoding": {"system": UCUM, "code": "cm"}})
CHOICE = question("choice", answerOption=[coding("a"), coding("b")])
NUMBERS = question("choice", answerOption=[{"valueInteger": 1}, {"valueInteger": 2}])


@pytest.mark.parametrize(
    "asked, element, fits, does_not",
    [
        (BOUNDED, "valueInteger", [0, 10], [-1, 11]),
        (DATED, "valueDate", ["2026-01-02", "2026-02-28", "2026"], ["2026-01-01", "2026-03-01"]),
        (PLACES, "valueDecimal", [Decimal("1.5"), 1], [Decimal("1.55")]),
        (question("string", maxLength=2), "valueString", ["ab"], ["abc"]),
        (CENTIMETRES, "valueQuantity", [{"value": 1, "system": UCUM, "code": "cm"}], [{"value": 1}, {"code": "cm"}]),
        (CHOICE, "valueCoding", [coding("a")["valueCoding"]], [{"code": "a"}, coding("c")["valueCoding"]]),
        (NUMBERS, "valueInteger", [1, 2], [3]),
        (question("open-choice", answerOption=[coding("a")]), "valueString", ["anything"], []),
    ],
)
def test_an_answer_is_held_against_ranges_units_and_options(
    asked: Json, element: str, fits: list[Any], does_not: list[Any]
) -> None:
    for value in fits:
        assert found([asked], answered(value, element)) == []
    for value in does_not:
        assert found([asked], answered(value, element)) == [f"{WHERE}.answer[0].{element}"]


REQUIRED = question("boolean", required=True)


@pytest.mark.parametrize("status, where", [("completed", [WHERE]), ("amended", [WHERE]), ("in-progress", [])])
def test_a_finished_response_answers_what_is_required(status: str, where: list[str]) -> None:
    assert found([REQUIRED], answered(), status=status) == where


def test_an_item_that_is_required_is_there() -> None:
    assert found([REQUIRED, question("string", "other")], answered("a", "valueString", "other")) == [
        "QuestionnaireResponse"
    ]


def test_what_was_entered_in_error_is_not_looked_at() -> None:
    assert found([REQUIRED], answered(1, "valueInteger", "unknown"), status="entered-in-error") == []


@pytest.mark.parametrize(
    "questions, items, where",
    [
        ([question("boolean")], [answered(link_id="other")], [f"{WHERE}.linkId"]),
        ([question("boolean")], [answered(), answered()], ["QuestionnaireResponse.item[1].linkId"]),
        ([question("group", item=[question("boolean", "in")])], [answered(link_id="in")], [f"{WHERE}.linkId"]),
        ([question("group", item=[])], [answered(1, "valueInteger")], [f"{WHERE}.answer"]),
        ([question("display")], [answered(1, "valueInteger")], [f"{WHERE}.answer"]),
        ([question("boolean", item=[question("boolean", "in")])], [answered(item=[])], []),
        (
            [question("boolean", item=[question("boolean", "in")])],
            [answered(item=[answered(link_id="in")])],
            [f"{WHERE}.item"],
        ),
    ],
)
def test_an_item_stands_where_its_question_does(questions: list[Json], items: list[Json], where: list[str]) -> None:
    assert found(questions, *items) == where


def test_a_group_that_repeats_comes_several_times() -> None:
    group = question("group", repeats=True, item=[question("boolean", "in")])
    assert found([group], answered(), answered()) == []


@pytest.mark.parametrize("repeats, where", [(True, []), (False, [f"{WHERE}.answer"])])
def test_a_question_takes_several_answers_only_if_it_repeats(repeats: bool, where: list[str]) -> None:
    several = {"linkId": "q", "answer": [{"valueInteger": 1}, {"valueInteger": 2}]}
    assert found([question("integer", repeats=repeats)], several) == where


@pytest.mark.parametrize(
    "condition, value, asked",
    [
        ({"operator": "exists", "answerBoolean": True}, 1, True),
        ({"operator": "exists", "answerBoolean": False}, 1, False),
        ({"operator": "=", "answerInteger": 1}, 1, True),
        ({"operator": "=", "answerInteger": 1}, 2, False),
        ({"operator": "!=", "answerInteger": 1}, 2, True),
        ({"operator": ">", "answerInteger": 1}, 2, True),
        ({"operator": "<", "answerInteger": 1}, 2, False),
        ({"operator": ">=", "answerInteger": 2}, 2, True),
        ({"operator": "<=", "answerInteger": 1}, 2, False),
    ],
)
def test_what_depends_on_an_answer_is_asked_by_it(condition: Json, value: int, *, asked: bool) -> None:
    """Required where it is asked, and refused where it is not."""
    depends = question("boolean", "then", required=True, enableWhen=[{"question": "q"} | condition])
    questions, first = [question("integer"), depends], answered(value, "valueInteger")
    assert (found(questions, first) == ["QuestionnaireResponse"]) is asked
    assert (found(questions, first, answered(YES, "valueBoolean", "then")) == []) is asked


@pytest.mark.parametrize("behaviour, asked", [("all", False), ("any", True)])
def test_several_conditions_hold_all_or_any(behaviour: str, *, asked: bool) -> None:
    wanted = [{"question": "q", "operator": "=", "answerInteger": number} for number in (1, 2)]
    depends = question("boolean", "then", enableWhen=wanted, enableBehavior=behaviour)
    items = answered(1, "valueInteger"), answered(YES, "valueBoolean", "then")
    assert (found([question("integer"), depends], *items) == []) is asked


def test_a_problem_never_tells_the_answer() -> None:
    form = form_of({"item": [CHOICE]})
    secret = answered({"system": "http://answers.example.org", "code": "secret", "display": "secret"}, "valueCoding")
    (issue,) = problems(response(secret), form)
    assert "secret" not in issue.diagnostics


@pytest.mark.parametrize("total, where", [(3, []), (4, ["QuestionnaireResponse.item[2].answer[0].valueInteger"])])
def test_a_total_is_the_sum_of_the_scores(total: int, where: list[str]) -> None:
    items = chosen("one", "no"), chosen("two", "yes"), answered(total, "valueInteger", "total")
    assert found(scored(), *items) == where
