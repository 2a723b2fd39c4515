"""JSON Patch: what each operation does to a patient, and what is refused."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest

from service.fhir.outcome import FhirError
from service.fhir.patch import apply_json_patch
from service.fhir.patch.bounds import MAX_OPERATIONS

Json = dict[str, Any]

PATIENT: Json = {
    "resourceType": "Patient",
    "id": "1",
    "active": True,
    "name": [{"family": "Example", "given": ["Alex", "Billie"]}],
    "multipleBirthInteger": 1,
    "extension": [{"url": "http://example.org/a~b/c", "valueDecimal": Decimal("1.50")}],
}

APPLIED: list[tuple[str, list[Json], Json]] = [
    ("nothing", [], {}),
    ("add an element", [{"op": "add", "path": "/gender", "value": "other"}], {"gender": "other"}),
    ("add over an element", [{"op": "add", "path": "/active", "value": False}], {"active": False}),
    (
        "add into an array",
        [{"op": "add", "path": "/name/0/given/1", "value": "Charlie"}],
        {"name": [{"family": "Example", "given": ["Alex", "Charlie", "Billie"]}]},
    ),
    (
        "add at the end of an array",
        [{"op": "add", "path": "/name/0/given/-", "value": "Charlie"}],
        {"name": [{"family": "Example", "given": ["Alex", "Billie", "Charlie"]}]},
    ),
    (
        "add right behind an array",
        [{"op": "add", "path": "/name/0/given/2", "value": "Charlie"}],
        {"name": [{"family": "Example", "given": ["Alex", "Billie", "Charlie"]}]},
    ),
    (
        "remove from an array",
        [{"op": "remove", "path": "/name/0/given/0"}],
        {"name": [{"family": "Example", "given": ["Billie"]}]},
    ),
    (
        "remove what leaves an array empty",
        [{"op": "remove", "path": "/name/0/given/0"}, {"op": "remove", "path": "/name/0/given/0"}],
        {"name": [{"family": "Example"}]},
    ),
    (
        "replace",
        [{"op": "replace", "path": "/name/0/family", "value": "Sample"}],
        {"name": [{"family": "Sample", "given": ["Alex", "Billie"]}]},
    ),
    (
        "move within an array",
        [{"op": "move", "from": "/name/0/given/1", "path": "/name/0/given/0"}],
        {"name": [{"family": "Example", "given": ["Billie", "Alex"]}]},
    ),
    ("move to itself", [{"op": "move", "from": "/name/0", "path": "/name/0"}], {}),
    (
        "copy",
        [{"op": "copy", "from": "/name/0", "path": "/name/-"}],
        {"name": [{"family": "Example", "given": ["Alex", "Billie"]}] * 2},
    ),
    ("test text", [{"op": "test", "path": "/name/0/family", "value": "Example"}], {}),
    ("test a number by its value", [{"op": "test", "path": "/multipleBirthInteger", "value": Decimal("1.0")}], {}),
    (
        "test an object in any order",
        [{"op": "test", "path": "/name/0", "value": dict(reversed(PATIENT["name"][0].items()))}],
        {},
    ),
    ("test the whole resource", [{"op": "test", "path": "", "value": PATIENT}], {}),
    (
        "escapes",
        [{"op": "add", "path": "/a~1b~01", "value": 1}, {"op": "move", "from": "/a~1b~01", "path": "/c"}],
        {"c": 1},
    ),
    ("members that RFC 6902 does not know", [{"op": "test", "path": "/active", "value": True, "note": "x"}], {}),
]

REFUSED: list[tuple[str, Any, str, str | None]] = [
    ("no array", {}, "patch-invalid", None),
    ("no object", ["add"], "patch-invalid", "[0]"),
    ("no op", [{"path": "/a"}], "patch-invalid", "[0].op"),
    ("an unknown op", [{"op": "spam", "path": "/a"}], "patch-invalid", "[0].op"),
    ("an op that is no text", [{"op": ["add"], "path": "/a"}], "patch-invalid", "[0].op"),
    ("no path", [{"op": "remove"}], "patch-invalid", "[0].path"),
    ("a path without a slash", [{"op": "remove", "path": "active"}], "patch-invalid", "[0].path"),
    ("a path with a wrong escape", [{"op": "remove", "path": "/a~2"}], "patch-invalid", "[0].path"),
    ("a path that is no text", [{"op": "remove", "path": 1}], "patch-invalid", "[0].path"),
    ("an endless path", [{"op": "remove", "path": "/a" * 1000}], "patch-invalid", "[0].path"),
    ("no value", [{"op": "add", "path": "/gender"}], "patch-invalid", "[0]"),
    ("no from", [{"op": "copy", "path": "/gender"}], "patch-invalid", "[0]"),
    ("too many operations", [{"op": "remove", "path": "/a"}] * (MAX_OPERATIONS + 1), "patch-invalid", None),
    ("a move into itself", [{"op": "move", "from": "/name", "path": "/name/0"}], "patch-invalid", "[0].path"),
    ("a missing element", [{"op": "remove", "path": "/gender"}], "patch-failed", "Patient.gender"),
    ("a missing parent", [{"op": "add", "path": "/a/b", "value": 1}], "patch-failed", "Patient.a"),
    ("a step into text", [{"op": "add", "path": "/id/b", "value": 1}], "patch-failed", "Patient.id.b"),
    ("an index out of range", [{"op": "add", "path": "/name/2", "value": {}}], "patch-failed", "Patient.name[2]"),
    ("a negative index", [{"op": "remove", "path": "/name/-1"}], "patch-failed", "Patient.name"),
    ("an index with a leading zero", [{"op": "remove", "path": "/name/00"}], "patch-failed", None),
    ("an index in other digits", [{"op": "remove", "path": "/name/\u0660"}], "patch-failed", "Patient.name"),
    ("an enormous index", [{"op": "remove", "path": "/name/" + "9" * 5000}], "patch-failed", "Patient.name"),
    ("removing the position behind", [{"op": "remove", "path": "/name/-"}], "patch-failed", "Patient.name"),
    (
        "replacing what is not there",
        [{"op": "replace", "path": "/gender", "value": 1}],
        "patch-failed",
        "Patient.gender",
    ),
    ("a test that fails", [{"op": "test", "path": "/active", "value": False}], "patch-failed", "Patient.active"),
    ("a test of true with 1", [{"op": "test", "path": "/active", "value": 1}], "patch-failed", "Patient.active"),
    ("a test of an object with a smaller one", [{"op": "test", "path": "/name/0", "value": {}}], "patch-failed", None),
    ("a test of an array with a longer one", [{"op": "test", "path": "/name", "value": [1, 2]}], "patch-failed", None),
    ("a test of an array with an object", [{"op": "test", "path": "/name", "value": {"0": 1}}], "patch-failed", None),
    ("a test of an object with an array", [{"op": "test", "path": "/name/0", "value": [1]}], "patch-failed", None),
    ("a test of text with a number", [{"op": "test", "path": "/id", "value": 1}], "patch-failed", "Patient.id"),
    ("a test of 1 with true", [{"op": "test", "path": "/multipleBirthInteger", "value": True}], "patch-failed", None),
    ("removing the root", [{"op": "remove", "path": ""}], "patch-failed", "Patient"),
    ("replacing the root", [{"op": "replace", "path": "", "value": PATIENT}], "patch-failed", "Patient"),
    ("another type", [{"op": "replace", "path": "/resourceType", "value": "Group"}], "patch-failed", "Patient"),
    ("no type", [{"op": "remove", "path": "/resourceType"}], "patch-failed", "Patient"),
    ("another id", [{"op": "replace", "path": "/id", "value": "2"}], "id-mismatch", "Patient.id"),
    ("no id", [{"op": "move", "from": "/id", "path": "/gender"}], "id-mismatch", "Patient.id"),
]


@pytest.mark.parametrize("document,changes", [row[1:] for row in APPLIED], ids=[row[0] for row in APPLIED])
def test_a_patch_changes_what_it_says_and_nothing_else(document: list[Json], changes: Json) -> None:
    assert apply_json_patch(PATIENT, document) == PATIENT | changes


@pytest.mark.parametrize("document,code,expression", [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_does_not_apply_is_refused(document: Any, code: str, expression: str | None) -> None:
    with pytest.raises(FhirError) as refusal:
        apply_json_patch(PATIENT, document)
    assert refusal.value.code == code
    assert expression is None or refusal.value.issues[0].expression == (expression,)


def test_a_patch_that_fails_late_changes_nothing() -> None:
    content = copy.deepcopy(PATIENT)
    with pytest.raises(FhirError, match="patch-failed"):
        apply_json_patch(content, [{"op": "remove", "path": "/name"}, {"op": "test", "path": "/active", "value": 0}])
    assert content == PATIENT


def test_the_result_shares_nothing_with_the_content_or_the_patch() -> None:
    value = [{"family": "Sample"}]
    patched = apply_json_patch(PATIENT, [{"op": "add", "path": "/name", "value": value}])
    patched["name"].append({})
    patched["extension"].append({})
    assert (len(value), len(PATIENT["extension"])) == (1, 1)


def test_a_decimal_keeps_its_text() -> None:
    patched = apply_json_patch(PATIENT, [{"op": "copy", "from": "/extension/0", "path": "/extension/-"}])
    assert str(patched["extension"][1]["valueDecimal"]) == "1.50"


def test_a_null_that_somebody_adds_is_left_to_validation() -> None:
    assert apply_json_patch(PATIENT, [{"op": "add", "path": "/gender", "value": None}])["gender"] is None


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "copy", "from": "", "path": "/copy"},
        {"op": "copy", "from": "/extension", "path": "/extension/-"},
    ],
)
def test_copies_of_copies_are_given_up(operation: Json) -> None:
    with pytest.raises(FhirError, match="patch-failed"):
        apply_json_patch(PATIENT, [operation] * 200)


def test_nesting_that_grows_with_each_operation_is_given_up() -> None:
    deep: Any = "x"
    for _ in range(60):
        deep = {"a": deep}
    with pytest.raises(FhirError, match="nest deeper"):
        apply_json_patch(PATIENT, [{"op": "add", "path": "/a" * (50 * step + 1), "value": deep} for step in (0, 1)])
