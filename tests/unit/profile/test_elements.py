"""What a profile says of one element: how often, of which type, with which value, out of which codes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from service.fhir.code_systems import LOINC
from tests.unit.profile.making import CORE, element, found, made, structure, told

Json = dict[str, Any]

CODED: Json = {"coding": [{"system": LOINC, "code": "72514-3", "display": "Pain"}], "text": "Pain"}
COLOURS = "https://example.org/ValueSet/colours"
CODES = {COLOURS: {"urn:colours": frozenset({"red", "green"})}}

TO_PATIENT: list[Json] = [{"code": "Reference", "targetProfile": [f"{CORE}/Patient"]}]

CASES: list[tuple[str, list[Json], Json, list[tuple[str, str]]]] = [
    ("min: there", [element("Patient.birthDate", min=1)], {"birthDate": "1970-01-01"}, []),
    ("min: not there", [element("Patient.birthDate", min=1)], {}, [("required", "Patient.birthDate")]),
    ("min: only an extension", [element("Patient.birthDate", min=1)], {"_birthDate": {"extension": [{}]}}, []),
    ("min of two", [element("Patient.name", min=2)], {"name": [{"text": "a"}]}, [("required", "Patient.name")]),
    ("max", [element("Patient.name", max="1")], {"name": [{}, {}]}, [("structure", "Patient.name")]),
    ("max 0", [element("Patient.photo", max="0")], {"photo": [{}]}, [("structure", "Patient.photo")]),
    ("max 0 of one", [element("Patient.gender", max="0")], {"gender": "male"}, [("structure", "Patient.gender")]),
    ("max 0 of a twin", [element("Patient.gender", max="0")], {"_gender": {}}, [("structure", "Patient.gender")]),
    ("below an element that is absent", [element("Patient.contact.name", min=1)], {}, []),
    (
        "below each that is there",
        [element("Patient.contact.name", min=1)],
        {"contact": [{"name": {}}, {"gender": "male"}]},
        [("required", "Patient.contact[1].name")],
    ),
    (
        "below a data type",
        [element("Patient.name.family", min=1)],
        {"name": [{"text": "a"}]},
        [("required", "Patient.name[0].family")],
    ),
    (
        "an extension of a primitive",
        [element("Patient.birthDate.extension", min=1)],
        {"birthDate": "1970-01-01"},
        [("required", "Patient.birthDate.extension")],
    ),
    ("fixed", [element("Observation.status", fixedCode="final")], {"status": "final"}, []),
    (
        "fixed: another",
        [element("Observation.status", fixedCode="final")],
        {"status": "amended"},
        [("value", "Observation.status")],
    ),
    ("fixed of a complex type", [element("Observation.code", fixedCodeableConcept=CODED)], {"code": CODED}, []),
    (
        "fixed: something more",
        [element("Observation.code", fixedCodeableConcept={"text": "Pain"})],
        {"code": CODED},
        [("value", "Observation.code")],
    ),
    (
        "pattern: something more",
        [element("Observation.code", patternCodeableConcept={"text": "Pain"})],
        {"code": CODED},
        [],
    ),
    (
        "pattern: an item among others",
        [element("Observation.code", patternCodeableConcept={"coding": [{"code": "72514-3"}]})],
        {"code": {"coding": [{"code": "other"}, {"code": "72514-3"}]}},
        [],
    ),
    (
        "pattern: over two items",
        [element("Observation.code", patternCodeableConcept={"coding": [{"system": LOINC, "code": "72514-3"}]})],
        {"code": {"coding": [{"system": LOINC}, {"code": "72514-3"}]}},
        [("value", "Observation.code")],
    ),
    (
        "numbers by value",
        [element("Observation.value[x]", patternQuantity={"value": Decimal("4.50")})],
        {"valueQuantity": {"value": Decimal("4.5")}},
        [],
    ),
    (
        "true is not 1",
        [element("Patient.multipleBirth[x]", fixedInteger=1)],
        {"multipleBirthBoolean": True},
        [("value", "Patient.multipleBirthBoolean")],
    ),
    (
        "minValue and maxValue of integers",
        [element("Patient.multipleBirth[x]", type=[{"code": "integer"}], minValueInteger=1, maxValueInteger=3)],
        {"multipleBirthInteger": 4},
        [("value", "Patient.multipleBirthInteger")],
    ),
    (
        "minValue of dates",
        [element("Patient.birthDate", minValueDate="1900-01-01")],
        {"birthDate": "1899-12-31"},
        [("value", "Patient.birthDate")],
    ),
    (
        "minValue of dates: not told",
        [element("Patient.birthDate", minValueDate="1900-02-01")],
        {"birthDate": "1900"},
        [],
    ),
    (
        "maxValue of quantities in another unit",
        [element("Observation.value[x]", maxValueQuantity={"value": 1, "code": "m"})],
        {"valueQuantity": {"value": 101, "code": "cm"}},
        [("value", "Observation.valueQuantity")],
    ),
    (
        "maxValue of quantities that do not compare",
        [element("Observation.value[x]", maxValueQuantity={"value": 1, "code": "m"})],
        {"valueQuantity": {"value": 0, "code": "kg"}},
        [("value", "Observation.valueQuantity")],
    ),
    (
        "maxLength",
        [element("Patient.name.family", maxLength=3)],
        {"name": [{"family": "abcd"}]},
        [("value", "Patient.name[0].family")],
    ),
    (
        "types of a choice",
        [element("Observation.value[x]", type=[{"code": "Quantity"}, {"code": "string"}])],
        {"valueBoolean": True},
        [("structure", "Observation.valueBoolean")],
    ),
    (
        "a choice that is required",
        [element("Observation.value[x]", min=1)],
        {},
        [("required", "Observation.value")],
    ),
    (
        "the JSON name of a choice: another type is free",
        [element("Observation.valueQuantity", max="0")],
        {"valueString": "a"},
        [],
    ),
    (
        "the JSON name of a choice: never",
        [element("Observation.valueQuantity", max="0")],
        {"valueQuantity": {}},
        [("structure", "Observation.value")],
    ),
    (
        "inside of a choice by its JSON name",
        [element("Observation.valueQuantity.code", min=1)],
        {"valueQuantity": {"value": 1}},
        [("required", "Observation.valueQuantity.code")],
    ),
    (
        "inside of a choice of one type",
        [element("Observation.value[x]", type=[{"code": "Quantity"}]), element("Observation.value[x].code", min=1)],
        {"valueQuantity": {"value": 1}},
        [("required", "Observation.valueQuantity.code")],
    ),
    (
        "targets of a reference",
        [element("Observation.subject", type=TO_PATIENT)],
        {"subject": {"reference": "Group/1"}},
        [("value", "Observation.subject")],
    ),
    (
        "a target that nothing tells",
        [element("Observation.subject", type=TO_PATIENT)],
        {"subject": {"reference": "urn:uuid:0a2f1c4e-0000-4000-8000-000000000000"}},
        [],
    ),
    (
        "a target by Reference.type",
        [element("Observation.subject", type=TO_PATIENT)],
        {"subject": {"type": "Group", "display": "all"}},
        [("value", "Observation.subject")],
    ),
    (
        "references that have to be contained",
        [element("Observation.subject", type=[{"code": "Reference", "aggregation": ["contained"]}])],
        {"subject": {"reference": "Patient/1"}},
        [("value", "Observation.subject")],
    ),
    (
        "a resource of a type",
        [element("Bundle.entry.resource", type=[{"code": "Patient"}])],
        {"entry": [{"resource": {"resourceType": "Group"}}]},
        [("structure", "Bundle.entry[0].resource.resourceType")],
    ),
    (
        "an invariant of an element",
        [
            element(
                "Patient.name",
                constraint=[{"key": "n", "severity": "error", "human": "h", "expression": "family.exists()"}],
            )
        ],
        {"name": [{"family": "a"}, {"text": "b"}]},
        [("invariant", "Patient.name[1]")],
    ),
    (
        "an invariant that gives nothing",
        [element("Patient.name", constraint=[{"key": "n", "severity": "error", "human": "h", "expression": "{}"}])],
        {"name": [{}]},
        [("invariant", "Patient.name[0]")],
    ),
    (
        "content that refers to itself",
        [element("Questionnaire.item", min=1), element("Questionnaire.item.text", min=1)],
        {"item": [{"text": "a", "item": [{"text": "b", "item": [{"linkId": "c"}]}]}]},
        [("required", "Questionnaire.item[0].item[0].item[0].text")],
    ),
]


@pytest.mark.parametrize("elements, content, expected", [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_content_is_held_against_an_element(
    elements: list[Json], content: Json, expected: list[tuple[str, str]]
) -> None:
    """Each breach is told once, with its kind and its place."""
    profile = made(elements[0]["id"].partition(".")[0], *elements)
    assert told(profile, content) == expected


@pytest.mark.parametrize("strength, severity", [("required", "error"), ("extensible", "warning")])
@pytest.mark.parametrize(
    "value, is_in",
    [
        ({"coding": [{"system": "urn:other", "code": "red"}, {"system": "urn:colours", "code": "red"}]}, True),
        ({"coding": [{"system": "urn:other", "code": "red"}]}, False),
        ({"coding": [{"system": "urn:colours", "code": "blue"}]}, False),
        ({"text": "red"}, False),
    ],
)
def test_a_binding_is_kept_by_one_coding_of_the_value_set(
    strength: str, severity: str, value: Json, *, is_in: bool
) -> None:
    """Of a required binding the breach is an error, of an extensible one a warning."""
    profile = made(
        "Observation", element("Observation.code", binding={"strength": strength, "valueSet": COLOURS}), codes=CODES
    )
    issues = found(profile, {"code": value}, warnings=True)
    assert [issue.severity for issue in issues] == ([] if is_in else [severity])


def test_codes_and_quantities_are_bound_as_well() -> None:
    """A code by itself belongs to the value set with any system."""
    bound = {"strength": "required", "valueSet": COLOURS}
    profile = made(
        "Observation",
        element("Observation.status", binding=bound),
        element("Observation.valueQuantity", binding=bound),
        codes=CODES,
    )
    right = {"status": "red", "valueQuantity": {"system": "urn:colours", "code": "red"}}
    assert told(profile, right) == []
    wrong = {"status": "final", "valueQuantity": {"system": "urn:colours", "code": "1"}}
    assert told(profile, wrong) == [
        ("code-invalid", "Observation.status"),
        ("code-invalid", "Observation.valueQuantity"),
    ]


def test_an_extensible_binding_may_have_a_required_limit() -> None:
    """maxValueSet: https://hl7.org/fhir/R4/extension-elementdefinition-maxvalueset.html"""
    limit = {
        "url": "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet",
        "valueCanonical": COLOURS,
    }
    bound = {"strength": "preferred", "valueSet": "https://example.org/ValueSet/other", "extension": [limit]}
    profile = made("Observation", element("Observation.code", binding=bound), codes=CODES)
    assert told(profile, {"code": {"text": "red"}}) == [("code-invalid", "Observation.code")]


