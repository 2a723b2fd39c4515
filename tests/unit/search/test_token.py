"""token: https://hl7.org/fhir/R4/search.html#token"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.outcome import FhirError
from service.fhir.reference import digest_of
from service.fhir.search.query import Matches, Not, Present, TokenValue

if TYPE_CHECKING:
    from tests.unit.search.conftest import Parse, Values

LOINC = digest_of("http://loinc.org")


def token(parse: Parse, text: str, parameter: str = "code") -> TokenValue:
    """The only value of an Observation's only criterion."""
    (criterion,) = parse("Observation", f"{parameter}={text}").where.criteria
    assert isinstance(criterion, Matches)
    (value,) = criterion.values
    assert isinstance(value, TokenValue)
    return value


@pytest.mark.parametrize(
    "text,expected",
    [
        ("72514-3", TokenValue(form="code", code="72514-3")),
        ("http://loinc.org|72514-3", TokenValue(form="system-and-code", system=LOINC, code="72514-3")),
        ("|72514-3", TokenValue(form="code-without-system", code="72514-3")),
        ("http://loinc.org|", TokenValue(form="system", system=LOINC)),
        (r"a\|b", TokenValue(form="code", code="a|b")),
        (r"a\,b", TokenValue(form="code", code="a,b")),
        (r"a\\b", TokenValue(form="code", code="a\\b")),
        ("a b", TokenValue(form="code", code="a b")),
    ],
)
def test_a_token_has_four_forms(parse: Parse, text: str, expected: TokenValue) -> None:
    """Code, system and code, code without system, system."""
    assert token(parse, text) == expected


@pytest.mark.parametrize("text", ["|", "a|b|c", "||a", "a,", ",a", "a,,b"])
def test_a_malformed_token_is_refused(parse: Parse, text: str) -> None:
    """Rather than matching something else."""
    with pytest.raises(FhirError) as refusal:
        token(parse, text)
    assert (refusal.value.code, refusal.value.issues[0].expression) == ("parameter-value", ("http.code",))


@pytest.mark.parametrize(
    "text",
    [
        "phone=home|1",
        "phone=|1",
        "active=http://terminology.hl7.org/CodeSystem/special-values|true",
        "deceased=|true",
    ],
)
def test_a_contact_point_and_a_boolean_have_no_system(parse: Parse, text: str) -> None:
    """R4: only the form without a pipe is allowed there."""
    with pytest.raises(FhirError) as refusal:
        parse("Patient", text)
    assert refusal.value.code == "parameter-value"
    assert "without a system" in refusal.value.issues[0].diagnostics


def test_the_system_of_a_code_element_is_that_of_its_value_set(parse: Parse) -> None:
    """R4: implied, so it is not stored."""
    text = "http://hl7.org/fhir/observation-status|final"
    assert token(parse, text, "status") == TokenValue(form="any-code-of", codes=("final",))


@pytest.mark.parametrize(
    "text",
    [
        "http://hl7.org/fhir/observation-status|bogus",
        "http://hl7.org/fhir/task-status|completed",
        "http://hl7.org/fhir/task-status|",
        "bogus",
        "final,finnal",
        "|finnal",
    ],
)
@pytest.mark.parametrize("modifier", ["", ":not"])
def test_a_code_that_no_resource_can_have_is_refused_with_those_that_are_accepted(
    parse: Parse, text: str, modifier: str
) -> None:
    """A typo would be answered with an empty work list, or with :not with a full one."""
    with pytest.raises(FhirError) as refusal:
        parse("Observation", f"status{modifier}={text}", strict=False)
    assert refusal.value.code == "parameter-value"
    assert "amended, cancelled, corrected" in refusal.value.issues[0].diagnostics


def test_the_system_alone_stands_for_all_of_its_codes(parse: Parse) -> None:
    """On a code element, too."""
    assert "amended" in token(parse, "http://hl7.org/fhir/observation-status|", "status").codes


