"""Any response to any questionnaire: it is judged without a fault, at places that it has."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from service.fhir.questionnaire.answers import problems
from service.fhir.questionnaire.extraction import extracted
from service.fhir.questionnaire.form import EXTRACT, INITIAL, LINK_PERIOD, MAX_VALUE, ORDINAL, SUM_OF, UNIT, form_of
from service.fhir.questionnaire.population import Known, populated
from service.massage.assessment.self_harm import alarming_codes, is_alarming

Json = dict[str, Any]

LINKS = ("a", "b", "c", "d")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
_CODING = st.fixed_dictionaries(
    {}, optional={"system": st.just("s"), "code": st.sampled_from("xy"), "display": st.just("z")}
)
VALUES = st.one_of(
    st.booleans().map(lambda each: {"valueBoolean": each}),
    st.integers(-3, 12).map(lambda each: {"valueInteger": each}),
    st.sampled_from(["0", "1.5", "1E+3", "0.0001"]).map(lambda each: {"valueDecimal": Decimal(each)}),
    st.sampled_from(["", "a", "abcdef"]).map(lambda each: {"valueString": each}),
    st.sampled_from(["2026", "2026-01", "2026-01-12"]).map(lambda each: {"valueDate": each}),
    _CODING.map(lambda each: {"valueCoding": each}),
    st.fixed_dictionaries({}, optional={"value": st.integers(0, 3), "code": st.just("cm")}).map(
        lambda each: {"valueQuantity": each}
    ),
    st.just({"valueReference": {"reference": "Patient/1"}}),
    st.just({"valueAttachment": {"title": "a"}}),
    st.just({"extension": [{"url": "u", "valueString": "no value"}]}),
)
_OPTIONS = st.lists(
    st.one_of(
        st.tuples(_CODING, st.integers(0, 3)).map(
            lambda pair: {"valueCoding": pair[0], "extension": [{"url": ORDINAL, "valueDecimal": pair[1]}]}
        ),
        st.integers(0, 3).map(lambda each: {"valueInteger": each}),
    ),
    max_size=3,
)
_CONDITIONS = st.lists(
    st.tuples(st.sampled_from(LINKS), st.sampled_from(["=", "!=", ">", "<", ">=", "<="]), VALUES).map(
        lambda each: (
            {"question": each[0], "operator": each[1]}
            | {name.replace("value", "answer"): value for name, value in each[2].items() if name != "extension"}
        )
    ),
    max_size=2,
)
_EXTENSIONS = st.lists(
    st.sampled_from(
        [
            {"url": EXTRACT, "valueBoolean": True},
            {"url": EXTRACT, "valueCode": "component"},
            {"url": MAX_VALUE, "valueInteger": 3},
            {"url": MAX_VALUE, "valueDate": "2026-01"},
            {"url": UNIT, "valueCoding": {"system": "http://unitsofmeasure.org", "code": "cm"}},
            {"url": SUM_OF, "valueString": "a"},
            {"url": LINK_PERIOD, "valueDuration": {"value": 1, "code": "mo"}},
            {"url": INITIAL, "valueExpression": {"language": "text/fhirpath", "expression": "%patient.name.given"}},
        ]
    ),
    max_size=4,
)
_TYPES = ("group", "display", "boolean", "integer", "decimal", "date", "string", "choice", "open-choice", "quantity")
ITEMS = st.recursive(
    st.fixed_dictionaries({"linkId": st.sampled_from(LINKS)}, optional={"answer": st.lists(VALUES, max_size=2)}),
    lambda below: st.fixed_dictionaries(
        {"linkId": st.sampled_from(LINKS)},
        optional={
            "item": st.lists(below, max_size=2),
            "answer": st.lists(
                st.tuples(VALUES, st.lists(below, max_size=2)).map(lambda each: each[0] | {"item": each[1]}), max_size=2
            ),
        },
    ),
    max_leaves=6,
)
RESPONSES = st.fixed_dictionaries(
    {
        "resourceType": st.just("QuestionnaireResponse"),
        "status": st.sampled_from(["completed", "in-progress", "amended"]),
        "item": st.lists(ITEMS, max_size=4),
    }
)


@st.composite
def questionnaires(draw: st.DrawFn) -> Json:
    """Questions with different linkIds, one of them below another."""

    def question(link_id: str, *below: Json) -> Json:
        kind = draw(st.sampled_from(_TYPES))
        found: Json = {"linkId": link_id, "type": kind, "extension": draw(_EXTENSIONS)}
        found |= {"required": draw(st.booleans()), "repeats": draw(st.booleans())}
        found |= {"answerOption": draw(_OPTIONS), "enableWhen": draw(_CONDITIONS)}
        codes = [{"system": "http://loinc.org", "code": each} for each in alarming_codes()]
        return found | {"code": draw(st.sampled_from([[], codes])), "item": list(below)}

    return {"item": [question("a", question("b")), question("c"), question("d")]}


def has(response: Json, path: str) -> bool:
    """Whether a path of elements and places leads to something in the response."""
    found: Any = response
    for name, place in re.findall(r"\.(\w+)(?:\[(\d+)\])?", path):
        if not isinstance(found, dict) or name not in found:
            return False
        found = found[name][int(place)] if place else found[name]
    return True


@given(questionnaire=questionnaires(), response=RESPONSES)
def test_problems_are_told_where_they_are(questionnaire: Json, response: Json) -> None:
    for issue in problems(response, form_of(questionnaire)):
        assert all(has(response, path) for path in issue.expression)


@given(questionnaire=questionnaires(), response=RESPONSES)
def test_whatever_a_response_says_can_be_extracted(questionnaire: Json, response: Json) -> None:
    """One observation for a name, and each with a value or components."""
    form = form_of(questionnaire)
    is_alarming(response, form)
    if problems(response, form):
        return
    found = extracted(response, form, "QuestionnaireResponse/1")
    assert len({each.name for each in found}) == len(found)
    assert all(any(name.startswith(("value", "component")) for name in each.content) for each in found)


@given(questionnaire=questionnaires())
def test_what_is_filled_in_is_allowed(questionnaire: Json) -> None:
    """Of questions that depend on no others, whose answers could be asked for."""
    form = form_of(questionnaire)
    patient = {"resourceType": "Patient", "name": [{"given": ["a", "b"]}]}
    filled = populated(form, Known(context={"patient": patient}, observations=(), now=NOW, zone=UTC))
    free = [each.link_id for each in form.items if not each.conditions and not each.items and not each.sum_of]
    items = [each for each in filled.items if each["linkId"] in free]
    issues = problems({"status": "in-progress", "item": items}, form)
    assert issues == []