def test_an_invariant_may_be_a_warning() -> None:
    """It is told to who validates, and refuses nothing."""
    rule = {"key": "w", "severity": "warning", "human": "Better with a name.", "expression": "name.exists()"}
    base = structure("Patient")
    base["differential"]["element"][0]["constraint"] = [rule]
    profile = made("Patient", differential=base["differential"])
    assert found(profile, {}) == []
    (issue,) = found(profile, {}, warnings=True)
    assert (issue.severity, issue.diagnostics.partition(" (")[0]) == ("warning", "Better with a name.")


def test_no_message_quotes_what_was_sent() -> None:
    """Only what the profile says."""
    profile = made(
        "Patient",
        element("Patient.name.family", maxLength=3, patternString="Ann"),
        element("Patient.birthDate", fixedDate="1970-01-01"),
        element(
            "Patient.identifier", slicing={"discriminator": [{"type": "value", "path": "system"}], "rules": "closed"}
        ),
        element("Patient.identifier:a", max="1"),
        element("Patient.identifier:a.system", fixedUri="urn:a"),
    )
    content = {
        "name": [{"family": "Secretfamily"}],
        "birthDate": "1955-05-05",
        "identifier": [{"system": "urn:secret", "value": "secretvalue"}],
    }
    text = " ".join(issue.diagnostics for issue in found(profile, content))
    assert len(text) > 100
    assert not {word for word in ("Secret", "1955", "secret") if word in text}


def test_a_message_says_what_would_be_accepted() -> None:
    """And names the element, its slice and the profile."""
    profile = made(
        "Observation",
        element("Observation.status", fixedCode="final"),
        element("Observation.subject", min=1),
        version="2",
    )
    texts = [issue.diagnostics for issue in found(profile, {"status": "amended"})]
    profile_url = "(profile https://example.org/StructureDefinition/made-up|2)"
    assert texts == [
        f"status must be final. {profile_url}",
        f"subject is required, as a Reference to a Patient or Group or Device or Location. {profile_url}",
    ]
