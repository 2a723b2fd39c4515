"""FHIRPath as a table: what each expression finds in one patient or one observation."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.definitions import load
from service.fhir.path import PathError, compile_path

if TYPE_CHECKING:
    from service.fhir.definitions import Definitions

Json = dict[str, Any]
Expected = list[Any] | type[PathError]
"""The items that are found, or the error."""

PATIENT: Json = {
    "resourceType": "Patient",
    "id": "example",
    "active": True,
    "name": [
        {"use": "official", "family": "Example", "given": ["Alex", "Billie"]},
        {"use": "usual", "given": ["Al"]},
        {"use": "maiden", "family": "Sample", "given": ["Alex", "Billie"]},
    ],
    "birthDate": "1974-12-25",
    "_birthDate": {"extension": [{"url": "http://example.org/time", "valueDateTime": "1974-12-25T14:35:45-05:00"}]},
    "gender": "other",
    "deceasedBoolean": False,
    "telecom": [{"system": "phone", "value": "555-0100"}, {"system": "email", "value": "alex@example.org"}],
    "contained": [{"resourceType": "Practitioner", "id": "p"}],
    "generalPractitioner": [
        {"reference": "#p"},
        {"reference": "Organization/1"},
        {"reference": "https://example.org/fhir/PractitionerRole/2/_history/3"},
        {"type": "Practitioner", "identifier": {"value": "x"}},
        {"reference": "Organization?identifier=x"},
        {"reference": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"},
    ],
}
OBSERVATION: Json = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
    "valueQuantity": {"value": Decimal(185), "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
    "component": [
        {"code": {"text": "one"}, "valueString": "text"},
        {"code": {"text": "two"}, "valueCodeableConcept": {"text": "concept"}},
    ],
}

FOUND_IN_PATIENT: list[tuple[str, Expected]] = [
    # steps
    ("name.given", ["Alex", "Billie", "Al", "Alex", "Billie"]),
    ("Patient.name.given", ["Alex", "Billie", "Al", "Alex", "Billie"]),
    ("`Patient`.name.`given`", ["Alex", "Billie", "Al", "Alex", "Billie"]),
    ("Resource.id", ["example"]),
    ("Observation.status", []),
    ("name.suffix", []),
    ("name[1].given", ["Al"]),
    ("name[7].given", []),
    ("Patient.deceased", [False]),
    ("deceasedBoolean", [False]),
    ("Patient.deceased.exists() and Patient.deceased != false", [False]),
    ("$this.gender", ["other"]),
    ("contained.id", ["p"]),
    ("%resource.gender | %context.gender", ["other"]),
    ("%rootResource.contained.id", ["p"]),
    # existence
    ("name.exists()", [True]),
    ("name.exists(use = 'nickname')", [False]),
    ("name.all(given.exists())", [True]),
    ("name.all(family.exists())", [False]),
    ("name.empty().not()", [True]),
    ("{}.not()", []),
    ("(1 | 2 | 3).isDistinct()", [True]),
    ("name.given.isDistinct()", [False]),
    ("name.select(given.exists()).allTrue()", [True]),
    ("name.select(family.exists()).anyFalse()", [True]),
    ("name.first().subsetOf($this.name)", [True]),
    ("name.supersetOf($this.name.first())", [True]),
    # filtering and projection
    ("name.where(use = 'usual').given", ["Al"]),
    ("name.where($index = 1).given", ["Al"]),
    ("name.select(given.first())", ["Alex", "Al", "Alex"]),
    ("name.select($this.given | family).count()", [7]),
    ("name.given.where(substring($this.length() - 2) = 'ie')", ["Billie", "Billie"]),
    ("telecom.where(system = 'email').value", ["alex@example.org"]),
    ("(1 | 2 | 3 | 4).aggregate($this + $total, 0)", [10]),
    ("'x'.repeat('y')", ["y"]),
    ("name.iif($this.exists(), 1)", PathError),
    ("iif(gender = 'other', 'yes', 'no')", ["yes"]),
    ("{}.iif(empty(), 'none')", ["none"]),
    # subsetting
    ("name.given.first()", ["Alex"]),
    ("name.given.last()", ["Billie"]),
    ("name.tail().given.count()", [3]),
    ("name.given.skip(2).take(1)", ["Al"]),
    ("name.given.take(-1)", []),
    ("name.first().single().use", ["official"]),
    ("name.single()", PathError),
    ("name.given.intersect('Al' | 'Bo')", ["Al"]),
    ("name.given.exclude('Alex')", ["Billie", "Al", "Billie"]),
    # combining
    ("(1 | 2 | 2).count()", [2]),
    ("1.combine(1).count()", [2]),
    ("1.union(2).union(2).count()", [2]),
    ("name.given.distinct()", ["Alex", "Billie", "Al"]),
    # types
    ("Patient is Patient", [True]),
    ("is(DomainResource)", [True]),
    ("birthDate is date", [True]),
    ("gender is string", [True]),
    ("gender.ofType(string)", []),
    ("gender.ofType(code)", ["other"]),
    ("active is Boolean", [True]),
    ("1 is Integer", [True]),
    ("'1' is System.String", [True]),
    ("1.0 is Decimal", [True]),
    ("gender is Nonsense", PathError),
    # FHIR's functions
    ("generalPractitioner.where(resolve() is Practitioner).count()", [2]),
    ("generalPractitioner.where(resolve() is Organization).reference", ["Organization/1", "Organization?identifier=x"]),
    ("generalPractitioner.where(resolve() is PractitionerRole).count()", [1]),
    ("generalPractitioner.resolve().count()", [5]),
    ("generalPractitioner[1].resolve().name", PathError),
    ("birthDate.extension('http://example.org/time').value", ["1974-12-25T14:35:45-05:00"]),
    ("birthDate.hasExtension('http://example.org/none')", [False]),
    ("gender.hasValue()", [True]),
    ("name.hasValue()", [False]),
    ("%ucum", ["http://unitsofmeasure.org"]),
    ("%`vs-administrative-gender`", ["http://hl7.org/fhir/ValueSet/administrative-gender"]),
    ("%unheard", PathError),
    # tree
    ("children().count()", [17]),
    ("descendants().ofType(date)", ["1974-12-25"]),
    ("descendants().where($this is HumanName).count()", [3]),
    ("repeat(contained).id", ["p"]),
    ("name.trace('names').given.count()", [5]),
]

FOUND_IN_OBSERVATION: list[tuple[str, Expected]] = [
    ("value.unit", ["kg"]),
    ("(Observation.value as Quantity).unit", ["kg"]),
    ("value.as(Period).start", []),
    ("value is Quantity", [True]),
    ("value.is(Period)", [False]),
    ("component.value.ofType(string)", ["text"]),
    ("(Observation.component.value as CodeableConcept).text", ["concept"]),
    ("component.value.count()", [2]),
    ("value > 180 'kg'", [True]),
    ("value <= 180000 'g'", [False]),
    ("value > 180 'cm'", []),
    ("value = 185000 'g'", [True]),
    ("value.value + 1", [Decimal(186)]),
    ("component.code.where(text.intersect(%resource.component.code.text).exists()).count()", [2]),
]

CALCULATED: list[tuple[str, Expected]] = [
    # precedence
    ("1 + 2 * 3 + 4", [11]),
    ("-1 + 2", [1]),
    ("-1.convertsToInteger()", PathError),
    ("1 > 2 is Boolean", PathError),
    ("1 | 1 is Integer", [1, True]),
    ("true or false and false", [True]),
    ("false implies false and false", [True]),
    ("1 = 1 and 2 = 2", [True]),
    ("'a' in ('a' | 'b') and true", [True]),
    ("2 div 2 = 1 // a comment", [True]),
    ("1 /* in between */ + 1", [2]),
    # logic of three values
    ("true and {}", []),
    ("false and {}", [False]),
    ("true or {}", [True]),
    ("false or {}", []),
    ("true xor {}", []),
    ("{} implies true", [True]),
    ("{} implies false", []),
    ("true and 'text'", [True]),
    # equality and order
    ("{} = {}", []),
    ("{} ~ {}", [True]),
    ("1 = 1.0", [True]),
    ("1 = true", [False]),
    ("'a' ~ 'A'", [True]),
    ("(1 | 2) = (1 | 2)", [True]),
    ("(1 | 2) = (2 | 1)", [False]),
    ("(1 | 2) ~ (2 | 1)", [True]),
    ("1 != {}", []),
    ("'a' < 'b'", [True]),
    ("1 < 'b'", PathError),
    ("(1 | 2) > 1", PathError),
    ("7 days = 1 week", [True]),
    ("1 month > 3 days", []),
    ("1 'mo' = 1 month", []),
    # dates
    ("@2012-04-15 = @2012-04-15", [True]),
    ("@2012-04-15 = @2012-04-15T10:00:00", []),
    ("@2018-03 < @2018-03-01", []),
    ("@2018-03 < @2018-04-01", [True]),
    ("@2018-03-01T10:30 <= @2018-03-01T10:30:00", []),
    ("@2018-03-01T10:30:00 = @2018-03-01T10:30:00.0", [True]),
    ("@2017-11-05T01:30:00-04:00 = @2017-11-05T00:30:00-05:00", [True]),
    ("@2017-11-05T01:30:00Z > @2017-11-05T00:30:00", []),
    ("@2017-11-07T01:30:00Z > @2017-11-05T00:30:00", [True]),
    ("@T12:00 < @T14:00", [True]),
    ("@2012-04-15 = @T10:00", [False]),
    ("@2012-02-30", PathError),
    # arithmetic
    ("1 / 2", [Decimal("0.5")]),
    ("5 div 2", [2]),
    ("5 mod 2", [1]),
    ("1 / 0", []),
    ("'a' + 'b' & {} & 'c'", ["abc"]),
    ("2147483647 + 1", []),
    ("1 + 'a'", PathError),
    ("@2020-01-01 + 1 day", PathError),
    ("(1.2 / 1.8).round(2)", [Decimal("0.67")]),
    ("(-1.56).truncate()", [-1]),
    ("(-1.1).ceiling()", [-1]),
    ("2.1.floor()", [2]),
    ("2.power(3)", [8]),
    ("(-1).power(0.5)", []),
    ("81.sqrt()", [Decimal(9)]),
    ("16.log(2)", [Decimal(4)]),
    ("9.power(99999999)", []),
    # text
    ("'12345'.substring(2, 2)", ["34"]),
    ("'12345'.substring(9)", []),
    ("'abc'.indexOf('c')", [2]),
    ("'abc'.contains('bc')", [True]),
    ("'abc'.startsWith('ab') and 'abc'.endsWith('bc')", [True]),
    ("'abc'.upper().lower().length()", [3]),
    ("'abc'.replace('b', 'xx')", ["axxc"]),
    ("'abc'.matches('^a.c$')", [True]),
    ("'abc'.matchesFull('b')", [False]),
    ("'11/30'.replaceMatches('(\\\\d+)/(\\\\d+)', '$2-$1')", ["30-11"]),
    ("'abc'.matches('(')", PathError),
    ("'ab'.toChars()", ["a", "b"]),
    ("'a,b'.split(',')", ["a", "b"]),
    ("('a' | 'b').join('-')", ["a-b"]),
    ("' a '.trim()", ["a"]),
    ("'\\u0041\\n\\'\\\\'", ["A\n'\\"]),
    ("{}.startsWith('a')", []),
    ("1.startsWith('a')", PathError),
    # conversion
    ("'1'.toInteger() + 1", [2]),
    ("'1.5'.toInteger()", []),
    ("'1.50'.toDecimal().toString()", ["1.50"]),
    ("'yes'.toBoolean()", [True]),
    ("2.convertsToBoolean()", [False]),
    ("'2015-02'.convertsToDate()", [True]),
    ("'14:34'.toTime().toString()", ["14:34"]),
    ("'4 days'.toQuantity() = 4 days", [True]),
    ("1 'mg'.toString()", ["1 'mg'"]),
]  # fmt: skip

UNREADABLE = [
    "",
    "name.",
    "name..given",
    "name[0",
    "(name",
    "name.given(",
    "'unclosed",
    "2 + 2 /* unclosed",
    "name given",
    "and true",
    "1 + ",
    "name.unheardOf()",
    "name.where()",
    "name.first(1)",
    "ofType()",
    "name as 'HumanName'",
    "'\\q'",
    "'\\ud800'",
    "$everything",
    "%",
    "name # given",
    "(" * 100 + "1" + ")" * 100,
    ".".join(["a"] * 500),
    "+".join(["1"] * 500),
    "x" * 9000,
]


DEFINITIONS = load()
ASKS_FOR_TYPES = (" is ", "is(", "ofType", "Nonsense")
"""What only the definitions can tell exactly."""
TOLD_BY_NAMES = [
    (expression, content, expected)
    for rows, content in ((FOUND_IN_PATIENT, PATIENT), (FOUND_IN_OBSERVATION, OBSERVATION))
    for expression, expected in rows
    if not any(mark in expression for mark in ASKS_FOR_TYPES)
]


@pytest.mark.parametrize("expression,expected", FOUND_IN_PATIENT)
def test_a_path_finds_in_a_patient_what_fhirpath_says(expression: str, expected: Expected) -> None:
    check(expression, PATIENT, expected, DEFINITIONS)


@pytest.mark.parametrize("expression,expected", FOUND_IN_OBSERVATION)
def test_a_path_finds_in_an_observation_what_fhirpath_says(expression: str, expected: Expected) -> None:
    check(expression, OBSERVATION, expected, DEFINITIONS)


@pytest.mark.parametrize("expression,content,expected", TOLD_BY_NAMES)
def test_a_path_that_asks_for_no_types_finds_the_same_without_definitions(
    expression: str, content: Json, expected: Expected
) -> None:
    check(expression, content, expected, None)


@pytest.mark.parametrize("expression,expected", CALCULATED)
def test_an_expression_without_content_is_calculated(expression: str, expected: Expected) -> None:
    check(expression, {}, expected, None)


@pytest.mark.parametrize("expression", UNREADABLE, ids=range(len(UNREADABLE)))
def test_what_is_no_path_is_refused_when_it_is_compiled(expression: str) -> None:
    with pytest.raises(PathError):
        compile_path(expression)


def check(expression: str, content: Json, expected: Expected, definitions: Definitions | None) -> None:
    def found() -> list[Any]:
        path = compile_path(expression, definitions=definitions, type_name=content.get("resourceType"))
        return path.evaluate(content)

    if isinstance(expected, list):
        values = found()
        assert values == expected
        assert [type(value) for value in values] == [type(value) for value in expected]
    else:
        with pytest.raises(expected):
            found()
