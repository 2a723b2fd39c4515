"""Malformed values: each a refusal with 400 that names the parameter, strict or lenient, never another question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from service.fhir.outcome import FhirError
from service.fhir.search.parse import parse_search
from tests.spent import spent
from tests.unit.search.refusal import refusal

if TYPE_CHECKING:
    from service.fhir.search.registry import Registry
    from tests.unit.search.conftest import Parse

DATES = [
    *("2026-13", "2026-00", "2026-02-30", "2026-1", "26", "2026-01-01T25:00Z", "2026-01-01T10", "20260101", "today"),
    *("gt", "eq", "xx2026", "gtgt2026", "2026-01-01T10:00+25:00", "-2026", "2026-01-01 ", "2026|x", "2026$1"),
    *("' OR 1=1 --", "2026'; DROP TABLE resource; --", "٢٠٢٦", "9" * 5000),
]
NUMBERS = [
    "",
    "a",
    "gt",
    "1,",
    "1..2",
    "--1",
    "1e",
    "1e999999",
    "0x10",
    "NaN",
    "Infinity",
    "\u0661",
    "1|a",
    "1$2",
    "1' OR '1'='1",
]
QUANTITIES = ["", "a", "|", "5|", "5|a", "5|a|b|c", "gt|http://unitsofmeasure.org|mm", "5 mm", "5||", "NaN||mm"]
REFERENCES = ["", "a b", "Patient/", "Patient/a b", "Patient/1/_history/2", "/1", "Nonsense/1", "Patient/1/2", "'; --"]
TOKENS = ["", "|", "a|b|c", "||", "a|b|", ",", "a,", ",a", "a,,b"]
CANONICALS = ["|", "|1", "http://a|", "http://a|1|2", "http://a||1", "||"]
ESCAPES = ["\\", "a\\b", "a\\", "\\\\\\", "\\,\\", "\\n", "a,\\x"]
COMPOSITES = ["", "$", "a", "a$", "$5", "a$5$6", "a$b", "a|b|c$5", "a$5|", "a$5,b"]

ROWS = [
    *(("Patient", "birthdate", value) for value in DATES),
    *(("Patient", "_lastUpdated", value) for value in DATES),
    *(("RiskAssessment", "probability", value) for value in NUMBERS),
    *(("Observation", "value-quantity", value) for value in QUANTITIES),
    *(("Observation", "subject", value) for value in REFERENCES),
    *(("Observation", "code", value) for value in TOKENS),
    *(("Observation", "code-value-quantity", value) for value in COMPOSITES),
    *(("Observation", "status", value) for value in ("final'--", "Final", "fin", "final|", "x|final", "final$")),
    *(("Patient", "active", value) for value in ("|true", "true|", "x|true")),
    *(("Patient", "name", value) for value in ("", ",", "a,", "   ", "\u0301")),
    *(("Patient", "_id", value) for value in ("", "a b", "a/b", "' OR 1=1", "a" * 65, "*", "é")),
    *(("ServiceRequest", "instantiates-uri", value) for value in ("", ",", "a,", *CANONICALS)),
    *(("ServiceRequest", "instantiates-canonical", value) for value in ("", ",", "a,", *CANONICALS)),
    *(("Patient", name, value) for name in ("name", "identifier", "_id", "_profile", "link") for value in ESCAPES),
    *(("Observation", name, value) for name in ("value-quantity", "code-value-quantity", "date") for value in ESCAPES),
    *(
        ("Patient", f"{name}:missing", value)
        for name in ("_id", "name", "_lastUpdated")
        for value in ("1", "TRUE", "\\")
    ),
    *(
        ("Observation", name, value)
        for name in ("_count", "_summary", "_total", "_elements")
        for value in ("", "'--", "-1")
    ),
    ("DocumentReference", "relationship", "DocumentReference/1$nonsense"),
    ("Observation", "_count", "1.5"),
    ("Observation", "_count", "1e3"),
    ("Observation", "_count", "٣"),
    ("Observation", "_explain", "maybe"),
    ("Observation", "_contained", "maybe"),
]


@pytest.mark.parametrize("resource_type,name,value", ROWS)
@pytest.mark.parametrize("strict", [True, False])
def test_a_malformed_value_is_refused(
    registry: Registry, resource_type: str, name: str, value: str, strict: bool
) -> None:
    """With its parameter, and without itself. R4 has lenient services leave out what has no value."""
    if not (value or strict):
        assert parse_search(registry, resource_type, ((name, value),), base="", strict=False).warnings
        return
    with pytest.raises(FhirError) as raised:
        parse_search(registry, resource_type, ((name, value),), base="", strict=strict)
    (issue,) = raised.value.issues
    place = (f"http.{name.partition(':')[0]}",)
    assert (issue.code, issue.expression, raised.value.category.status) == ("parameter-value", place, 400)
    assert len(value) < 10 or value not in issue.diagnostics


NAMES = [
    "birthdate",
    "name",
    "identifier",
    "general-practitioner",
    "_id",
    "_tag",
    "_profile",
    "_count",
    "_sort",
    "_include",
]


@pytest.mark.parametrize("name", [*NAMES, "_has:Observation:patient:code", "organization.name", "_list", "_cursor"])
@pytest.mark.parametrize("character", ["\x00", "\ud800"])
def test_what_no_text_can_hold_is_refused_everywhere(
    parse: Parse, name: str, character: str, registry: Registry
) -> None:
    """NUL characters and lone surrogates."""
    with pytest.raises(FhirError) as raised:
        parse_search(registry, "Patient", ((name, f"a{character}b"),), base="", strict=False)
    assert (raised.value.code, raised.value.issues[0].expression) == ("parameter-value", (f"http.{name}",))
    with pytest.raises(FhirError, match="NUL"):
        parse_search(registry, "Patient", ((f"{name}{character}", "a"),), base="")


SLOWEST: Final = 3
"""How much slower than usual a machine may be that other work is done on."""

SQL = "'; DROP TABLE resource; --"


@pytest.mark.parametrize(
    "name", [SQL, f"name:{SQL}", f"{SQL}.name", f"organization.{SQL}", f"_has:{SQL}:patient:code", f"_has:Task:{SQL}:x"]
)
def test_sql_in_the_place_of_a_name_is_refused(registry: Registry, name: str) -> None:
    """It is neither a parameter, nor a modifier, nor a link."""
    with pytest.raises(FhirError) as raised:
        parse_search(registry, "Patient", ((name, "a"),), base="")
    assert raised.value.category.status == 400
    assert "DROP" not in raised.value.issues[0].diagnostics


@pytest.mark.parametrize("name", ["identifier", "name", "_id", "general-practitioner", "birthdate", "_list"])
def test_ten_thousand_values_are_refused(parse: Parse, name: str) -> None:
    """By name, before any of them is read."""
    code, expression, diagnostics = refusal(parse, "Patient", f"{name}={','.join(['1'] * 10_000)}")
    assert (code, expression) == ("too-costly", f"http.{name}")
    assert "at most 1000 values" in diagnostics


def test_ten_thousand_values_at_the_end_of_a_chain_are_refused(parse: Parse) -> None:
    """With the whole chain."""
    code, expression, _ = refusal(parse, "Patient", f"organization.name={','.join(['1'] * 10_000)}")
    assert (code, expression) == ("too-costly", "http.organization.name")


HOSTILE = {
    "ids that may be of any type": ("Provenance", [("target", ",".join(f"a{each}" for each in range(1000)))] * 50),
    "many ids of all types": (None, [("_id", ",".join(f"a{each}" for each in range(1000)))] * 50),
    "many values in many parameters": ("Patient", [("name", ",".join("a" * 1000))] * 50),
    "every URL above many": ("ValueSet", [("url:above", ",".join(["http://a.b/" + "c" * 240] * 1000))]),
    "many parameters": ("Patient", [("name", "a")] * 100_000),
    "many includes": ("Patient", [("_include", "Patient:organization")] * 100_000),
    "unknown parameters": ("Patient", [(f"unknown{each}", "a") for each in range(10_000)]),
    "a long value": ("Patient", [("name", "\\," * 5_000_000)]),
    "a long value of a result parameter": ("Patient", [("_elements", "id," * 5_000_000)]),
    "a long name": ("Task", [("part-of." * 100_000, "a")]),
    "a long name that goes backwards": ("Task", [("_has:Task:part-of:" * 100_000, "a")]),
    "many colons": ("Task", [("status" + ":" * 1_000_000, "a")]),
    "a long number": ("RiskAssessment", [("probability", "1" * 250_000)]),
    "a large exponent": ("RiskAssessment", [("probability", "1e999999999")]),
    "a long unit": ("Observation", [("value-quantity", f"1|http://unitsofmeasure.org|{'m.' * 100_000}|")]),
    "many units": (
        "Observation",
        [
            ("value-quantity", ",".join(f"1|http://unitsofmeasure.org|m{each}.s{run}" for each in range(1000)))
            for run in range(50)
        ],
    ),
    "accents alone": ("Patient", [("name", "\u0301" * 250_000)]),
    "many words": ("Patient", [("phonetic", "a " * 100_000)]),
}


@pytest.mark.parametrize("resource_type,parameters", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("strict", [True, False])
def test_what_would_take_long_is_refused_at_once(
    registry: Registry, resource_type: str | None, parameters: list[tuple[str, str]], strict: bool
) -> None:
    """In a tenth of a second of a processor, with a parameter named."""
    pairs = tuple(parameters)
    parse_search(registry, resource_type, (), base="")
    with spent() as taken, pytest.raises(FhirError) as raised:
        parse_search(registry, resource_type, pairs, base="", strict=strict)
    assert taken.seconds < 0.1 * SLOWEST
    assert raised.value.category.status == 400
    assert raised.value.issues[0].expression[0].startswith(f"http.{parameters[0][0][:7].partition(':')[0]}")


@pytest.mark.parametrize(
    "text,values",
    [
        (r"identifier=a\,b", 1),
        (r"identifier=a\|b", 1),
        (r"identifier=a\\,b", 2),
        (r"identifier=a\\\,b", 1),
        (r"name=a\$b", 1),
        (r"name=\\a,b", 2),
    ],
)
def test_escaped_separators_separate_nothing(parse: Parse, text: str, values: int) -> None:
    """Nor do escaped backslashes before them keep them from it."""
    (criterion,) = parse("Patient", text).where.criteria
    assert len(getattr(criterion, "values")) == values  # noqa: B009 - any kind of criterion with values
