"""Parts of resources: what `_summary` and `_elements` keep, and the tag that says that something is missing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.definitions import load
from service.fhir.outcome import FhirError
from service.fhir.summary import SUBSETTED, Subset, check_elements, parse_subset, subset

DEFINITIONS = load()

OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "o",
    "meta": {"versionId": "1", "tag": [{"code": "massage"}]},
    "implicitRules": "urn:x",
    "language": "en",
    "text": {"status": "generated", "div": "<div/>"},
    "contained": [{"resourceType": "Device", "id": "d"}],
    "extension": [{"url": "urn:x", "valueBoolean": True}],
    "modifierExtension": [{"url": "urn:y", "valueBoolean": True}],
    "status": "final",
    "_status": {"id": "s"},
    "code": {"coding": [{"code": "72514-3"}], "text": "Pain"},
    "effectiveDateTime": "2026-01-09",
    "_effectiveDateTime": {"id": "e"},
    "valueQuantity": {"value": 3},
    "note": [{"text": "after the session"}],
    "component": [
        {"code": {"text": "left"}, "valueInteger": 1, "referenceRange": [{"text": "0 to 10"}]},
        {"code": {"text": "right"}, "interpretation": [{"text": "low"}]},
    ],
}


def part(content: dict[str, Any] = OBSERVATION, **asked: Any) -> dict[str, Any]:
    """The part of the content that is asked for."""
    return subset(content, content["resourceType"], definitions=DEFINITIONS, **asked)


def test_a_summary_has_the_elements_that_r4_marks() -> None:
    """The twins of primitives and the choices go with their element; modifiers stay, marked or not."""
    assert set(part(summary="true")) == {
        "resourceType",
        "id",
        "meta",
        "implicitRules",
        "modifierExtension",
        "status",
        "_status",
        "code",
        "effectiveDateTime",
        "_effectiveDateTime",
        "valueQuantity",
        "component",
    }


def test_a_summary_looks_into_backbone_elements() -> None:
    """A component keeps its code and value and loses its range."""
    assert part(summary="true")["component"] == [
        {"code": {"text": "left"}, "valueInteger": 1},
        {"code": {"text": "right"}},
    ]


def test_the_text_mode_has_the_narrative_and_what_is_mandatory() -> None:
    """`_summary=text` is for showing, and still valid."""
    assert set(part(summary="text")) == {
        "resourceType",
        "id",
        "meta",
        "implicitRules",
        "modifierExtension",
        "text",
        "status",
        "_status",
        "code",
    }


def test_the_data_mode_leaves_out_the_narrative_only() -> None:
    """`_summary=data` is everything but the text."""
    assert set(OBSERVATION) - set(part(summary="data")) == {"text"}


def test_elements_come_with_what_is_mandatory_or_modifies_them() -> None:
    """`_elements=value` takes all forms of the choice and keeps the content valid and safe to read."""
    assert set(part(elements=("value", "note"))) == {
        "resourceType",
        "id",
        "meta",
        "implicitRules",
        "modifierExtension",
        "status",
        "_status",
        "code",
        "valueQuantity",
        "note",
    }


def test_elements_may_name_their_type() -> None:
    """In a Bundle of several types `Patient.name` is meant for the patients only."""
    asked = part(elements=("Observation.note", "Patient.component"))
    assert "note" in asked
    assert "component" not in asked


@pytest.mark.parametrize("asked", [{}, {"summary": "false"}, {"summary": None}, {"summary": "count"}])
def test_everything_is_the_resource_itself(asked: dict[str, Any]) -> None:
    """Where nothing is left out, nothing is tagged."""
    assert part(**asked) is OBSERVATION


@pytest.mark.parametrize("asked", [{"summary": "true"}, {"summary": "data"}, {"elements": ("note",)}])
def test_a_part_is_tagged_once_and_keeps_its_other_tags(asked: dict[str, Any]) -> None:
    """SUBSETTED is added to meta, also where there was no meta, and the resource itself is not touched."""
    once = part(**asked)
    assert once["meta"]["tag"] == [{"code": "massage"}, dict(SUBSETTED)]
    assert part(once, **asked)["meta"]["tag"] == once["meta"]["tag"]
    assert part({"resourceType": "Observation"}, **asked)["meta"] == {"tag": [dict(SUBSETTED)]}
    assert OBSERVATION["meta"] == {"versionId": "1", "tag": [{"code": "massage"}]}


def test_no_part_holds_an_empty_element() -> None:
    """A backbone element of which nothing is left goes with it."""
    content = {"resourceType": "Observation", "status": "final", "component": [{"referenceRange": [{"text": "x"}]}]}
    assert set(part(content, summary="true")) == {"resourceType", "meta", "status"}


@pytest.mark.parametrize("resource_type", DEFINITIONS.resource_types)
def test_every_served_type_has_a_summary(resource_type: str) -> None:
    """No definition is too unusual for the rule."""
    content = {"resourceType": resource_type, "id": "x"}
    assert part(content, summary="true")["meta"]["tag"] == [dict(SUBSETTED)]


@pytest.mark.parametrize(
    "parameters, expected",
    [
        ((), Subset()),
        ((("name", "x"),), Subset()),
        ((("_summary", "text"),), Subset(summary="text")),
        ((("_elements", "status, code"), ("_elements", "code,")), Subset(elements=("status", "code"))),
        ((("_summary", "false"), ("_elements", "code")), Subset(elements=("code",))),
    ],
)
def test_the_parameters_say_what_is_asked_for(parameters: tuple[tuple[str, str], ...], expected: Subset) -> None:
    """Names may be listed or repeated."""
    assert parse_subset(parameters) == expected


@given(st.lists(st.tuples(st.sampled_from(("_summary", "_elements", "x")), st.text(max_size=5)), max_size=4))
def test_the_parameters_are_read_or_refused(parameters: list[tuple[str, str]]) -> None:
    """Nothing else than a refusal with a code comes of strange values."""
    try:
        parse_subset(parameters)
    except FhirError as error:
        assert error.code == "parameter-value"


def test_elements_that_no_type_has_are_refused() -> None:
    """A misspelt name would silently leave out what was asked for."""
    check_elements(("name", "Patient.birthDate", "status", "id"), ("Patient", "Observation"), DEFINITIONS)
    with pytest.raises(FhirError, match="birthDate"):
        check_elements(("birthdate",), ("Patient",), DEFINITIONS)
