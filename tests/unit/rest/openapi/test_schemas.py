"""The schemas of the resources accept what the service accepts, and refuse what a schema can refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

from service.fhir import codec
from service.rest.openapi import build
from service.rest.openapi.examples import example_files, example_of, stored
from tests.builders.referral import referral_bundle
from tests.builders.resources import observation, patient, service_request

if TYPE_CHECKING:
    from service.assembly import Standard

Json = dict[str, Any]

REFERRAL = service_request("Patient/1", "PractitionerRole/1")


@pytest.fixture(scope="module")
def schemas(standard: Standard) -> Json:
    written: Json = build(standard.definitions, standard.registry, version="1")["components"]["schemas"]
    return written


@pytest.fixture(scope="module")
def resource(schemas: Json) -> jsonschema_rs.Draft202012Validator:
    """The schema of any resource."""
    whole = {"$ref": "#/components/schemas/Resource", "components": {"schemas": schemas}}
    return jsonschema_rs.Draft202012Validator(whole)


def test_every_example_of_a_type_is_valid_for_the_service_and_for_the_schema(
    standard: Standard, resource: jsonschema_rs.Draft202012Validator
) -> None:
    for name in standard.definitions.resource_types:
        for content in (example_of(name, standard.definitions), stored(example_of(name, standard.definitions))):
            assert standard.validator.issues(content, name) == []
            assert resource.is_valid(content), name


def test_the_referral_is_valid_for_the_service_and_for_the_schema(
    standard: Standard, resource: jsonschema_rs.Draft202012Validator
) -> None:
    for content in (codec.decode(example_files()["referral"]), referral_bundle()):
        assert standard.validator.issues(content, "Bundle") == []
        assert resource.is_valid(content)


ACCEPTED = {
    "a primitive with its twin": patient(_birthDate={"extension": [{"url": "urn:a", "valueString": "noon"}]}),
    "twins in an array": patient(
        name=[{"given": ["Pat", "Q"], "_given": [None, {"extension": [{"url": "urn:a", "valueCode": "MID"}]}]}]
    ),
    "one of a choice": observation("Patient/1"),
    "a choice by its twin alone": {
        **{name: value for name, value in observation("Patient/1").items() if name != "valueQuantity"},
        "_valueString": {"extension": [{"url": "urn:a", "valueCode": "unknown"}]},
    },
    "a contained resource": REFERRAL | {"subject": {"reference": "#p"}, "contained": [patient(id="p")]},
    "a contained resource of a type that is not served": REFERRAL
    | {"specimen": [{"reference": "#s"}], "contained": [{"resourceType": "Specimen", "id": "s"}]},
    "a recursive element": {
        "resourceType": "Questionnaire",
        "status": "active",
        "item": [{"linkId": "1", "type": "group", "item": [{"linkId": "1.1", "type": "boolean"}]}],
    },
}

REFUSED = {
    "an unknown element": patient(shoeSize=42),
    "an unknown element of a data type": patient(name=[{"familyName": "Example"}]),
    "a code outside of its value set": patient(gender="f"),
    "a date in another form": patient(birthDate="29.02.1980"),
    "a text for a boolean": patient(active="true"),
    "one value for an array": patient(name={"family": "Example"}),
    "an empty array": patient(name=[]),
    "null": patient(birthDate=None),
    "a missing element": {name: value for name, value in REFERRAL.items() if name != "subject"},
    "two of a choice": observation("Patient/1", valueString="4"),
    "one of a choice and the twin of another": observation("Patient/1", _valueString={"id": "a"}),
    "an unknown type": {"resourceType": "Massage"},
    "no type": {"status": "active"},
    "an unknown contained element": REFERRAL | {"contained": [patient(shoeSize=42)]},
    "an unknown element deep down": {
        "resourceType": "Questionnaire",
        "status": "active",
        "item": [{"linkId": "1", "type": "group", "item": [{"linkId": "1.1", "kind": "boolean"}]}],
    },
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_what_r4_allows_is_accepted(
    standard: Standard, resource: jsonschema_rs.Draft202012Validator, case: str
) -> None:
    """By the service, too."""
    content = ACCEPTED[case]
    assert [issue.diagnostics for issue in standard.validator.issues(content, content["resourceType"])] == []
    assert resource.is_valid(content)


@pytest.mark.parametrize("case", REFUSED)
def test_what_r4_forbids_is_refused(
    standard: Standard, resource: jsonschema_rs.Draft202012Validator, case: str
) -> None:
    """By the service, too."""
    content = REFUSED[case]
    assert not resource.is_valid(content)
    if content.get("resourceType") in standard.definitions.resource_types:
        assert standard.validator.issues(content, content["resourceType"]) != []


def test_a_required_choice_must_be_there(schemas: Json) -> None:
    """MedicationStatement.medication[x]."""
    whole = {"$ref": "#/components/schemas/MedicationStatement", "components": {"schemas": schemas}}
    content: Json = {"resourceType": "MedicationStatement", "status": "active", "subject": {"reference": "Patient/1"}}
    assert not jsonschema_rs.is_valid(whole, content)
    assert jsonschema_rs.is_valid(whole, content | {"medicationReference": {"reference": "Medication/1"}})
