"""Responses against their Questionnaire: what is refused, what is filled in, and which Observations come of it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from service.fhir.questionnaire.answers import problems
from service.fhir.questionnaire.extraction import extracted
from service.fhir.questionnaire.form import (
    CATEGORY,
    EXTRACT,
    INITIAL,
    LINK_PERIOD,
    MAX_DECIMALS,
    MAX_VALUE,
    MIN_VALUE,
    ORDINAL,
    SUM_OF,
    UNIT,
    form_of,
)
from service.fhir.questionnaire.population import Known, populated

Json = dict[str, Any]

UCUM = "http://unitsofmeasure.org"
SCORE = {"system": UCUM, "code": "{score}"}
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
YES = True
WHERE = "QuestionnaireResponse.item[0]"


def question(kind: str, link_id: str = "q", *extensions: Json, **elements: Any) -> Json:
    """An item of a Questionnaire."""
    found = {"linkId": link_id, "type": kind, "text": "Asked?"} | elements
    return found | ({"extension": list(extensions)} if extensions else {})


def coding(code: str, score: int | None = None) -> Json:
    """An option to choose."""
    option: Json = {"valueCoding": {"system": "http://answers.example.org", "code": code}}
    return option if score is None else option | {"extension": [{"url": ORDINAL, "valueDecimal": score}]}


def answered(value: Any = None, element: str = "", link_id: str = "q", **elements: Any) -> Json:
    """An item of a response with one answer, or none."""
    return {"linkId": link_id} | ({"answer": [{element: value}]} if element else {}) | elements


def response(*items: Json, status: str = "completed", **elements: Any) -> Json:
    return {"resourceType": "QuestionnaireResponse", "status": status, "item": list(items)} | elements


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


def scored() -> list[Json]:
    """Two questions with scores, and their total."""
    options = [coding("no", 0), coding("yes", 3)]
    summands = [{"url": SUM_OF, "valueString": each} for each in ("one", "two")]
    marked = {"url": EXTRACT, "valueBoolean": True}
    total = question("integer", "total", {"url": UNIT, "valueCoding": SCORE}, marked, *summands, code=[{"code": "sum"}])
    return [*(question("choice", each, answerOption=options) for each in ("one", "two")), total]


def chosen(link_id: str, code: str) -> Json:
    return answered(coding(code)["valueCoding"], "valueCoding", link_id)


@pytest.mark.parametrize("total, where", [(3, []), (4, ["QuestionnaireResponse.item[2].answer[0].valueInteger"])])
def test_a_total_is_the_sum_of_the_scores(total: int, where: list[str]) -> None:
    items = chosen("one", "no"), chosen("two", "yes"), answered(total, "valueInteger", "total")
    assert found(scored(), *items) == where


def test_a_total_that_nobody_entered_is_counted() -> None:
    form = form_of({"item": scored()})
    (counted,) = extracted(response(chosen("one", "yes"), chosen("two", "yes")), form, "QuestionnaireResponse/1")
    assert counted.content["valueQuantity"] == {"value": 6, "unit": "{score}", **SCORE}


def test_there_is_no_total_while_a_question_is_open() -> None:
    form = form_of({"item": scored()})
    assert extracted(response(chosen("one", "yes")), form, "QuestionnaireResponse/1") == []


MARKED = {"url": EXTRACT, "valueBoolean": True}
CODE = [{"system": "http://loinc.org", "code": "72514-3"}]


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
    form = form_of({"item": [question(kind, "q", MARKED, *extensions, code=CODE)]})
    (one,) = extracted(response(answered(value, element)), form, "QuestionnaireResponse/1")
    assert [each for each in one.content if each.startswith("value")] == [observed]


def test_an_observation_says_of_the_response_what_sdc_has_it_say() -> None:
    category = {"coding": [{"code": "survey"}]}
    form = form_of(
        {
            "extension": [{"url": CATEGORY, "valueCodeableConcept": category}],
            "item": [question("integer", "q", MARKED, code=CODE)],
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
        "code": {"coding": CODE, "text": "Asked?"},
        "effectiveDateTime": "2026-01-12T08:00:00Z",
        "issued": "2026-01-12T08:00:00Z",
        "performer": [{"reference": "Practitioner/1"}],
        "derivedFrom": [{"reference": "QuestionnaireResponse/1"}],
        "valueInteger": 4,
    }


def test_what_is_not_marked_or_has_no_code_is_not_extracted() -> None:
    questions = [question("integer", "a", code=CODE), question("integer", "b", MARKED)]
    items = answered(1, "valueInteger", "a"), answered(1, "valueInteger", "b")
    assert extracted(response(*items), form_of({"item": questions}), "QuestionnaireResponse/1") == []


def test_a_component_is_part_of_what_it_is_below() -> None:
    part = question("decimal", "part", {"url": EXTRACT, "valueCode": "component"}, code=[{"code": "part"}])
    form = form_of({"item": [question("integer", "q", MARKED, code=CODE, item=[part])]})
    item = {"linkId": "q", "answer": [{"valueInteger": 1, "item": [answered(2, "valueDecimal", "part")]}]}
    (one,) = extracted(response(item), form, "QuestionnaireResponse/1")
    assert [each["valueQuantity"] for each in one.content["component"]] == [{"value": 2}]


def test_what_repeats_is_told_apart_by_its_name() -> None:
    group = question("group", "g", repeats=True, item=[question("integer", "q", MARKED, code=CODE)])
    items = [{"linkId": "g", "item": [answered(number, "valueInteger")]} for number in (1, 2)]
    names = [each.name for each in extracted(response(*items), form_of({"item": [group]}), "QuestionnaireResponse/1")]
    assert names == ["g[1]/q", "g[2]/q"]


@pytest.mark.parametrize("repeats, names", [(True, ["q[1]/in", "q[2]/in"]), (False, ["in"])])
def test_what_is_below_an_answer_that_repeats_is_told_apart_by_its_name(*, repeats: bool, names: list[str]) -> None:
    below = question("integer", "in", MARKED, code=CODE)
    answers = [{"valueInteger": 1, "item": [answered(number, "valueInteger", "in")]} for number in range(len(names))]
    form = form_of({"item": [question("integer", "q", repeats=repeats, item=[below])]})
    found = extracted(response({"linkId": "q", "answer": answers}), form, "QuestionnaireResponse/1")
    assert [each.name for each in found] == names


PATIENT = {"resourceType": "Patient", "birthDate": "1980-02-29", "active": True}


def pain(day: str, value: float, **elements: Any) -> Json:
    quantity = {"value": value, **SCORE}
    return {
        "status": "final", "code": {"coding": CODE}, "effectiveDateTime": f"2026-{day}", "valueQuantity": quantity
    } | elements  # fmt: skip


def filled(asked: Json, *observations: Json, **context: Json) -> tuple[Json | None, int]:
    """The first answer to a question, and how much was left out."""
    known = Known(context=context, observations=observations, now=NOW, zone=UTC)
    done = populated(form_of({"item": [asked]}), known)
    (item,) = done.items
    return item.get("answer", [None])[0], len(done.issues)


def initial(path: str) -> Json:
    return {"url": INITIAL, "valueExpression": {"language": "text/fhirpath", "expression": path}}


PERIOD = {"url": LINK_PERIOD, "valueDuration": {"value": 30, "system": UCUM, "code": "d"}}
RATED = question("integer", "q", PERIOD, {"url": UNIT, "valueCoding": SCORE}, code=CODE)


def test_an_expression_over_the_context_fills_in_an_answer() -> None:
    assert filled(question("date", "q", initial("%patient.birthDate")), patient=PATIENT) == (
        {"valueDate": "1980-02-29"},
        0,
    )


@pytest.mark.parametrize("path", ["%patient.active", "%patient.birthDate.matches('.*')", "%patient.birthDate +"])
def test_what_an_expression_cannot_say_is_left_out_and_told(path: str) -> None:
    assert filled(question("date", "q", initial(path)), patient=PATIENT) == (None, 1)


def test_an_expression_over_what_was_not_given_fills_in_nothing() -> None:
    assert filled(question("date", "q", initial("%patient.birthDate"))) == (None, 0)


def test_the_newest_observation_within_the_period_fills_in_an_answer() -> None:
    assert filled(RATED, pain("02-20", 5), pain("02-25", 3), pain("01-01", 9)) == ({"valueInteger": 3}, 0)


@pytest.mark.parametrize(
    "observation",
    [
        pain("01-01", 9),
        pain("02-25", 9, status="preliminary"),
        pain("02-25", 9, code={"text": "Pain"}),
        pain("04-01", 9),
    ],
)
def test_an_observation_that_does_not_count_fills_in_nothing(observation: Json) -> None:
    """Too old, not final, of something else, of the days to come."""
    assert filled(RATED, observation) == (None, 0)


@pytest.mark.parametrize(
    "years, is_found", [(100, True), (101, False), (3000, False), (Decimal("1E12"), False), (-1, False)]
)
def test_a_period_of_more_than_a_life_finds_nothing(years: Any, *, is_found: bool) -> None:
    """The form can be read, and filled in."""
    period = {"url": LINK_PERIOD, "valueDuration": {"value": years, "system": UCUM, "code": "a"}}
    asked = RATED | {"extension": [{"url": UNIT, "valueCoding": SCORE}, period]}
    assert filled(asked, pain("02-25", 3)) == ({"valueInteger": 3} if is_found else None, 0)


@pytest.mark.parametrize("value", [{"value": 3, "system": UCUM, "code": "%"}, {"value": Decimal("3.5"), **SCORE}])
def test_a_value_that_does_not_fit_is_left_out_and_told(value: Json) -> None:
    assert filled(RATED, pain("02-25", 3) | {"valueQuantity": value}) == (None, 1)


def test_every_item_is_there_answered_or_not() -> None:
    group = question("group", "g", item=[question("display", "d"), question("string", "s")])
    known = Known(context={}, observations=(), now=NOW, zone=UTC)
    (item,) = populated(form_of({"item": [group]}), known).items
    assert [each["linkId"] for each in item["item"]] == ["d", "s"]


def test_an_initial_value_is_the_answer_to_begin_with() -> None:
    assert filled(question("boolean", initial=[{"valueBoolean": False}])) == ({"valueBoolean": False}, 0)
