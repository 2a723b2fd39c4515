"""The CapabilityStatement says what the registries say, and says it in valid FHIR."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.capability import capability_statement
from service.fhir.conformance import OPERATIONS
from service.fhir.outcome import FhirError
from service.fhir.search.modifiers import accepted_modifiers
from service.fhir.search.parse import parse_search
from service.fhir.search.result_parameters import SearchLimits
from service.fhir.search.types import SEARCH_TYPES
from service.fhir.type_operations import operations_of

if TYPE_CHECKING:
    from service.assembly import Standard

BASE = "https://clinic.example.org/fhir"
EXAMPLES = {
    "token": ("Patient", "identifier", "a"),
    "reference": ("Patient", "link", "1"),
    "string": ("Patient", "family", "a"),
    "date": ("Patient", "birthdate", "2026"),
    "uri": ("Patient", "_profile", "http://a.example.org/b"),
    "number": ("RiskAssessment", "probability", "1"),
    "quantity": ("Observation", "value-quantity", "1"),
    "composite": ("Observation", "code-value-quantity", "a$1"),
}
VALUES = {"missing": "true", "of-type": "a|b|c", "above": "http://a.example.org/b", "below": "http://a.example.org/b"}
"""Of modifiers that take other values than the parameter alone."""


@pytest.fixture(scope="module")
def statement(standard: Standard) -> dict[str, Any]:
    return capability_statement(standard.definitions, standard.registry, base=BASE, version="1.2.3", date="2026-01-09")


@pytest.fixture(scope="module")
def resources(statement: dict[str, Any]) -> dict[str, dict[str, Any]]:
    (rest,) = statement["rest"]
    return {resource["type"]: resource for resource in rest["resource"]}


def test_the_statement_is_valid(statement: dict[str, Any], standard: Standard) -> None:
    assert standard.validator.issues(statement, "CapabilityStatement") == []


def test_it_names_the_software_and_where_it_runs(statement: dict[str, Any]) -> None:
    assert statement["software"]["version"] == "1.2.3"
    assert statement["implementation"]["url"] == BASE
    assert statement["fhirVersion"] == "4.0.1"


def test_every_served_type_is_there_and_no_other(resources: dict[str, Any], standard: Standard) -> None:
    assert tuple(resources) == standard.definitions.resource_types


def test_every_supported_search_parameter_is_listed_and_no_other(resources: dict[str, Any], standard: Standard) -> None:
    for name, resource in resources.items():
        listed = {parameter["name"]: parameter["type"] for parameter in resource["searchParam"]}
        assert listed == {code: each.kind for code, each in standard.registry.parameters(name).items()}
        assert not listed.keys() & standard.registry.unsupported(name).keys()


def test_the_operations_name_their_official_definitions(resources: dict[str, Any]) -> None:
    for name, resource in resources.items():
        assert {each["name"]: each["definition"] for each in resource["operation"]} == {
            claim.name: claim.definition for claim in (*OPERATIONS, *operations_of(name))
        }


def test_the_operations_of_the_system_are_there(statement: dict[str, Any]) -> None:
    (rest,) = statement["rest"]
    assert [each["name"] for each in rest["operation"]] == ["reindex"]


def test_everything_that_is_claimed_to_be_included_is_accepted(resources: dict[str, Any], standard: Standard) -> None:
    for name, resource in resources.items():
        claimed = [("_include", each) for each in resource["searchInclude"]]
        claimed += [("_revinclude", each) for each in resource["searchRevInclude"]]
        query = parse_search(
            standard.registry, name, tuple(claimed), base=BASE, limits=SearchLimits(includes=len(claimed))
        )
        assert len(query.includes) == len(claimed)


def test_references_are_claimed_from_both_ends(resources: dict[str, Any]) -> None:
    assert "Task:focus" in resources["Task"]["searchInclude"]
    assert "Task:focus" in resources["ServiceRequest"]["searchRevInclude"]
    assert "Observation:subject" not in resources["Observation"]["searchRevInclude"]


def test_the_compartments_are_named_by_their_definitions(statement: dict[str, Any], standard: Standard) -> None:
    claimed = {url.rpartition("/")[2] for url in statement["rest"][0]["compartment"]}
    assert {"patient", "relatedPerson"} < claimed
    assert len(claimed) == len(standard.definitions.compartments)


def test_it_says_that_the_sandbox_is_open(statement: dict[str, Any]) -> None:
    assert "no access control" in statement["rest"][0]["security"]["description"]


@pytest.mark.parametrize("kind", SEARCH_TYPES)
def test_every_modifier_that_is_claimed_is_understood_and_no_other(kind: str, standard: Standard) -> None:
    """One parameter of each kind, with every modifier that any kind has."""
    resource_type, code, plain = EXAMPLES[kind]
    parameter = standard.registry.parameters(resource_type)[code]
    assert parameter.kind == kind
    claimed = set(accepted_modifiers(parameter))
    others = {name for each in SEARCH_TYPES.values() for name in each.modifiers if name != "[type]"}
    for modifier in claimed | others | {"missing", "unheard-of"}:
        sent = ((f"{parameter.code}:{modifier}", VALUES.get(modifier, plain)),)
        try:
            parse_search(standard.registry, resource_type, sent, base=BASE)
        except FhirError as error:
            assert error.code == "modifier-unsupported", error
            assert modifier not in claimed
        else:
            assert modifier in claimed
