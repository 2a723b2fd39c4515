"""FHIRPath Patch: what is refused, how that is said, and how much a patch may ask for."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from service.fhir.definitions import load
from service.fhir.outcome import FhirError
from service.fhir.patch import apply_fhirpath_patch
from service.fhir.patch.bounds import MAX_OPERATIONS
from tests.builders.fhirpath_patch import (
    add,
    delete,
    identifiers,
    insert,
    move,
    operation,
    parameters,
    part,
    patient,
    replace,
)

DEFINITIONS = load()

REFUSED: list[tuple[str, Any, str]] = [
    ("no Parameters", {"resourceType": "Patient"}, "patch-invalid"),
    ("no object", [], "patch-invalid"),
    ("a parameter that is no operation", parameters({"name": "op", "part": []}), "patch-invalid"),
    ("no type", parameters(operation(path="Patient")), "patch-invalid"),
    ("an unknown type", parameters(operation(type="spam", path="Patient")), "patch-invalid"),
    ("no path", parameters(operation(type="delete")), "patch-invalid"),
    ("no value", parameters(operation(type="replace", path="Patient.active")), "patch-invalid"),
    ("a part too many", parameters(operation(type="delete", path="active", index=1)), "patch-invalid"),
    (
        "a part twice",
        parameters({**operation(type="delete", path="active"), "part": [part("path", "a")] * 2}),
        "patch-invalid",
    ),
    (
        "an index that is no integer",
        parameters(operation(type="insert", path="name", index="0", value={"valueHumanName": {}})),
        "patch-invalid",
    ),
    ("two values", parameters(replace("active", {"valueBoolean": True, "valueString": "x"})), "patch-invalid"),
    ("a null value", parameters(replace("active", {"valueBoolean": None})), "patch-invalid"),
    ("a value of no type", parameters(replace("active", {"valueNonsense": True})), "patch-invalid"),
    ("an unreadable path", parameters(delete("Patient.name[")), "patch-invalid"),
    ("an unknown element", parameters(delete("Patient.nam")), "patch-invalid"),
    ("a regular expression", parameters(delete("Patient.name.where(family.matches('(a+)+b'))")), "patch-invalid"),
    (
        "a path without an element to insert in",
        parameters(insert("Patient.name[0]", 0, {"valueHumanName": {}})),
        "patch-invalid",
    ),
    (
        "an anonymous value with an unknown part",
        parameters(add("Patient", "contact", {"part": [part("nam", "x")]})),
        "patch-invalid",
    ),
    (
        "an anonymous value with a part twice",
        parameters(add("Patient", "contact", {"part": [part("gender", "x")] * 2})),
        "patch-invalid",
    ),
    ("too many operations", parameters(*[delete("Patient.birthDate")] * (MAX_OPERATIONS + 1)), "patch-invalid"),
    ("several elements to replace", parameters(replace("Patient.name.given", {"valueString": "x"})), "patch-failed"),
    ("several elements to delete", parameters(delete("Patient.name.given")), "patch-failed"),
    ("no element to replace", parameters(replace("Patient.gender", {"valueCode": "x"})), "patch-failed"),
    ("no element to add to", parameters(add("Patient.name[5]", "family", {"valueString": "x"})), "patch-failed"),
    ("an element that is there", parameters(add("Patient", "active", {"valueBoolean": True})), "patch-failed"),
    ("a choice that is there", parameters(add("Patient", "deceased", {"valueDateTime": "2020"})), "patch-failed"),
    (
        "a choice of a type it cannot have",
        parameters(replace("Patient.deceased", {"valueQuantity": {}})),
        "patch-failed",
    ),
    (
        "an element that its parent does not have",
        parameters(add("Patient", "status", {"valueCode": "x"})),
        "patch-failed",
    ),
    ("an element of a primitive", parameters(add("Patient.active.extension", "x", {"valueCode": "x"})), "patch-failed"),
    ("an index out of range", parameters(insert("Patient.name", 2, {"valueHumanName": {}})), "patch-failed"),
    ("a negative index", parameters(insert("Patient.name", -1, {"valueHumanName": {}})), "patch-failed"),
    ("a move from nowhere", parameters(move("Patient.name", 1, 0)), "patch-failed"),
    ("a move to nowhere", parameters(move("Patient.name", 0, 1)), "patch-failed"),
    (
        "a list in several elements",
        parameters(insert("Patient.contact.telecom", 0, {"valueContactPoint": {}})),
        "patch-failed",
    ),
    ("a list that is none", parameters(insert("Patient.active", 0, {"valueBoolean": True})), "patch-failed"),
    ("the whole resource", parameters(delete("Patient")), "patch-failed"),
    ("a replaced resource", parameters(replace("Patient", {"resource": patient()})), "patch-failed"),
    ("a literal", parameters(delete("'x'")), "patch-failed"),
    ("an evaluation that fails", parameters(delete("Patient.name.where(given > 1)")), "patch-failed"),
    ("another id", parameters(replace("Patient.id", {"valueId": "2"})), "id-mismatch"),
    ("no id", parameters(delete("Patient.id")), "id-mismatch"),
]


@pytest.mark.parametrize("document,code", [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_does_not_apply_is_refused(document: Any, code: str) -> None:
    content = patient(active=True, name=[{"given": ["A", "B"]}], deceasedBoolean=False, contact=[{}, {}])
    before = copy.deepcopy(content)
    with pytest.raises(FhirError) as refusal:
        apply_fhirpath_patch(content, document, DEFINITIONS)
    assert refusal.value.code == code
    assert content == before


def test_a_refusal_says_which_operation_it_is_about() -> None:
    document = parameters(delete("Patient.active"), replace("Patient.gender", {"valueCode": "other"}))
    with pytest.raises(FhirError) as refusal:
        apply_fhirpath_patch(patient(), document, DEFINITIONS)
    assert refusal.value.issues[0].expression == ("Parameters.parameter[1]",)


def test_a_refusal_does_not_repeat_what_a_path_says() -> None:
    document = parameters(delete("Patient.name.where(family = 'Secret').given"), delete("Patient.name.single("))
    with pytest.raises(FhirError) as refusal:
        apply_fhirpath_patch(patient(name=[{"family": "Secret", "given": ["A", "B"]}]), document, DEFINITIONS)
    assert "Secret" not in str(refusal.value)


def test_paths_that_multiply_their_work_are_given_up() -> None:
    path = "descendants().where(%resource.descendants().where($this = %resource.descendants()).exists())"
    content = patient(identifier=identifiers(*map(str, range(2000))))
    with pytest.raises(FhirError, match="visits more items"):
        apply_fhirpath_patch(content, parameters(*[delete(path)] * 100), DEFINITIONS)
