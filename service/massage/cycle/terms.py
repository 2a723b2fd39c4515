"""The words of the referral loop: the systems of its codes, and what its identifiers, references and counts say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.code_systems import UCUM
from service.fhir.concept import code_in
from service.fhir.outcome import CANONICAL

if TYPE_CHECKING:
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
