"""composite: https://hl7.org/fhir/R4/search.html#composite"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.definitions import load
from service.fhir.outcome import FhirError
from service.fhir.search.extract import Extractor
from service.fhir.search.query import (
    CompositeValue,
    DateValue,
    Matches,
    QuantityValue,
    ReferenceValue,
    StringValue,
    TokenValue,
)

if TYPE_CHECKING:
    from service.fhir.search.registry import Registry
    from tests.unit.search.conftest import Parse

RESOURCE_TYPES = load().resource_types
BASE = "https://fhir.example.org/fhir"


def composite(parse: Parse, resource_type: str, text: str) -> CompositeValue:
    """The only value of the only criterion."""
    (criterion,) = parse(resource_type, text).where.criteria
    assert isinstance(criterion, Matches)
    (value,) = criterion.values
    assert isinstance(value, CompositeValue)
    return value


@pytest.mark.parametrize(
    "resource_type,text,kinds",
    [
        (
            "Observation",
            "code-value-quantity=http://loinc.org|2823-3$gt5.4|http://unitsofmeasure.org|mmol/L",
            (TokenValue, QuantityValue),
        ),
        ("Observation", "component-code-value-quantity=http://loinc.org|8480-6$lt60", (TokenValue, QuantityValue)),
        ("Observation", "code-value-date=a$ge2024-01", (TokenValue, DateValue)),
        ("Observation", "code-value-string=a$b", (TokenValue, StringValue)),
        ("Group", "characteristic-value=gender$mixed", (TokenValue, TokenValue)),
        ("Questionnaire", "context-type-value=focus$http://snomed.info/sct|408934002", (TokenValue, TokenValue)),
        ("DocumentReference", "relationship=DocumentReference/1$replaces", (ReferenceValue, TokenValue)),
    ],
)
def test_the_values_of_a_composite_are_of_its_components(
    parse: Parse, resource_type: str, text: str, kinds: tuple[type, ...]
) -> None:
    """3.1.1.4.17's own examples among them; a prefix belongs to its component."""
    value = composite(parse, resource_type, text)
    assert tuple(type(each) for each in value.components) == kinds


def test_escaped_separators_belong_to_the_values(parse: Parse) -> None:
    """Of all three kinds."""
    value = composite(parse, "Observation", r"code-value-string=a\$b\|c$d\,e\$")
    assert value.components == (TokenValue(form="code", code="a$b|c"), StringValue(folded="d e$"))


@pytest.mark.parametrize("text", ["a", "a$", "$5", "a$5$6", "a$x", "a|b|c$5", "a$5|", "$"])
def test_a_malformed_composite_is_refused(parse: Parse, text: str) -> None:
    """Under the name of the composite, saying what its components take."""
    with pytest.raises(FhirError) as refusal:
        composite(parse, "Observation", f"code-value-quantity={text}")
    (issue,) = refusal.value.issues
    assert (refusal.value.code, issue.expression) == ("parameter-value", ("http.code-value-quantity",))
    assert issue.diagnostics.startswith("code-value-quantity takes code$value-quantity")


@pytest.mark.parametrize("modifier", ["missing", "not", "text"])
def test_there_are_no_modifiers(parse: Parse, modifier: str) -> None:
    """3.1.1.4.17: "Modifiers are not used on composite parameters"; 3.1.1.4.4: missing is none for combinations."""
    with pytest.raises(FhirError) as refusal:
        parse("Observation", f"code-value-quantity:{modifier}=true")
    assert refusal.value.code == "modifier-unsupported"


@pytest.mark.parametrize("resource_type", RESOURCE_TYPES)
def test_every_official_composite_is_answered(registry: Registry, resource_type: str) -> None:
    """By components with sources, of the kinds that they have on their own."""
    for code, fact in registry.definitions.search_parameters(resource_type).items():
        if fact.kind == "composite":
            parameter = registry.parameters(resource_type)[code]
            assert [each.code for each in parameter.components] == [component for component, _ in fact.components]
            for each in parameter.components:
                assert each.sources
                assert each.kind == registry.parameters(resource_type)[each.code].kind


@pytest.mark.parametrize(
    "code,others",
    [
        ("code-value-quantity", ("code", "value-quantity")),
        ("component-code-value-quantity", ("component-code", "component-value-quantity")),
        ("code-value-date", ("code", "value-date")),
        ("combo-code-value-concept", ("combo-code", "combo-value-concept")),
    ],
)
def test_composites_share_the_rows_of_their_components(registry: Registry, code: str, others: tuple[str, ...]) -> None:
    """They need none of their own."""
    parameters = registry.parameters("Observation")
    for component, other in zip(parameters[code].components, others, strict=True):
        assert set(component.source_numbers) <= set(parameters[other].source_numbers)


def rows_of(registry: Registry, content: dict[str, Any], code: str, table: str, column: int) -> dict[int, set[Any]]:
    """Element → values of one component's rows."""
    extracted = Extractor(registry).rows(content["resourceType"], content, BASE)
    found: dict[int, set[Any]] = {}
    for parameter in registry.parameters(content["resourceType"])[code].components:
        for row in extracted.get(table, ()):  # type: ignore[call-overload]
            if row[0] in parameter.source_numbers:
                found.setdefault(row[1], set()).add(row[column])
    return found


def concept(code: str) -> dict[str, Any]:
    """A CodeableConcept."""
    return {"coding": [{"code": code}]}


def test_values_of_one_element_share_its_ordinal(registry: Registry) -> None:
    """The n-th component has n, what stands outside of any has 0."""
    content = {
        "resourceType": "Observation",
        "code": concept("panel"),
        "valueQuantity": {"value": 1},
        "component": [
            {"code": concept("systolic"), "valueQuantity": {"value": 120}},
            {"code": concept("diastolic"), "valueQuantity": {"value": 80}},
        ],
    }
    code = "combo-code-value-quantity"
    assert rows_of(registry, content, code, "token", 3) == {0: {"panel"}, 1: {"systolic"}, 2: {"diastolic"}}
    assert rows_of(registry, content, code, "quantity", 2) == {0: {Decimal(1)}, 1: {Decimal(120)}, 2: {Decimal(80)}}


def test_equal_values_of_two_elements_have_a_row_each(registry: Registry) -> None:
    """Otherwise one of them would miss its partner."""
    content = {
        "resourceType": "Group",
        "characteristic": [
            {"code": concept("a"), "valueCodeableConcept": concept("x")},
            {"code": concept("a"), "valueBoolean": True},
        ],
    }
    assert rows_of(registry, content, "characteristic-value", "token", 3) == {1: {"a", "x"}, 2: {"a", "true"}}
