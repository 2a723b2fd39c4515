"""Every FHIRPath that R4 publishes compiles, with what the definitions know about the place it stands in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.definitions import load
from service.fhir.path import PathError, compile_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.fhir.definitions import Constraint, Element

DEFINITIONS = load()
TYPES = sorted(DEFINITIONS.all_type_names | DEFINITIONS.data_type_names | {"Resource", "DomainResource"})

PUBLISHED_WRONGLY = {
    ("cid-0", "ChargeItemDefinition"): "a ChargeItemDefinition has no name",
}
"""Invariants that cannot be compiled, with the reason. It is only a warning."""


@pytest.mark.parametrize("name", TYPES)
def test_every_invariant_of_a_type_compiles(name: str) -> None:
    failures = {}
    for path, constraint in _constraints(name):
        try:
            compile_path(constraint.expression, definitions=DEFINITIONS, type_name=path)
        except PathError as error:
            failures[(constraint.key, path)] = str(error)
    assert failures.keys() <= PUBLISHED_WRONGLY.keys(), failures


@pytest.mark.parametrize("name", sorted(DEFINITIONS.all_type_names))
def test_every_search_expression_of_a_type_compiles(name: str) -> None:
    for parameter in DEFINITIONS.search_parameters(name).values():
        if parameter.expression:
            compile_path(parameter.expression, definitions=DEFINITIONS, type_name=name)
        for _, component in parameter.components:
            compile_path(component, definitions=DEFINITIONS)


def test_every_wrong_publication_is_still_wrong() -> None:
    for key, path in PUBLISHED_WRONGLY:
        expression = next(rule.expression for place, rule in _constraints(path) if rule.key == key)
        with pytest.raises(PathError, match="has no element"):
            compile_path(expression, definitions=DEFINITIONS, type_name=path)


HELD_OR_BROKEN: list[tuple[str, str, Any, bool]] = [
    ("Period", "per-1", {"start": "2024-01-01", "end": "2024-01-02"}, True),
    ("Period", "per-1", {"start": "2024-01-02", "end": "2024-01-01"}, False),
    ("Period", "per-1", {"start": "2024", "end": "2024-01-01"}, True),
    ("Period", "per-1", {"start": "2024-01-01T10:00:00+02:00", "end": "2024-01-01T09:00:00Z"}, True),
    ("Period", "per-1", {"start": "2024-01-01T10:00:00+02:00", "end": "2024-01-01T07:59:59Z"}, False),
    ("Range", "rng-2", {"low": {"value": 1, "unit": "h"}, "high": {"value": 90, "unit": "min"}}, True),
    ("Range", "rng-2", {"low": {"value": 2, "unit": "h"}, "high": {"value": 90, "unit": "min"}}, False),
    ("Range", "rng-2", {"low": {"value": 2, "unit": "some"}, "high": {"value": 1, "unit": "others"}}, True),
    ("Extension", "ext-1", {"url": "http://example.org", "valueBoolean": False}, True),
    ("Extension", "ext-1", {"url": "http://example.org"}, False),
    ("Extension", "ext-1", {"url": "http://example.org", "_valueString": {"extension": []}}, True),
    ("Timing.repeat", "tim-1", {"duration": 1}, False),
    ("Timing.repeat", "tim-9", {"offset": 5, "when": ["ACM"]}, True),
    ("Timing.repeat", "tim-9", {"offset": 5, "when": ["C"]}, False),
    ("Reference", "ref-1", {"reference": "#p"}, True),
    ("Reference", "ref-1", {"reference": "#q"}, False),
    ("RiskAssessment.prediction.probability[x]", "ras-1", {"low": {"value": 1, "code": "1"}}, False),
    ("Observation", "obs-6", {"resourceType": "Observation", "dataAbsentReason": {}, "valueString": ""}, False),
    ("Questionnaire.item.enableWhen", "que-7", {"operator": "exists", "answerBoolean": True}, True),
    ("Questionnaire.item.enableWhen", "que-7", {"operator": "exists", "answerString": "x"}, False),
    ("Appointment", "app-3", {"resourceType": "Appointment", "status": "proposed"}, True),
    ("Appointment", "app-3", {"resourceType": "Appointment", "status": "booked", "start": "2024"}, False),
    ("Questionnaire", "que-2", {"item": [{"linkId": "1", "item": [{"linkId": "1"}]}]}, False),
    ("Bundle", "bdl-7", {"type": "batch", "entry": [{"fullUrl": "urn:a"}, {"fullUrl": "urn:a"}]}, False),
    ("CareTeam.participant", "ctm-1", {"onBehalfOf": {}, "member": {"reference": "Practitioner/1"}}, True),
    ("CareTeam.participant", "ctm-1", {"onBehalfOf": {}, "member": {"reference": "Patient/1"}}, False),
]


@pytest.mark.parametrize("path,key,content,holds", HELD_OR_BROKEN)
def test_an_invariant_holds_or_not(path: str, key: str, content: Any, holds: bool) -> None:
    expression = next(
        rule.expression for place, rule in _constraints(path.partition(".")[0]) if (place, rule.key) == (path, key)
    )
    compiled = compile_path(expression, definitions=DEFINITIONS, type_name=path)
    around = {"resourceType": "Basic", "contained": [{"resourceType": "Patient", "id": "p"}]}
    assert compiled.test(content, resource=None if "resourceType" in content else around) is holds


def contained(reference: dict[str, Any]) -> dict[str, Any]:
    """A resource with a contained one, and a reference to something."""
    return {"resourceType": "Basic", "contained": [{"resourceType": "Patient", "id": "p"}], "extension": [reference]}


@pytest.mark.parametrize(
    "extension,holds",
    [
        ({"valueReference": {"reference": "#p"}}, True),
        ({"valueCanonical": "#p"}, True),
        ({"valueUrl": "#p"}, True),
        ({"valueString": "#p"}, False),
        ({"valueReference": {"reference": "#q"}}, False),
    ],
)
def test_a_contained_resource_is_referred_to_by_reference_canonical_uri_or_url(
    extension: dict[str, Any], holds: bool
) -> None:
    expression = next(rule.expression for rule in DEFINITIONS.type("Basic").constraints if rule.key == "dom-3")
    compiled = compile_path(expression, definitions=DEFINITIONS, type_name="Basic")
    assert compiled.test(contained({"url": "http://example.org", **extension})) is holds


def _constraints(name: str) -> Iterator[tuple[str, Constraint]]:
    """The constraints declared in a type, each with the path of its element."""
    definition = DEFINITIONS.type(name)
    yield from ((name, constraint) for constraint in definition.constraints)
    yield from _of_elements(definition.elements)


def _of_elements(elements: tuple[Element, ...]) -> Iterator[tuple[str, Constraint]]:
    for element in elements:
        yield from ((element.path, constraint) for constraint in element.constraints)
        yield from _of_elements(element.children)
