"""Small pools of values, so that what is searched for and what is there often meet, and more often nearly meet."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

Json = dict[str, Any]

BASE: Final = "http://testserver/fhir"
ELSEWHERE: Final = "https://elsewhere.example.org/fhir"
LOINC: Final = "http://loinc.org"
TREE: Final = "http://acme.org/fhir/CodeSystem/tree"
UCUM: Final = "http://unitsofmeasure.org"
MRN: Final = "http://acme.org/mrn"
RECORD: Final = {"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}

IDS: Final = ("a", "b")
"""The logical ids that are referred to, of all types."""

CODINGS: Final[tuple[Json, ...]] = (
    {"system": LOINC, "code": "a", "display": "Headache"},
    {"system": LOINC, "code": "b"},
    {"system": LOINC, "code": "A"},
    {"system": TREE, "code": "a"},
    {"system": TREE, "code": "a-a"},
    {"system": TREE, "code": "a-a-a", "display": "Rückenschmerz"},
    {"code": "a"},
    {"code": "x,y|z$\\", "system": LOINC},
    {"display": "severe  headache"},
)
HIERARCHY: Final[list[Json]] = [
    {"code": "a", "concept": [{"code": "a-a", "concept": [{"code": "a-a-a"}]}, {"code": "a-b"}]},
    {"code": "b"},
]
"""The concepts of the code system `TREE`."""

CODES: Final = ("a", "a", "b", "A", "a-a", "a-a-a", "x\\,y\\|z\\$\\\\")
SYSTEMS: Final = (LOINC, LOINC, TREE, "http://loinc")

IDENTIFIERS: Final[tuple[Json, ...]] = (
    {"system": MRN, "value": "1"},
    {"system": MRN, "value": "2", "type": {"coding": [RECORD], "text": "Record number"}},
    {"system": "urn:other", "value": "1", "type": {"coding": [{"system": "urn:x", "code": "MR"}, RECORD]}},
    {"value": "1", "type": {"text": "record"}},
    {"system": MRN},
)

TIMES: Final = (
    "2019-12-31T23:59:59Z",
    "2020-01-31T23:30:00Z",
    "2020-01-31T23:30:00-01:00",
    "2020-02-01T00:00:00Z",
    "2020-02-01T00:00:00.000Z",
    "2020-02-01T01:00:00.5+01:00",
    "2020-02-01T00:00:00.499Z",
    "2020-02-29T12:00:00+14:00",
)
DAYS: Final = ("2019", "2020", "2020-01", "2020-02", "2019-12-31", "2020-01-31", "2020-02-01", "2020-02-29")
SEARCHED_TIMES: Final = (
    *DAYS,
    *TIMES,
    "2020-02-01T00:00",
    "2020-01-31T23:30Z",
    "2020-02-01T01:00+01:00",
    "2020-02-01T00:00:00",
    "2021",
)
PERIODS: Final[tuple[Json, ...]] = (
    {"start": "2020-01-31"},
    {"end": "2020-01-31"},
    {"start": "2020"},
    {"end": "2020"},
    {"start": "2019-12-31", "end": "2020-01"},
    {"start": "2020-01-31", "end": "2020-02-01"},
    {"start": "2020-02-01", "end": "2020-02-01"},
    {"start": "2020-01-31T23:30:00Z", "end": "2020-02-01T00:00:00Z"},
    {"start": "2020-02-01T00:00:00Z", "end": "2020-02-29"},
)
TIMINGS: Final[tuple[Json, ...]] = (
    {"event": ["2020-01-31", "2020-02-29", "2020-02-01"]},
    {"event": ["2020-02-01T00:00:00Z"]},
    {"repeat": {"boundsPeriod": {"start": "2020-01-31"}, "frequency": 1, "period": 1, "periodUnit": "d"}},
    {"event": ["2019"], "repeat": {"boundsPeriod": {"start": "2020-02-01", "end": "2020-02-29"}}},
)

DECIMALS: Final = tuple(map(Decimal, ("0.95", "0.99", "1", "1.0", "1.00", "1.04", "1.05", "1.5", "10", "99.5", "100")))
NUMBERS: Final = (
    "1",
    "1.0",
    "1.00",
    "0.95",
    "1e0",
    "10e-1",
    "1e2",
    "1.05",
    "100",
    "1.00e2",
    "100.5",
    "0",
    "-1",
    "453.59237",
)
UNITS: Final = ("m", "cm", "mm", "s", "min", "h", "d", "g", "kg", "mg", "[lb_av]")
LENGTHS: Final[tuple[Json, ...]] = tuple(
    {"value": Decimal(number), "system": UCUM, "code": unit, "unit": words}
    for number, unit, words in (
        ("1", "m", "m"),
        ("1.0", "m", "metre"),
        ("100", "cm", "cm"),
        ("99.5", "cm", "cm"),
        ("1000.0", "mm", "m"),
        ("1", "h", "h"),
        ("60.0", "min", "min"),
        ("3600", "s", "s"),
        ("1", "d", "d"),
        ("24", "h", "hours"),
        ("1", "[lb_av]", "lb"),
        ("0.45359237", "kg", "kg"),
        ("453.59237", "g", "g"),
        ("1", "kg", "kg"),
        ("1000000", "mg", "mg"),
    )
)
QUANTITIES: Final[tuple[Json, ...]] = (
    *LENGTHS,
    {"value": Decimal(1), "unit": "m"},
    {"value": Decimal("1.04")},
    {"value": Decimal(1), "system": "urn:other", "code": "m"},
    {"value": Decimal(1), "system": UCUM, "code": "m", "comparator": "<"},
    {"value": Decimal(100), "system": UCUM, "code": "cm", "comparator": ">="},
    {"value": Decimal(-1), "system": UCUM, "code": "m"},
)

WORDS: Final = (
    *("Eve", "EVELYN", "Sévérine", "Müller", "Muller", "van  der Berg", "van der berg", "O'Neil", "eve"),
    *("O\u2019Neil-Eve", "-", "1.5"),
)
SEARCHED_WORDS: Final = (
    *(*WORDS, "e", "eve", "mü", "mull", "VAN DER", "der", "ne", "x", "Eve ", "Se\u0301v"),
    *("oneil", "neil eve", "'", "1.", "15", "--"),
)

URLS: Final = (
    "http://acme.org/fhir/ValueSet/1",
    "http://acme.org/fhir/ValueSet/12",
    "http://acme.org/fhir/ValueSet/1/x",
    "http://acme.org/fhir/valueset/1",
    "http://acme.org/fhir",
    "urn:oid:1.2.3",
    "urn:oid:1.2.34",
)
SYSTEM_URLS: Final = (TREE, *URLS)
CANONICALS: Final = (URLS[0], URLS[1], f"{URLS[0]}|1", f"{URLS[0]}|1.0", f"{URLS[0]}|2", f"{URLS[1]}|1")
BUSINESS_VERSIONS: Final = ("1", "1.0", "2")
VERSIONS: Final = ("1.0", "1.0-RC", "1.0-rc", "2")
