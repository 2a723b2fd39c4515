"""Whatever is sent as a FHIRPath: it is evaluated, or PathError says why it cannot be; with and without definitions."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from service.fhir.definitions import load
from service.fhir.path import PathError, Scope, compile_path

DEFINITIONS = load()

CONTENT: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "o",
    "contained": [{"resourceType": "Patient", "id": "p", "birthDate": "2000-01-01"}],
    "status": "final",
    "_status": {"extension": [{"url": "u", "valueInteger": 5}]},
    "code": {"coding": [{"system": "http://loinc.org", "code": "1"}, {"code": "2", "_display": {"id": "d"}}]},
    "subject": {"reference": "#p"},
    "effectivePeriod": {"start": "2020-01", "end": "2020-02-01T10:00:00Z"},
    "valueQuantity": {"value": Decimal("1.50"), "unit": "kg"},
    "component": [{"valueBoolean": True}, {"valueString": "x"}, {"valueInteger": 10**30}],
}

NAMES = st.sampled_from(
    [
        "Observation",
        "status",
        "code",
        "coding",
        "value",
        "component",
        "subject",
        "effective",
        "start",
        "end",
        "id",
        "extension",
        "contained",
        "birthDate",
        "system",
        "unit",
        "display",
        "$this",
        "$index",
        "%resource",
        "%ucum",
        "%x",
        "1",
        "2.50",
        "'x'",
        "'2020-01'",
        "@2020",
        "@2020-01-01T10:00:00Z",
        "@T10:00",
        "4 days",
        "3 'mg'",
        "true",
        "{}",
    ]
)
CALLS = st.sampled_from(
    [
        "where",
        "select",
        "exists",
        "all",
        "empty",
        "not",
        "count",
        "first",
        "last",
        "tail",
        "single",
        "distinct",
        "skip",
        "isDistinct",
        "subsetOf",
        "intersect",
        "exclude",
        "combine",
        "union",
        "repeat",
        "children",
        "descendants",
        "iif",
        "take",
        "aggregate",
        "trace",
        "startsWith",
        "indexOf",
        "substring",
        "replace",
        "length",
        "matches",
        "split",
        "join",
        "toInteger",
        "toDecimal",
        "toString",
        "toBoolean",
        "toQuantity",
        "toDateTime",
        "convertsToDate",
        "toChars",
        "abs",
        "round",
        "power",
        "log",
        "exp",
        "sqrt",
        "ceiling",
        "truncate",
        "extension",
        "hasValue",
        "resolve",
        "htmlChecks",
        "replaceMatches",
        "allTrue",
        "ofType",
        "is",
        "as",
        "upper",
    ]
)
OPERATORS = st.sampled_from(
    [
        "and",
        "or",
        "xor",
        "implies",
        "=",
        "!=",
        "~",
        "!~",
        "<",
        ">",
        "<=",
        ">=",
        "|",
        "+",
        "-",
        "*",
        "/",
        "div",
        "mod",
        "&",
        "in",
        "contains",
    ]
)


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    arguments = st.lists(inner, max_size=3).map(", ".join)
    return st.one_of(
        st.builds("{}.{}".format, inner, inner),
        st.builds("{}.{}({})".format, inner, CALLS, arguments),
        st.builds("({} {} {})".format, inner, OPERATORS, inner),
        st.builds("{}[{}]".format, inner, inner),
        st.builds("({} is {})".format, inner, st.sampled_from(["Quantity", "string", "FHIR.Patient", "Boolean"])),
        st.builds("(-{})".format, inner),
    )


EXPRESSIONS = st.recursive(NAMES | st.builds("{}()".format, CALLS), _larger, max_leaves=8)


@given(EXPRESSIONS, st.booleans())
@settings(deadline=None, max_examples=600)
def test_an_expression_is_evaluated_or_refused(expression: str, known: bool) -> None:
    _check(expression, known=known)


@given(st.text(max_size=40) | st.text("()[]{}.'`@%$|&=<>~!+-*/, \\\nnameT01:", max_size=30))
@settings(deadline=None)
def test_any_text_is_a_path_or_is_refused(text: str) -> None:
    _check(text, known=True)


@given(EXPRESSIONS)
@settings(deadline=None)
def test_whether_something_exists_does_not_depend_on_how_it_is_asked(expression: str) -> None:
    try:
        asked = compile_path(f"({expression}).exists()", definitions=DEFINITIONS, type_name="Observation")
        counted = compile_path(f"({expression}).count()", definitions=DEFINITIONS, type_name="Observation")
        answers = [path.run(CONTENT, Scope(resource=CONTENT, root=CONTENT)) for path in (asked, counted)]
    except PathError:
        return
    assert answers[0] == [answers[1][0] > 0]


def _check(expression: str, *, known: bool) -> None:
    before = copy.deepcopy(CONTENT)
    try:
        path = compile_path(
            expression, definitions=DEFINITIONS if known else None, type_name="Observation" if known else None
        )
        path.run(CONTENT, Scope(resource=CONTENT, root=CONTENT, context=CONTENT, budget=20_000))
        path.test(CONTENT)
    except PathError:
        pass
    assert before == CONTENT
