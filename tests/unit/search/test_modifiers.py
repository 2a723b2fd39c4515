"""Modifiers: each where R4 allows it for what the parameter reads, refused by name elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.fhir.search.modifiers import accepted_modifiers
from service.fhir.search.query import CodesOperand, Identified, InCodes, Not, Present
from tests.unit.search.refusal import refusal

if TYPE_CHECKING:
    from service.fhir.search.registry import Registry
    from tests.unit.search.conftest import Parse

CODES = {"in", "not-in", "above", "below"}


@pytest.mark.parametrize(
    "resource_type,code,expected",
    [
        ("Observation", "code", {"missing", "not", "text"} | CODES),
        ("Observation", "status", {"missing", "not"} | CODES),
        ("Observation", "identifier", {"missing", "not", "text", "of-type"}),
        ("Patient", "active", {"missing", "not"}),
        ("Patient", "phone", {"missing", "not"}),
        ("DocumentReference", "contenttype", {"missing", "not", "below"}),
        ("Patient", "language", {"missing", "not", "text"} | CODES),
        ("Questionnaire", "subject-type", {"missing", "not"} | CODES),
        ("Patient", "family", {"missing", "exact", "contains"}),
        ("Patient", "birthdate", {"missing"}),
        ("Patient", "general-practitioner", {"missing", "identifier", "Organization", "Practitioner"}),
        ("ServiceRequest", "instantiates-uri", {"missing", "above", "below"}),
        ("Observation", "value-quantity", {"missing"}),
        ("Observation", "code-value-quantity", set()),
        ("RiskAssessment", "probability", {"missing"}),
        ("Observation", "_id", {"not"}),
        ("Observation", "_lastUpdated", set()),
        ("Observation", "_tag", {"missing", "not", "text"} | CODES),
        ("Observation", "_profile", {"missing", "above", "below"}),
    ],
)
def test_modifiers_follow_the_elements(registry: Registry, resource_type: str, code: str, expected: set[str]) -> None:
    """A type of identifier for identifiers, sets of codes for codes that have a system."""
    accepted = set(accepted_modifiers(registry.parameters(resource_type)[code]))
    assert expected <= accepted
    assert {each for each in accepted - expected if not each[0].isupper()} == set()


@pytest.mark.parametrize("modifier", ["foo", "Exact", "exact:exact", "", "exact'--", "iterate", "of-type", "Patient"])
def test_a_modifier_that_does_not_belong_is_refused_with_those_that_do(parse: Parse, modifier: str) -> None:
    """Even leniently: without it the search would mean something else."""
    code, expression, diagnostics = refusal(parse, "Patient", f"family:{modifier}=a", strict=False)
    assert (code, expression) == ("modifier-unsupported", "http.family")
    assert diagnostics == "family takes the modifiers missing, exact, contains."


@pytest.mark.parametrize("text", ["code:missing=true", "subject:missing=true", "date:missing=true"])
def test_missing_is_the_opposite_of_present(parse: Parse, text: str) -> None:
    """On every type that has rows."""
    (criterion,) = parse("Observation", text).where.criteria
    assert isinstance(criterion, Not)
    assert isinstance(criterion.criterion, Present)


@pytest.mark.parametrize("value", ["", "yes", "TRUE", "true,false", "1"])
def test_missing_takes_true_or_false(parse: Parse, value: str) -> None:
    """And nothing else."""
    assert refusal(parse, "Observation", f"code:missing={value}")[:2] == ("parameter-value", "http.code")


def test_ids_can_be_left_out(parse: Parse) -> None:
    """_id is a token."""
    (criterion,) = parse("Observation", "_id:not=1,2").where.criteria
    assert isinstance(criterion, Not)
    assert isinstance(criterion.criterion, Identified)


@pytest.mark.parametrize(
    "text,relation,operands",
    [
        ("code:in=http://a.example/vs", "in", [("http://a.example/vs", "")]),
        ("code:in=http://a.example/vs%7C2", "in", [("http://a.example/vs|2", "")]),
        ("code:in=urn:oid:1.2,ValueSet/9", "in", [("urn:oid:1.2", ""), ("ValueSet/9", "")]),
        ("code:in=https://fhir.example.org/fhir/ValueSet/9", "in", [("ValueSet/9", "")]),
        ("code:above=http://a.example%7Cx", "above", [("http://a.example", "x")]),
        ("code:below=http://a.example%7Cx", "below", [("http://a.example", "x")]),
        ("status:below=final", "below", [("http://hl7.org/fhir/observation-status", "final")]),
    ],
)
def test_sets_of_codes_are_looked_up_later(
    parse: Parse, text: str, relation: str, operands: list[tuple[str, str]]
) -> None:
    """By a canonical URL, by the id of a ValueSet, or by a code in its system."""
    (criterion,) = parse("Observation", text).where.criteria
    assert isinstance(criterion, InCodes)
    assert criterion.relation == relation
    assert criterion.operands == tuple(CodesOperand(url=url, code=code) for url, code in operands)


def test_not_in_is_the_complement_of_in(parse: Parse) -> None:
    """Resources without a code are not in the value set either."""
    (criterion,) = parse("Observation", "code:not-in=http://a.example/vs").where.criteria
    assert isinstance(criterion, Not)
    assert criterion.criterion == parse("Observation", "code:in=http://a.example/vs").where.criteria[0]


@pytest.mark.parametrize(
    "text",
    [
        *(f"code:in={value}" for value in ("", "vs", "a b", "http://a b", "ValueSet/", "Patient/1", "ValueSet/a b")),
        *(
            f"code:in={value}"
            for value in ("ValueSet/1/_history/2", "http://a%7C1%7C2", "http://a,,http://b", "' OR 1")
        ),
        *(f"code:above={value}" for value in ("", "x", "%7Cx", "http://a%7C", "http://a%7Cx%7Cy", "%7C")),
        "code:below=x",
    ],
)
def test_a_malformed_set_is_refused(parse: Parse, text: str) -> None:
    """With what would be accepted."""
    assert refusal(parse, "Observation", text)[:2] == ("parameter-value", "http.code")
