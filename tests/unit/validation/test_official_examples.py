"""HL7's official examples: valid, save for those that break R4's own rules, and the same after reading and writing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from service.fhir.codec import decode, encode
from tests.examples import DEFINITION_TYPES, Pack, official_examples

if TYPE_CHECKING:
    from service.fhir.definitions import Definitions
    from service.fhir.validation import Validator

BREAK_R4: Final = {
    "ActivityDefinition-blood-tubes-supply.json": ("narrative-invalid", "txt-2: the narrative is blank"),
    "ActivityDefinition-heart-valve-replacement.json": ("narrative-invalid", "txt-2: the narrative is blank"),
    "Bundle-b0a5e4277-83c4-4adb-87e2-e3efe3369b6f.json": (
        "code-invalid",
        "Endpoint.payloadMimeType is bound to media types; parameters with blanks must be quoted (RFC 9110, 5.6.6)",
    ),
    "DeviceMetric-example.json": ("reference-type", "DeviceMetric.parent may point at Device, not DeviceDefinition"),
    "DeviceUseStatement-example.json": (
        "reference-type",
        "DeviceUseStatement.reasonReference may not point at Procedure",
    ),
    "EventDefinition-example.json": ("narrative-invalid", "txt-2: the narrative is blank"),
    "MedicationRequest-medrx0301.json": (
        "reference-type",
        "MedicationRequest.dispenseRequest.performer may point at Organization, not Practitioner",
    ),
    "Observation-clinical-gender.json": ("reference-type", "Observation.performer may not point at Encounter"),
    "Questionnaire-qs1.json": ("element-missing", "Questionnaire.item.linkId is required"),
    "Questionnaire-zika-virus-exposure-assessment.json": ("narrative-invalid", "txt-2: the narrative is blank"),
    "StructureDefinition-Definition.json": ("invariant", "sdf-4: not abstract and without baseDefinition"),
    "StructureDefinition-Event.json": ("invariant", "sdf-4: not abstract and without baseDefinition"),
    "StructureDefinition-FiveWs.json": ("invariant", "sdf-4: not abstract and without baseDefinition"),
    "StructureDefinition-Request.json": ("invariant", "sdf-4: not abstract and without baseDefinition"),
    "SearchParameter-questionnaireresponse-extensions-QuestionnaireResponse-item-subject.json": (
        "id-invalid",
        "Resource.id has more than 64 characters",
    ),
    **{
        f"SearchParameter-{name}.json": ("element-missing", "SearchParameter.base is required")
        for name in (
            "codesystem-extensions-CodeSystem-author",
            "codesystem-extensions-CodeSystem-effective",
            "codesystem-extensions-CodeSystem-end",
            "codesystem-extensions-CodeSystem-keyword",
            "codesystem-extensions-CodeSystem-workflow",
            "valueset-extensions-ValueSet-author",
            "valueset-extensions-ValueSet-effective",
            "valueset-extensions-ValueSet-end",
            "valueset-extensions-ValueSet-keyword",
            "valueset-extensions-ValueSet-workflow",
        )
    },
}
"""File → the error code that it is refused with, and the rule of R4 that it breaks."""


@pytest.mark.parametrize("pack", ["clinical", "definitions"])
def test_an_official_example_is_valid_unless_it_breaks_r4(pack: Pack, validator: Validator) -> None:
    """The examples that are refused are the ones above, each with its error code."""
    refused = {}
    for example in official_examples(pack):
        issues = validator.issues(decode(example.data), example.type)
        if issues:
            refused[example.file] = {issue.code for issue in issues}
    known = {example.file for example in official_examples(pack)} & BREAK_R4.keys()
    assert refused == {file: {BREAK_R4[file][0]} for file in known}


@pytest.mark.parametrize("pack", ["clinical", "definitions"])
def test_an_official_example_is_written_as_it_was_read(pack: Pack) -> None:
    """Reading and writing gives the same bytes: decimals by their text, members in their order."""
    altered = [item.file for item in official_examples(pack) if encode(decode(item.data)) != item.data]
    assert altered == []


def test_every_served_type_has_an_official_example(definitions: Definitions) -> None:
    """A type without an example would be a type that nothing was tried on."""
    tried = {example.type for example in official_examples("clinical")} | DEFINITION_TYPES
    assert set(definitions.resource_types) <= tried
