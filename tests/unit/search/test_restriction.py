"""What stored SearchParameters restrict: https://hl7.org/fhir/R4/searchparameter-definitions.html"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest

from service.fhir.capability import capability_statement
from service.fhir.outcome import FhirError
from service.fhir.search.acceptance import extended
from service.fhir.search.parse import parse_criteria, parse_search
from tests.unit.search.test_stored_parameters import resource

if TYPE_CHECKING:
    from service.fhir.search.registry import Registry

BASE = "https://fhir.example.org/fhir"
DATE: dict[str, Any] = {"type": "date", "code": "made", "expression": "Observation.issued"}
NUMBER: dict[str, Any] = {"type": "number", "code": "points", "expression": "(Observation.value as integer)"}
QUANTITY: dict[str, Any] = {"type": "quantity", "code": "low", "expression": "Observation.referenceRange.low"}
REFERENCE: dict[str, Any] = {
    "type": "reference",
    "code": "author",
    "expression": "Observation.note.author.ofType(Reference)",
    "target": ["Patient", "Practitioner"],
}
IDENTIFIER: dict[str, Any] = {"type": "token", "code": "report", "expression": "Observation.identifier"}
COMPOSITE: dict[str, Any] = {
    "type": "composite",
    "code": "code-at",
    "expression": "Observation",
    "component": [
        {"definition": "http://hl7.org/fhir/SearchParameter/clinical-code", "expression": "code"},
        {"definition": "http://hl7.org/fhir/SearchParameter/clinical-date", "expression": "effective"},
    ],
}


def search(registry: Registry, elements: dict[str, Any], text: str) -> None:
    """Parse a search by a parameter over observations that has these elements; ``Type?...`` starts elsewhere."""
    resource_type, question, query = text.rpartition("?")
    found = extended(registry, resource(**elements))
    parameters = tuple(parse_qsl(query, keep_blank_values=True))
    parse_search(found, resource_type if question else "Observation", parameters, base=BASE)


@pytest.mark.parametrize(
    "elements,text,told",
    [
        ({"multipleOr": False}, "note=a,b", r"note takes one value; a comma inside of it is escaped by a backslash\."),
        ({"multipleOr": False}, "Patient?_has:Observation:subject:note=a,b", "note takes one value"),
        ({"multipleAnd": False}, "note=a&note=b", r"note is given once in a search\."),
        ({"multipleAnd": False}, "note=a&note:contains=b", "note is given once"),
        ({"multipleAnd": False}, "has-member:Observation.note=a&has-member:Observation.note:exact=b", "note is given"),
        ({"modifier": ["exact"]}, "note:contains=a", r"note takes the modifiers exact\."),
        ({"modifier": ["exact"]}, "note:missing=true", r"note takes the modifiers exact\."),
        ({"modifier": ["text"]}, "note:exact=a", "note takes no modifier"),
        (IDENTIFIER | {"modifier": ["ofType"]}, "report:not=a", "takes the modifiers of-type"),
        (REFERENCE | {"modifier": ["identifier"]}, "author:Patient=1", "takes the modifiers identifier"),
        (REFERENCE | {"modifier": ["identifier"]}, "author:Patient.name=a", "takes the modifiers identifier"),
        (DATE | {"comparator": ["ge", "le"]}, "made=gt2024", r"made takes the prefixes eq, ge, le\."),
        (DATE | {"comparator": ["eq"]}, "made=2024,ne2024", r"made takes the prefixes eq\."),
        (NUMBER | {"comparator": ["gt"]}, "points=lt5", "points takes the prefixes eq, gt"),
        (QUANTITY | {"comparator": ["gt"]}, "low=ap5||mm", "low takes the prefixes eq, gt"),
        (COMPOSITE | {"comparator": ["gt"]}, "code-at=a$lt2024", "code-at takes the prefixes eq, gt"),
        (REFERENCE | {"chain": ["family"]}, "author:Patient.name=a", r"author is followed by family in chains\."),
        (REFERENCE | {"chain": ["family"]}, "author:Patient.organization.name=a", "author is followed by family"),
    ],
)
def test_a_search_is_held_to_what_the_author_allows(
    registry: Registry, elements: dict[str, Any], text: str, told: str
) -> None:
    """The refusal names the parameter, and what it takes."""
    with pytest.raises(FhirError, match=told):
        search(registry, elements, text)
    unrestricted = {name: elements.get(name) for name in ("type", "code", "expression", "target", "component")}
    search(registry, {name: value for name, value in unrestricted.items() if value}, text)


@pytest.mark.parametrize(
    "elements,text",
    [
        ({"multipleOr": False, "multipleAnd": False}, r"note=a\,b"),
        ({"multipleOr": False}, "note=a&note=b"),
        ({"multipleAnd": False}, "note=a,b"),
        ({"multipleAnd": False}, "note=a&has-member:Observation.note=b&derived-from:Observation.note=c"),
        ({"multipleOr": True, "multipleAnd": True}, "note=a,b&note=c"),
        ({"multipleOr": False, "multipleAnd": False}, "code=a,b&code=c"),
        ({"modifier": ["exact", "missing"]}, "note:missing=false"),
        (IDENTIFIER | {"modifier": ["ofType"]}, "report:of-type=http://a|b|c"),
        (REFERENCE | {"modifier": ["type"]}, "author:Patient.name=a&author:Practitioner=1"),
        (REFERENCE | {"modifier": ["identifier"]}, "author.family=a"),
        (DATE | {"comparator": ["ge"]}, "made=2024,eq2025,ge2026"),
        (REFERENCE | {"chain": ["family"]}, "author:Patient.family:exact=a"),
        (REFERENCE | {"chain": ["organization"]}, "author:Patient.organization.name=a"),
        (REFERENCE | {"chain": ["family"]}, "Patient?_has:Observation:author:code=a"),
    ],
)
def test_what_is_not_restricted_is_answered(registry: Registry, elements: dict[str, Any], text: str) -> None:
    """A value without a prefix means eq, which may be written; other parameters are as they were."""
    search(registry, elements, text)


def test_conditional_interactions_are_held_to_it_too(registry: Registry) -> None:
    found = extended(registry, resource(multipleOr=False))
    with pytest.raises(FhirError, match="note takes one value"):
        parse_criteria(found, "Observation", (("note", "a,b"),), base=BASE)


def test_several_types_allow_what_each_of_them_allows(registry: Registry) -> None:
    """Where each has a parameter of that name."""
    elements = {"base": ["Procedure"], "expression": "Procedure.note.text", "url": "http://other"}
    found = extended(registry, resource(modifier=["exact", "missing"]))
    found = extended(found, resource(**elements, modifier=["contains", "missing"], multipleAnd=False))
    for text in ("note:exact=a", "note:contains=a", "note=a&note=b"):
        with pytest.raises(FhirError):
            parse_search(found, None, (("_type", "Observation,Procedure"), *parse_qsl(text)), base=BASE)
    parse_search(found, None, (("_type", "Observation,Procedure"), ("note:missing", "true")), base=BASE)


@pytest.mark.parametrize(
    "elements,documentation",
    [
        ({}, "Modifiers: :missing, :exact, :contains."),
        (
            {"multipleOr": False, "multipleAnd": False, "modifier": ["exact"]},
            "Modifiers: :exact. One value, without commas. Once in a search.",
        ),
        (DATE | {"comparator": ["ge"]}, "Modifiers: :missing. Prefixes: eq, ge."),
        (REFERENCE | {"modifier": ["missing"], "chain": ["name"]}, "Modifiers: :missing. Chains: name."),
    ],
)
def test_the_capability_statement_tells_of_it(registry: Registry, elements: dict[str, Any], documentation: str) -> None:
    found = extended(registry, resource(**elements))
    statement = capability_statement(registry.definitions, found, base=BASE, version="1", date="2026-01-09")
    (of_observations,) = [each for each in statement["rest"][0]["resource"] if each["type"] == "Observation"]
    code = elements.get("code", "note")
    (told,) = [each for each in of_observations["searchParam"] if each["name"] == code]
    assert told["documentation"] == documentation
