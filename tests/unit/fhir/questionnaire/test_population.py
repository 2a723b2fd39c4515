"""What of a response is filled in before anybody answers."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from service.fhir.code_systems import UCUM
from service.fhir.questionnaire.form import INITIAL, LINK_PERIOD, UNIT, form_of
from service.fhir.questionnaire.population import Known, populated
from tests.builders.questionnaire import PAIN, SCORE, question

Json = dict[str, Any]

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PATIENT = {"resourceType": "Patient", "birthDate": "1980-02-29", "active": True}


def pain(day: str, value: float, **elements: Any) -> Json:
    quantity = {"value": value, **SCORE}
    return {
        "status": "final", "code": {"coding": PAIN}, "effectiveDateTime": f"2026-{day}", "valueQuantity": quantity
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
RATED = question("integer", "q", PERIOD, {"url": UNIT, "valueCoding": SCORE}, code=PAIN)


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
