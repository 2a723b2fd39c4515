"""FHIRPath Patch: what each operation does to a resource, and what is refused.

Covers every case of HL7's own test suite for FHIRPath Patch, on resources of our own.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest

from service.fhir.definitions import load
from service.fhir.patch import apply_fhirpath_patch
from tests.builders.fhirpath_patch import add, delete, identifiers, insert, move, parameters, part, patient, replace

Json = dict[str, Any]

DEFINITIONS = load()


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


@pytest.mark.parametrize("content,operations,expected", [row[1:] for row in APPLIED], ids=[row[0] for row in APPLIED])
def test_a_patch_changes_what_it_says_and_nothing_else(content: Json, operations: list[Json], expected: Json) -> None:
    before, document = copy.deepcopy(content), parameters(*operations)
    sent = copy.deepcopy(document)
    assert apply_fhirpath_patch(content, document, DEFINITIONS) == expected
    assert (content, document) == (before, sent)
