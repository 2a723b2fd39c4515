"""What a form, a response to it and filling it in may cost: bounded however they are made up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.observed import moment_of
from service.fhir.outcome import FhirError
from service.fhir.path import Scope
from service.fhir.questionnaire import enabled, population
from service.fhir.questionnaire.answers import MOST_ANSWERS, MOST_ITEMS, problems
from service.fhir.questionnaire.form import (
    INITIAL,
    LINK_PERIOD,
    MOST_DETAILS,
    MOST_QUESTIONS,
    SUM_OF,
    UNIT_OPTION,
    form_of,
)
from service.fhir.questionnaire.population import CHARACTER_WORK, MOST_WORK, Known, Population, populated
from tests.spent import spent

if TYPE_CHECKING:
    from datetime import tzinfo

    from service.fhir.questionnaire.form import Condition
    from service.fhir.temporal import Range

Json = dict[str, Any]

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CODING = {"system": "http://answers.example.org"}


def question(kind: str, link_id: str = "q", **elements: Any) -> Json:
    return {"linkId": link_id, "type": kind} | elements


def response(items: list[Json], status: str = "completed") -> Json:
    return {"resourceType": "QuestionnaireResponse", "status": status, "item": items}


def answered(link_id: str, *values: Json) -> Json:
    return {"linkId": link_id, "answer": list(values)}


def options(number: int) -> list[Json]:
    return [{"valueCoding": CODING | {"code": str(each)}} for each in range(number)]


def conditions(number: int) -> list[Json]:
    """None of which holds, so that all of them are looked at."""
    return [{"question": "first", "operator": "=", "answerInteger": -1 - each} for each in range(number)]


@pytest.mark.parametrize(
    "element, details",
    [
        ("answerOption", options(1)),
        ("enableWhen", conditions(1)),
        ("initial", [{"valueBoolean": True}]),
        ("code", [{"code": "a"}]),
        ("extension", [{"url": SUM_OF, "valueString": "a"}]),
        ("extension", [{"url": UNIT_OPTION, "valueCoding": {"code": "cm"}}]),
    ],
)
def test_a_form_with_too_much_to_say_of_its_questions_is_refused(element: str, details: list[Json]) -> None:
    """However it is spread over them."""
    asked = [question("choice", str(each), **{element: details * 20}) for each in range(MOST_DETAILS // 20)]
    form_of({"item": asked})
    with pytest.raises(FhirError) as refused:
        form_of({"item": [*asked, question("group", "g", item=[question("choice", "more", **{element: details})])]})
    assert [each.code for each in refused.value.issues] == ["too-costly"]


def test_questions_of_one_name_are_counted_each() -> None:
    with pytest.raises(FhirError) as refused:
        form_of({"item": [question("string")] * (MOST_QUESTIONS + 1)})
    assert [each.code for each in refused.value.issues] == ["too-costly"]


def test_a_response_of_too_many_items_is_refused() -> None:
    """Answered or not, at any depth."""
    form = form_of({"item": [question("group", repeats=True, item=[question("string", "in")])]})
    item = {"linkId": "q", "item": [{"linkId": "in"}]}
    assert problems(response([item] * (MOST_ITEMS // 2)), form) == []
    (issue,) = problems(response([item] * (MOST_ITEMS // 2 + 1)), form)
    assert issue.expression == ("QuestionnaireResponse",)


def test_conditions_are_evaluated_once_however_often_their_question_is_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    evaluated = []
    meet = enabled._Answers.meet

    def counted(answers: enabled._Answers, condition: Condition) -> bool:
        evaluated.append(condition)
        return meet(answers, condition)

    monkeypatch.setattr(enabled._Answers, "meet", counted)
    asked = question("integer", "then", enableWhen=conditions(100))
    form = form_of({"item": [question("integer", "first"), question("group", "g", repeats=True, item=[asked])]})
    items = [
        answered("first", {"valueInteger": 1}),
        *({"linkId": "g", "item": [{"linkId": "then"}]} for _ in range(500)),
    ]
    assert problems(response(items), form) == []
    assert len(evaluated) == 100


BOUND_MILLISECONDS = 1_000


def test_conditions_do_not_go_through_the_answers() -> None:
    """As many conditions as a form may have, on a question with as many answers as there may be."""
    asked = question("integer", "then", enableWhen=conditions(MOST_DETAILS))
    form = form_of({"item": [question("integer", "first", repeats=True), asked]})
    numbers = ({"valueInteger": each} for each in range(MOST_ANSWERS))
    with spent() as took:
        assert problems(response([answered("first", *numbers), {"linkId": "then"}]), form) == []
    assert took.milliseconds < BOUND_MILLISECONDS


def test_answers_do_not_go_through_the_options() -> None:
    form = form_of({"item": [question("choice", repeats=True, answerOption=options(MOST_DETAILS))]})
    last = {"valueCoding": CODING | {"code": str(MOST_DETAILS - 1)}}
    with spent() as took:
        assert problems(response([answered("q", *([last] * MOST_ANSWERS))]), form) == []
    assert took.milliseconds < BOUND_MILLISECONDS


def test_answers_do_not_go_through_the_units() -> None:
    units = [{"url": UNIT_OPTION, "valueCoding": CODING | {"code": str(each)}} for each in range(MOST_DETAILS)]
    form = form_of({"item": [question("quantity", repeats=True, extension=units)]})
    measured = {"valueQuantity": CODING | {"value": 1, "code": str(MOST_DETAILS - 1)}}
    with spent() as took:
        assert problems(response([answered("q", *([measured] * MOST_ANSWERS))]), form) == []
    assert took.milliseconds < BOUND_MILLISECONDS


def test_a_total_is_counted_once() -> None:
    summands = [{"url": SUM_OF, "valueString": "one"}] * (MOST_DETAILS - 1)
    score = {"url": "http://hl7.org/fhir/StructureDefinition/ordinalValue", "valueDecimal": 1}
    one = question("choice", "one", answerOption=[{"valueInteger": 1, "extension": [score]}])
    form = form_of({"item": [one, question("integer", "sum", repeats=True, extension=summands)]})
    totals = [{"valueInteger": MOST_DETAILS - 1}] * (MOST_ANSWERS - 1)
    with spent() as took:
        assert problems(response([answered("one", {"valueInteger": 1}), answered("sum", *totals)]), form) == []
    assert took.milliseconds < BOUND_MILLISECONDS


def test_what_is_required_is_not_looked_for_at_every_answer() -> None:
    """Where it is not asked."""
    below = [
        question("integer", str(each), required=True, enableWhen=conditions(5)) for each in range(MOST_QUESTIONS - 2)
    ]
    form = form_of({"item": [question("integer", "first"), question("group", repeats=True, item=below)]})
    with spent() as took:
        assert problems(response([{"linkId": "q", "item": []}] * MOST_ITEMS), form) == []
    assert took.milliseconds < BOUND_MILLISECONDS


def test_a_problem_lists_few_of_many_options() -> None:
    form = form_of({"item": [question("choice", answerOption=options(MOST_DETAILS))]})
    (issue,) = problems(response([answered("q", {"valueCoding": {"code": "none"}})]), form)
    assert issue.diagnostics.endswith("18, 19 ….")


def expressed(expression: str, number: int) -> tuple[Population, list[int]]:
    """A form of as many expressions filled in for a patient of 2,000 names, and what each of them could look at."""
    given: list[int] = []

    class Counted(Scope):
        def __init__(self, *, budget: int, **elements: Any) -> None:
            super().__init__(budget=budget, **elements)
            given.append(budget)

    initial = {"url": INITIAL, "valueExpression": {"language": "text/fhirpath", "expression": expression}}
    form = form_of({"item": [question("string", str(each), extension=[initial]) for each in range(number)]})
    patient = {"resourceType": "Patient", "name": [{"family": "Sample"}] * 2_000}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(population, "Scope", Counted)
        return populated(form, Known(context={"patient": patient}, observations=(), now=NOW, zone=UTC)), given


def test_the_expressions_of_a_form_share_what_they_may_look_at() -> None:
    expression = "%patient.name.family.where($this = 'none')"
    filled, given = expressed(expression, 1_000)
    least = 2_000 + len(expression) * CHARACTER_WORK
    assert len(given) <= MOST_WORK // least + 1
    assert len(filled.issues) >= 1_000 - len(given)
    assert given[0] > given[-1]


def test_reading_an_expression_counts_as_well() -> None:
    """Here nothing is looked at."""
    expression = f"'{'a' * 998}'"
    filled, given = expressed(expression, 100)
    assert len(given) <= MOST_WORK // (len(expression) * CHARACTER_WORK) < 100
    assert len(filled.items) == 100


def test_observations_are_gone_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = []

    def counted(observation: Json, zone: tzinfo) -> Range:
        looked_at.append(observation)
        return moment_of(observation, zone)

    monkeypatch.setattr(population, "moment_of", counted)
    period = {"url": LINK_PERIOD, "valueDuration": {"value": 1, "code": "a"}}
    asked = [question("integer", str(each), code=[{"code": "pain"}], extension=[period]) for each in range(100)]
    observed = {"status": "final", "code": {"coding": [{"code": "pain"}]}, "effectiveDateTime": "2026-02-01"}
    observations = [observed | {"valueInteger": each} for each in range(50)]
    filled = populated(form_of({"item": asked}), Known(context={}, observations=observations, now=NOW, zone=UTC))
    assert [each["answer"] for each in filled.items] == [[{"valueInteger": 0}]] * 100
    assert len(looked_at) == 50