def test_alternatives_and_modifiers(parse: Parse) -> None:
    """Commas are OR, :not reverses all of it, :missing asks for presence."""
    query = parse("Observation", "code=a,b&code:not=c,d&code:missing=true&code:missing=false")
    anyone, negated, missing, present = query.where.criteria
    assert isinstance(anyone, Matches)
    assert [value.code for value in anyone.values if isinstance(value, TokenValue)] == ["a", "b"]
    assert isinstance(negated, Not)
    assert isinstance(negated.criterion, Matches)
    assert len(negated.criterion.values) == 2
    assert isinstance(missing, Not)
    assert isinstance(present, Present)
    assert missing.criterion == present


@pytest.mark.parametrize("modifier", ["of-type", "exact", "contains", "identifier", "x", ""])
def test_other_modifiers_are_refused_by_name(parse: Parse, modifier: str) -> None:
    """Naming those that work; a bare colon is no modifier at all."""
    with pytest.raises(FhirError) as refusal:
        parse("Observation", f"code:{modifier}=a")
    assert refusal.value.code == "modifier-unsupported"
    assert "missing, not" in refusal.value.issues[0].diagnostics


@pytest.mark.parametrize(
    "code,element,rows",
    [
        ("code", {"code": {"coding": [{"system": "http://loinc.org", "code": "a"}]}}, {(LOINC, "a")}),
        ("code", {"code": {"coding": [{"code": "a"}, {"code": "b"}]}}, {(None, "a"), (None, "b")}),
        ("code", {"code": {"coding": [{"code": "a"}, {"code": "a"}]}}, {(None, "a")}),
        ("code", {"code": {"coding": [{"system": "http://loinc.org"}]}}, {(LOINC, "")}),
        ("code", {"code": {"text": "pain"}}, {(None, "")}),
        ("identifier", {"identifier": [{"system": "http://loinc.org", "value": "1"}]}, {(LOINC, "1")}),
        ("identifier", {"identifier": [{"value": "1"}]}, {(None, "1")}),
        ("status", {"status": "final"}, {(None, "final")}),
        ("value-concept", {"valueCodeableConcept": {"coding": [{"code": "a"}]}}, {(None, "a")}),
        ("value-concept", {"valueString": "a"}, set()),
        ("_tag", {"meta": {"tag": [{"system": "http://loinc.org", "code": "t"}]}}, {(LOINC, "t")}),
        (
            "combo-code",
            {"code": {"coding": [{"code": "a"}]}, "component": [{"code": {"coding": [{"code": "b"}]}}]},
            {(None, "a"), (None, "b")},
        ),
    ],
)
def test_what_an_observation_is_found_by(
    values: Values, code: str, element: dict[str, Any], rows: set[tuple[Any, ...]]
) -> None:
    """Every data type in R4's table of tokens."""
    assert values({"resourceType": "Observation"} | element, code) == rows


@pytest.mark.parametrize(
    "code,element,rows",
    [
        ("active", {"active": True}, {(None, "true")}),
        ("active", {"active": False}, {(None, "false")}),
        ("phone", {"telecom": [{"system": "phone", "value": "1"}, {"system": "email", "value": "2"}]}, {(None, "1")}),
        ("email", {"telecom": [{"system": "phone", "value": "1"}, {"system": "email", "value": "2"}]}, {(None, "2")}),
        ("telecom", {"telecom": [{"system": "phone", "value": "1"}, {"value": "2"}]}, {(None, "1"), (None, "2")}),
        ("deceased", {"deceasedBoolean": True}, {(None, "true")}),
        ("deceased", {"deceasedDateTime": "2024"}, {(None, "true")}),
        ("deceased", {"deceasedBoolean": False}, {(None, "false")}),
        ("deceased", {}, {(None, "false")}),
        ("language", {"communication": [{"language": {"coding": [{"code": "de"}]}}]}, {(None, "de")}),
    ],
)
def test_what_a_patient_is_found_by(
    values: Values, code: str, element: dict[str, Any], rows: set[tuple[Any, ...]]
) -> None:
    """Booleans, contact points, and the one expression that computes."""
    assert values({"resourceType": "Patient"} | element, code) == rows


def test_a_value_longer_than_an_index_holds_is_found(parse: Parse, values: Values) -> None:
    """Value and search are bounded alike."""
    long = "x" * 5000
    rows = values({"resourceType": "Observation", "identifier": [{"value": long}]}, "identifier")
    assert rows == {(None, token(parse, long, "identifier").code)}
