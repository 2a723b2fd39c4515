"""token: https://hl7.org/fhir/R4/search.html#token"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.outcome import FhirError
from service.fhir.reference import digest_of
from service.fhir.search.extract import Extractor
from service.fhir.search.query import Matches, Not, Present, StringValue, TokenValue

if TYPE_CHECKING:
    from uuid import UUID

    from service.fhir.search.registry import Registry
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


@pytest.mark.parametrize(
    "text",
    ["active=maybe", "active=TRUE", "active:not=maybe", "active=true,1", "deceased=yes", "organization.active=y"],
)
def test_a_boolean_is_true_or_false(parse: Parse, text: str) -> None:
    """With :not, a typo would be answered with everything."""
    with pytest.raises(FhirError) as refusal:
        parse("Patient", text, strict=False)
    assert refusal.value.code == "parameter-value"
    assert "takes true or false" in refusal.value.issues[0].diagnostics


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


MR = "http://terminology.hl7.org/CodeSystem/v2-0203"


@pytest.mark.parametrize(
    "text,expected",
    [
        (f"identifier:of-type={MR}|MR|446053", TokenValue(form="of-type", system=digest_of(f"{MR}|MR"), code="446053")),
        (r"identifier:of-type=a|b\|c|d", TokenValue(form="of-type", system=digest_of(r"a|b\|c"), code="d")),
        ("identifier:text=Kranken", StringValue(folded="kranken")),
        ("language:text=Mül", StringValue(folded="mul")),
        (r"language:text=ge5\,a|b", StringValue(folded="ge5 a|b")),
    ],
)
def test_texts_and_types_of_identifiers_are_searched_by_modifiers(
    parse: Parse, text: str, expected: TokenValue | StringValue
) -> None:
    """3.1.1.4.10: a string search of what describes a code; system|code|value, all three."""
    (criterion,) = parse("Patient", text).where.criteria
    assert isinstance(criterion, Matches)
    assert criterion.values == (expected,)


@pytest.mark.parametrize("text", ["a", "a|b", "|b|c", "a||c", "a|b|", "a|b|c|d", "||"])
def test_a_type_of_an_identifier_has_three_parts(parse: Parse, text: str) -> None:
    """3.1.1.4.10: "All 3 parts must be present"."""
    with pytest.raises(FhirError) as refusal:
        parse("Patient", f"identifier:of-type={text}")
    assert refusal.value.code == "parameter-value"
    assert "system|code|value" in refusal.value.issues[0].diagnostics


@pytest.mark.parametrize(
    "text",
    [
        "gender:text=a",
        "active:text=true",
        "phone:text=1",
        "phone:of-type=a|b|c",
        "language:of-type=a|b|c",
        "_id:text=a",
    ],
)
def test_modifiers_need_something_to_read(parse: Parse, text: str) -> None:
    """A code, a boolean and a telephone number have no text; only an identifier has a type."""
    with pytest.raises(FhirError) as refusal:
        parse("Patient", text)
    assert refusal.value.code == "modifier-unsupported"


@pytest.mark.parametrize(
    "code,element,texts",
    [
        ("code", {"code": {"text": "Rücken  schmerz"}}, {"rucken schmerz"}),
        (
            "code",
            {"code": {"coding": [{"code": "a", "display": "A"}, {"code": "b", "display": "B"}], "text": "T"}},
            {*"abt"},
        ),
        ("code", {"code": {"coding": [{"code": "a", "display": "A"}], "text": "a"}}, {"a"}),
        ("code", {"code": {"coding": [{"code": "a"}]}}, set()),
        ("_tag", {"meta": {"tag": [{"code": "t", "display": "Tag"}]}}, {"tag"}),
        (
            "identifier",
            {"identifier": [{"value": "1", "type": {"text": "MRN", "coding": [{"display": "no"}]}}]},
            {"mrn"},
        ),
    ],
)
def test_what_describes_a_token_is_a_text_under_its_source(
    registry: Registry, code: str, element: dict[str, Any], texts: set[str]
) -> None:
    """3.1.1.4.10: CodeableConcept.text, Coding.display or Identifier.type.text, folded."""
    content = {"resourceType": "Observation"} | element
    rows = Extractor(registry).rows("Observation", content, "").get("text", [])
    (number,) = registry.parameters("Observation")[code].source_numbers
    assert set(rows) == {(number, 0, text) for text in texts}


@pytest.mark.parametrize(
    "kind,expected",
    [
        ({"coding": [{"system": MR, "code": "MR"}]}, {digest_of(f"{MR}|MR")}),
        (
            {"coding": [{"system": MR, "code": "MR"}, {"system": "urn:x", "code": "y"}]},
            {digest_of(f"{MR}|MR"), digest_of("urn:x|y")},
        ),
        ({"coding": [{"code": "MR"}, {"system": MR}]}, set()),
        ({"text": "MR"}, set()),
        (None, set()),
    ],
)
def test_an_identifier_with_a_type_has_a_row_for_each_of_its_codes(
    registry: Registry, kind: dict[str, Any] | None, expected: set[UUID]
) -> None:
    """Under a number of its own; one without a coded type has none."""
    identifier = {"value": "1"} | ({"type": kind} if kind else {})
    content = {"resourceType": "Patient", "identifier": [identifier]}
    rows = Extractor(registry).rows("Patient", content, "")["token"]
    parameter = registry.parameters("Patient")["identifier"]
    assert {row[2:4] for row in rows if row[0] in parameter.of_type_numbers} == {(each, "1") for each in expected}
    assert {row[2:4] for row in rows if row[0] in parameter.source_numbers} == {(None, "1")}


def test_an_element_of_type_string_is_compared_without_case(parse: Parse, values: Values) -> None:
    """3.1.1.4.10: "If the underlying data type is string then the search is not case sensitive"."""
    (criterion,) = parse("ValueSet", "version=1.0-RC").where.criteria
    assert isinstance(criterion, Matches)
    assert criterion.values == (TokenValue(form="code", code="1.0-rc"),)
    assert values({"resourceType": "ValueSet", "version": "1.0-Rc"}, "version") == {(None, "1.0-rc")}


@pytest.mark.parametrize("text", ["text/xml", "TEXT/XML", "text/xml; charset=UTF-8", "text/xml;charset=ascii"])
def test_a_media_type_is_found_below_its_base(parse: Parse, registry: Registry, text: str) -> None:
    """3.1.1.4.10.1: whatever its parameters; without the modifier, as it is written."""
    content = {"resourceType": "DocumentReference", "content": [{"attachment": {"contentType": text}}]}
    rows = Extractor(registry).rows("DocumentReference", content, "")["token"]
    parameter = registry.parameters("DocumentReference")["contenttype"]
    (criterion,) = parse("DocumentReference", "contenttype:below=text/xml").where.criteria
    assert isinstance(criterion, Matches)
    (value,) = criterion.values
    assert isinstance(value, TokenValue)
    assert {row[2:4] for row in rows if row[0] in parameter.of_type_numbers} == {(value.system, value.code)}
    assert {row[2:4] for row in rows if row[0] in parameter.source_numbers} == {(None, text)}


@pytest.mark.parametrize("text", ["contenttype:below=text", "contenttype:above=text/xml", "contenttype:in=urn:x"])
def test_media_types_have_no_other_hierarchy(parse: Parse, text: str) -> None:
    """3.1.1.4.10.1: "on the base part of the mime type"."""
    with pytest.raises(FhirError) as refusal:
        parse("DocumentReference", text)
    assert refusal.value.code in {"parameter-value", "modifier-unsupported"}
