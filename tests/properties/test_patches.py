"""Whatever is sent as a patch: it applies, or FhirError says why it does not; the content stays as it was."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from service.fhir import codec
from service.fhir.definitions import load
from service.fhir.outcome import FhirError
from service.fhir.patch import apply_fhirpath_patch, apply_json_patch

Json = dict[str, Any]

DEFINITIONS = load()

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
)
KEYS = st.sampled_from(
    [
        "resourceType",
        "id",
        "name",
        "given",
        "_given",
        "family",
        "birthDate",
        "_birthDate",
        "extension",
        "url",
        "value",
        "valueString",
        "valueBoolean",
        "contained",
        "contact",
        "deceasedBoolean",
        "identifier",
        "a/b",
        "a~b",
        "0",
        "-",
        "",
    ]
)
JSON = st.recursive(
    SCALARS | st.sampled_from(["Patient", "2020-01-01", "#a", "Patient/1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
VALID = st.sampled_from(
    [
        {
            "resourceType": "Patient",
            "id": "1",
            "name": [{"family": "A", "given": ["B", "C"], "_given": [None, {"id": "c"}]}],
        },
        {"resourceType": "Patient", "birthDate": "2000", "_birthDate": {"extension": [{"url": "u", "valueCode": "x"}]}},
        {"resourceType": "Observation", "id": "1", "valueQuantity": {"value": 1}, "component": [{"valueString": "x"}]},
        {"resourceType": "Basic", "contained": [{"resourceType": "Patient", "id": "a", "name": [{}]}]},
    ]
)
CONTENT = VALID | st.dictionaries(KEYS, JSON, max_size=5)

POINTERS = st.lists(KEYS | st.integers(0, 3).map(str) | st.text(max_size=3), max_size=4).map(
    lambda tokens: "".join(f"/{token.replace('~', '~0').replace('/', '~1')}" for token in tokens)
)
JSON_OPERATIONS = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]), "path": POINTERS},
    optional={"from": POINTERS, "value": JSON},
)

STEPS = st.sampled_from(
    [
        "Patient",
        "name",
        "given",
        "extension",
        "value",
        "deceased",
        "contained",
        "id",
        "birthDate",
        "component",
        "code",
        "where(true)",
        "where($this = 'B')",
        "first()",
        "tail()",
        "descendants()",
        "children()",
        "ofType(Quantity)",
        "$this",
        "extension('u')",
        "resolve()",
        "%resource",
        "%rootResource",
        "iif(true, $this)",
        "repeat(children())",
        "x y",
        "'",
        "as(string)",
        "select(name | given)",
        "exists()",
        "combine($this)",
        "toString()",
        "name[0]",
        "given[1]",
        "1 / 0",
    ]
)
PATHS = st.lists(STEPS, min_size=1, max_size=4).map(".".join) | st.text(max_size=12)
TYPED_VALUES = st.sampled_from(
    ["valueString", "valueCode", "valueInteger", "valueBoolean", "valueHumanName", "resource"]
)
PARTS = st.recursive(
    st.fixed_dictionaries({"name": KEYS})
    | st.builds(lambda key, value: {"name": "value", key: value}, TYPED_VALUES, JSON),
    lambda inner: st.fixed_dictionaries({"name": KEYS | st.just("value"), "part": st.lists(inner, max_size=3)}),
    max_leaves=6,
)


def _part(name: str, key: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return values.map(lambda value: {"name": name, key: value})


def _operation(kind: str, *parts: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    wanted = [_part("type", "valueCode", st.just(kind)), _part("path", "valueString", PATHS), *parts]
    return st.tuples(*wanted).map(lambda found: {"name": "operation", "part": list(found)})


NUMBERS = st.integers(-1, 3)
VALUES = st.builds(lambda key, value: {"name": "value", key: value}, TYPED_VALUES, JSON) | st.builds(
    lambda parts: {"name": "value", "part": parts}, st.lists(PARTS, max_size=3)
)
FHIRPATH_OPERATIONS = st.one_of(
    _operation("add", _part("name", "valueString", KEYS), VALUES),
    _operation("insert", _part("index", "valueInteger", NUMBERS), VALUES),
    _operation("delete"),
    _operation("replace", VALUES),
    _operation("move", _part("source", "valueInteger", NUMBERS), _part("destination", "valueInteger", NUMBERS)),
)


@given(CONTENT, st.lists(JSON_OPERATIONS, max_size=6))
@settings(deadline=None)
def test_a_json_patch_applies_or_is_refused(content: Json, document: list[Json]) -> None:
    _check_json_patch(content, document)


@given(CONTENT, JSON)
@settings(deadline=None)
def test_any_json_is_a_json_patch_or_is_refused(content: Json, document: Any) -> None:
    _check_json_patch(content, document)


@given(CONTENT, st.lists(FHIRPATH_OPERATIONS | PARTS, max_size=4))
@settings(deadline=None, max_examples=300)
def test_a_fhirpath_patch_applies_or_is_refused(content: Json, operations: list[Json]) -> None:
    _check_fhirpath_patch(content, {"resourceType": "Parameters", "parameter": operations})


@given(CONTENT, JSON)
@settings(deadline=None)
def test_any_json_is_a_fhirpath_patch_or_is_refused(content: Json, document: Any) -> None:
    _check_fhirpath_patch(content, document)


@given(VALID, JSON, KEYS)
@settings(deadline=None)
def test_what_a_json_patch_adds_can_be_tested_and_removed(content: Json, value: Any, key: str) -> None:
    if key in content or key in ("id", "resourceType"):
        return
    path = "/" + key.replace("~", "~0").replace("/", "~1")
    operations = [{"op": name, "path": path, "value": value} for name in ("add", "test", "remove")]
    assert apply_json_patch(content, operations) == content


def _check_json_patch(content: Json, document: Any) -> None:
    before = copy.deepcopy(content)
    try:
        patched = apply_json_patch(content, document)
    except FhirError as refusal:
        assert refusal.code in ("patch-invalid", "patch-failed", "id-mismatch")
    else:
        codec.encode(patched)
        assert (patched.get("resourceType"), patched.get("id")) == (before.get("resourceType"), before.get("id"))
    assert content == before


def _check_fhirpath_patch(content: Json, document: Any) -> None:
    before, sent = copy.deepcopy(content), copy.deepcopy(document)
    try:
        patched = apply_fhirpath_patch(content, document, DEFINITIONS)
    except FhirError as refusal:
        assert refusal.code in ("patch-invalid", "patch-failed", "id-mismatch")
    else:
        codec.encode(patched)
        assert (patched.get("resourceType"), patched.get("id")) == (before.get("resourceType"), before.get("id"))
    assert (content, document) == (before, sent)
