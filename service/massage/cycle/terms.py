"""The coded words of the referral loop: where they live, and how they are read from and written to a resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.code_systems import UCUM
from service.fhir.outcome import CANONICAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.fhir.resource import Content

BUSINESS_STATUS: Final = f"{CANONICAL}/CodeSystem/referral-business-status"
TASK_IO: Final = f"{CANONICAL}/CodeSystem/referral-task-io"
TASK_KIND: Final = f"{CANONICAL}/CodeSystem/referral-task-code"
STEP: Final = f"{CANONICAL}/CodeSystem/referral-step"
FILLER: Final = f"{CANONICAL}/NamingSystem/filler"
PRE_SESSION_CHECK: Final = f"{CANONICAL}/Questionnaire/pre-session-check"

TASK_CODE: Final = "http://hl7.org/fhir/CodeSystem/task-code"
IDENTIFIER_TYPE: Final = "http://terminology.hl7.org/CodeSystem/v2-0203"
APPOINTMENT_CANCELLATION: Final = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"
PARTICIPANT: Final = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"

PLACER: Final = "PLAC"
FILLER_TYPE: Final = "FILL"


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


def identifiers(content: Content, type_code: str) -> tuple[tuple[str, str], ...]:
    """The (system, value) pairs of the identifiers of a v2-0203 type such as ``PLAC``."""
    return tuple(
        (one.get("system", ""), one["value"])
        for one in content.get("identifier", ())
        if code_in(one.get("type"), IDENTIFIER_TYPE) == type_code and "value" in one
    )


def reference_in(value: Any) -> str:
    """The literal reference of a Reference; empty where there is none."""
    return value.get("reference", "") if isinstance(value, dict) else ""


def references_in(values: Any) -> tuple[str, ...]:
    """The literal references of a list of References."""
    return tuple(reference_in(one) for one in values or () if reference_in(one))


def sessions(count: int) -> dict[str, Any]:
    """A Quantity of sessions, as UCUM writes it."""
    return {"value": count, "unit": "sessions", "system": UCUM, "code": "{session}"}
