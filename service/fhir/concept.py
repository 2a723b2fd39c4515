"""CodeableConcepts, as they are read from and written to a resource: https://hl7.org/fhir/R4/datatypes.html#CodeableConcept"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def codings(concept: Any) -> Iterator[dict[str, Any]]:
    """The codings of a CodeableConcept; none where it is absent or has only text."""
    if isinstance(concept, dict):
        yield from concept.get("coding", ())


def code_in(concept: Any, system: str) -> str | None:
    """The first code that a CodeableConcept has in a system."""
    return next((one["code"] for one in codings(concept) if one.get("system") == system and "code" in one), None)


def codes_of(concept: Any) -> frozenset[tuple[str, str]]:
    """The (system, code) pairs of a CodeableConcept."""
    return frozenset((one.get("system", ""), one["code"]) for one in codings(concept) if "code" in one)


def coded(system: str, code: str, text: str | None = None) -> dict[str, Any]:
    """A CodeableConcept of one coding; the display is left to the code system."""
    concept: dict[str, Any] = {"coding": [{"system": system, "code": code}]}
    return concept if text is None else concept | {"text": text}
