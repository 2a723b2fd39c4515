"""Search expressions become JSON paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.fhir.search.expression import Path, UnresolvableError, Where, resolve_expression

if TYPE_CHECKING:
    from service.fhir.search.registry import Registry


@pytest.mark.parametrize(
    "expression,paths",
    [
        ("Patient.name.family", (Path(steps=("name", "family"), type="string"),)),
        ("ServiceRequest.code", (Path(steps=("code",), type="CodeableConcept"),)),
        ("Goal.target.due.ofType(date)", (Path(steps=("target", "dueDate"), type="date"),)),
        (
            "Patient.telecom.where(system='phone')",
            (Path(steps=("telecom", Where("system", "phone")), type="ContactPoint"),),
        ),
        (
            "ServiceRequest.occurrence",
            (
                Path(steps=("occurrenceDateTime",), type="dateTime"),
                Path(steps=("occurrencePeriod",), type="Period"),
                Path(steps=("occurrenceTiming",), type="Timing"),
            ),
        ),
        (
            "Observation.value.ofType(CodeableConcept).text",
            (Path(steps=("valueCodeableConcept", "text"), type="string"),),
        ),
        (
            "Bundle.entry.link.relation",
            (Path(steps=("entry", "link", "relation"), type="string"),),
        ),
    ],
)
def test_an_expression_is_resolved_to_its_json_properties(
    registry: Registry, expression: str, paths: tuple[Path, ...]
) -> None:
    """Choices become one path per type; shared content is followed."""
    assert resolve_expression(registry.definitions, expression).paths == paths


def test_a_restriction_to_a_target_type_is_kept_apart(registry: Registry) -> None:
    """So that the alias can share the rows of the unrestricted path."""
    resolved = resolve_expression(registry.definitions, "Observation.subject.where(resolve() is Patient)")
    assert (resolved.text, resolved.target) == ("Observation.subject", "Patient")


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "name",
        "Patient.nonsense",
        "Patient.name.first()",
        "Patient.name[0]",
        "Patient.name | Patient.contact",
        "Patient.telecom.where(system = 'a' or use = 'b')",
        "Observation.subject.where(resolve() is Patient).display",
        "Bundle.entry[0].resource",
    ],
)
def test_what_is_no_plain_path_is_not_resolved(registry: Registry, expression: str) -> None:
    """It is left to FHIRPath, or to the list of unsupported parameters."""
    with pytest.raises(UnresolvableError):
        resolve_expression(registry.definitions, expression)
