"""FHIRPath Patch: what each operation does to a resource, and what is refused.

Covers every case of HL7's own test suite for FHIRPath Patch, on resources of our own.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest

from service.fhir.definitions import load
from service.fhir.outcome import FhirError
from service.fhir.patch import apply_fhirpath_patch
from service.fhir.patch.bounds import MAX_OPERATIONS

Json = dict[str, Any]

DEFINITIONS = load()


def part(name: str, value: Any) -> Json:
    """A part: of a string, a code or an integer by the name; of any value as a dict of its JSON properties."""
    if name == "type":
        return {"name": name, "valueCode": value}
    if isinstance(value, int):
        return {"name": name, "valueInteger": value}
    return {"name": name, **value} if isinstance(value, dict) else {"name": name, "valueString": value}


def operation(**parts: Any) -> Json:
    """An operation of a FHIRPath Patch."""
    return {"name": "operation", "part": [part(name, value) for name, value in parts.items()]}


def parameters(*operations: Json) -> Json:
    """A FHIRPath Patch."""
    return {"resourceType": "Parameters", "parameter": list(operations)}


def patient(**elements: Any) -> Json:
    """A patient with some elements."""
    return {"resourceType": "Patient", "id": "1", **elements}


def identifiers(*values: str) -> list[Json]:
    """Identifiers with these values."""
    return [{"system": "http://example.org", "value": value} for value in values]


def replace(path: str, value: Json) -> Json:
    return operation(type="replace", path=path, value=value)


def add(path: str, name: str, value: Json) -> Json:
    return operation(type="add", path=path, name=name, value=value)


def insert(path: str, index: int, value: Json) -> Json:
    return operation(type="insert", path=path, index=index, value=value)


def move(path: str, source: int, destination: int) -> Json:
    return operation(type="move", path=path, source=source, destination=destination)


def delete(path: str) -> Json:
    return operation(type="delete", path=path)


CONTACT = {"name": {"text": "a name"}, "gender": "other"}
FOUR = identifiers("1", "2", "3", "4")
NOTED = {"extension": [{"url": "http://example.org/note", "valueString": "noted"}]}

APPLIED: list[tuple[str, Json, list[Json], Json]] = [
    ("nothing", patient(), [], patient()),
    (
        "replace a primitive",
        patient(birthDate="1920-01-01"),
        [replace("Patient.birthDate", {"valueDate": "1930-01-01"})],
        patient(birthDate="1930-01-01"),
    ),
    ("delete a primitive", patient(birthDate="1920-01-01"), [delete("Patient.birthDate")], patient()),
    ("delete nothing", patient(), [delete("Patient.birthDate")], patient()),
    (
        "add a primitive",
        patient(),
        [add("Patient", "birthDate", {"valueDate": "1930-01-01"})],
        patient(birthDate="1930-01-01"),
    ),
    (
        "replace nested primitives",
        patient(contact=[CONTACT]),
        [
            replace("Patient.contact[0].gender", {"valueCode": "unknown"}),
            replace("Patient.contact[0].name.text", {"valueString": "the name"}),
        ],
        patient(contact=[{"name": {"text": "the name"}, "gender": "unknown"}]),
    ),
    (
        "delete the last element of an element",
        patient(contact=[CONTACT]),
        [delete("Patient.contact[0].name.text")],
        patient(contact=[{"gender": "other"}]),
    ),
    (
        "delete the last element of a list's only element",
        patient(contact=[{"gender": "other"}]),
        [delete("Patient.contact.gender")],
        patient(),
    ),
    (
        "add a nested primitive",
        patient(contact=[{"name": {"text": "a name"}}]),
        [add("Patient.contact[0]", "gender", {"valueCode": "other"})],
        patient(contact=[CONTACT]),
    ),
    (
        "add a complex value",
        patient(),
        [add("Patient", "maritalStatus", {"valueCodeableConcept": {"text": "married"}})],
        patient(maritalStatus={"text": "married"}),
    ),
    (
        "replace a complex value as a whole",
        patient(maritalStatus={"id": "1", "text": "married"}),
        [replace("Patient.maritalStatus", {"valueCodeableConcept": {"text": "unknown"}})],
        patient(maritalStatus={"text": "unknown"}),
    ),
    ("delete a complex value", patient(maritalStatus={"text": "x"}), [delete("Patient.maritalStatus")], patient()),
    (
        "add an anonymous value",
        patient(contact=[CONTACT]),
        [
            add(
                "Patient",
                "contact",
                {
                    "part": [
                        part("name", {"valueHumanName": {"text": "b name"}}),
                        part("telecom", {"valueContactPoint": {"value": "1"}}),
                        part("telecom", {"valueContactPoint": {"value": "2"}}),
                        part("gender", {"valueCode": "male", "_valueCode": NOTED}),
                    ]
                },
            )
        ],
        patient(
            contact=[
                CONTACT,
                {
                    "name": {"text": "b name"},
                    "telecom": [{"value": "1"}, {"value": "2"}],
                    "gender": "male",
                    "_gender": NOTED,
                },
            ]
        ),
    ),
    ("delete an anonymous value", patient(contact=[CONTACT]), [delete("Patient.contact[0]")], patient()),
    (
        "change the contents of a list",
        patient(identifier=identifiers("1", "2")),
        [
            replace("Patient.identifier[0].value", {"valueString": "2"}),
            replace("Patient.identifier[1].value", {"valueString": "1"}),
        ],
        patient(identifier=identifiers("2", "1")),
    ),
    (
        "insert at the end, between and at the start",
        patient(identifier=identifiers("1", "2")),
        [
            insert("Patient.identifier", 2, {"valueIdentifier": FOUR[2]}),
            insert("Patient.identifier", 1, {"valueIdentifier": FOUR[3]}),
            insert("Patient.identifier", 0, {"valueIdentifier": FOUR[0]}),
        ],
        patient(identifier=identifiers("1", "1", "4", "2", "3")),
    ),
    (
        "insert into a list that is not there",
        patient(),
        [insert("Patient.identifier", 0, {"valueIdentifier": FOUR[0]})],
        patient(identifier=identifiers("1")),
    ),
    (
        "delete from a list",
        patient(identifier=FOUR),
        [delete("Patient.identifier[0]"), delete("Patient.identifier.where(value = '3')")],
        patient(identifier=identifiers("2", "4")),
    ),
    (
        "move backwards",
        patient(identifier=FOUR),
        [move("Patient.identifier", 3, 1)],
        patient(identifier=identifiers("1", "4", "2", "3")),
    ),
    (
        "move forwards",
        patient(identifier=FOUR),
        [move("Patient.identifier", 0, 3)],
        patient(identifier=identifiers("2", "3", "4", "1")),
    ),
    (
        "move several times",
        patient(identifier=FOUR),
        [move("identifier", 3, 0), move("identifier", 3, 1), move("identifier", 3, 2)],
        patient(identifier=identifiers("4", "3", "2", "1")),
    ),
    (
        "operations that build on each other",
        patient(),
        [
            add("Patient", "contact", {"part": [part("gender", {"valueCode": "male"})]}),
            add("Patient.contact[0]", "name", {"valueHumanName": {"family": "Example"}}),
            add("Patient.contact[0].name", "given", {"valueString": "Alex"}),
            add("Patient.contact[0].name", "given", {"valueString": "Billie"}),
        ],
        patient(contact=[{"gender": "male", "name": {"family": "Example", "given": ["Alex", "Billie"]}}]),
    ),
    (
        "add a choice",
        patient(),
        [add("Patient", "deceased", {"valueBoolean": True})],
        patient(deceasedBoolean=True),
    ),
    (
        "replace a choice by another type",
        patient(deceasedBoolean=True, _deceasedBoolean=NOTED),
        [replace("Patient.deceased", {"valueDateTime": "2020"})],
        patient(deceasedDateTime="2020"),
    ),
    ("delete a choice", patient(deceasedBoolean=True), [delete("Patient.deceased")], patient()),
    (
        "add an extension",
        patient(),
        [
            add(
                "Patient",
                "extension",
                {
                    "part": [
                        part("url", {"valueUri": "http://example.org"}),
                        part("value", {"valueCode": "a"}),
                    ]
                },
            )
        ],
        patient(extension=[{"url": "http://example.org", "valueCode": "a"}]),
    ),
    (
        "replace the value of one extension",
        patient(extension=[{"url": "http://example.org/a", "valueCode": "a"}, NOTED["extension"][0]]),
        [replace("Patient.extension('http://example.org/note').value", {"valueInteger": 1})],
        patient(
            extension=[
                {"url": "http://example.org/a", "valueCode": "a"},
                {"url": "http://example.org/note", "valueInteger": 1},
            ]
        ),
    ),
    (
        "delete the extension of a primitive",
        patient(birthDate="2000", _birthDate=NOTED),
        [delete("Patient.birthDate.extension('http://example.org/note')")],
        patient(birthDate="2000"),
    ),
    (
        "add an extension to a primitive",
        patient(birthDate="2000"),
        [
            add(
                "Patient.birthDate",
                "extension",
                {
                    "part": [
                        part("url", {"valueUri": "http://example.org/note"}),
                        part("value", {"valueString": "noted"}),
                    ]
                },
            )
        ],
        patient(birthDate="2000", _birthDate=NOTED),
    ),
    (
        "add an extension to a primitive in a list",
        patient(name=[{"given": ["A", "B"]}]),
        [
            add(
                "Patient.name.given[1]",
                "extension",
                {"part": [part("url", {"valueUri": "http://example.org"}), part("value", {"valueCode": "a"})]},
            )
        ],
        patient(
            name=[
                {
                    "given": ["A", "B"],
                    "_given": [None, {"extension": [{"url": "http://example.org", "valueCode": "a"}]}],
                }
            ]
        ),
    ),
    (
        "keep the extensions of a list's primitives beside them",
        patient(name=[{"given": ["A", "B", "C"], "_given": [None, NOTED, None]}]),
        [
            delete("Patient.name.given[0]"),
            insert("Patient.name.given", 0, {"valueString": "D", "_valueString": {"id": "d"}}),
            move("Patient.name.given", 2, 0),
        ],
        patient(name=[{"given": ["C", "D", "B"], "_given": [None, {"id": "d"}, NOTED]}]),
    ),
    (
        "replace a primitive of a list and its extensions",
        patient(name=[{"given": ["A", "B"], "_given": [None, NOTED]}]),
        [replace("Patient.name[0].given[1]", {"valueString": "C"})],
        patient(name=[{"given": ["A", "C"]}]),
    ),
    (
        "add a contained resource",
        patient(),
        [add("Patient", "contained", {"resource": {"resourceType": "Organization", "id": "o", "name": "O"}})],
        patient(contained=[{"resourceType": "Organization", "id": "o", "name": "O"}]),
    ),
    (
        "change a contained resource",
        patient(contained=[{"resourceType": "Organization", "id": "o", "name": "O"}]),
        [replace("Patient.contained.where(id = 'o').name", {"valueString": "P"})],
        patient(contained=[{"resourceType": "Organization", "id": "o", "name": "P"}]),
    ),
    (
        "a path from the resource's elements",
        patient(active=True),
        [replace("active", {"valueBoolean": False})],
        patient(active=False),
    ),
]

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


@pytest.mark.parametrize("content,operations,expected", [row[1:] for row in APPLIED], ids=[row[0] for row in APPLIED])
def test_a_patch_changes_what_it_says_and_nothing_else(content: Json, operations: list[Json], expected: Json) -> None:
    before, document = copy.deepcopy(content), parameters(*operations)
    sent = copy.deepcopy(document)
    assert apply_fhirpath_patch(content, document, DEFINITIONS) == expected
    assert (content, document) == (before, sent)


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
