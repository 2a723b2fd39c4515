"""Referrals and what is known of their patients, as screening reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from service.fhir.code_systems import ICD10CM, LOINC, SNOMED
from service.massage.screening.record import record_of
from service.massage.screening.rules import Rules
from service.massage.screening.screen import screen
from service.massage.systems import TECHNIQUE
from tests.builders.resources import TERMINOLOGY, concept, reference

if TYPE_CHECKING:
    from service.massage.screening.finding import Finding, Screening

Json = dict[str, Any]

NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
PATIENT: Final = "Patient/p1"
REFERRAL: Final = "ServiceRequest/r1"
LUMBAR, NECK, FOOT, TRUNK = "52612000", "45048000", "56459004", "77568009"
LOW_BACK_PAIN: Final = concept(ICD10CM, "M54.50")
SURGERY: Final = "387713003"


@cache
def rules() -> Rules:
    """The rules as they are shipped."""
    return Rules.load()


def order(*techniques: str, site: str | None = None, **changes: Any) -> Json:
    """A referral for massage by these techniques, of a body site (a SNOMED CT code), for low back pain."""
    content: Json = {
        "resourceType": "ServiceRequest",
        "id": "r1",
        "status": "active",
        "intent": "order",
        "code": concept(SNOMED, "387854002"),
        "orderDetail": [concept(TECHNIQUE, each) for each in techniques],
        "subject": reference(PATIENT),
        "reasonCode": [LOW_BACK_PAIN],
    }
    if site is not None:
        content["bodySite"] = [concept(SNOMED, site)]
    return content | changes


def condition(code: Json, number: int = 1, *, status: str | None = "active", **changes: Any) -> Json:
    """A condition of the patient."""
    content: Json = {"resourceType": "Condition", "id": f"c{number}", "code": code, "subject": reference(PATIENT)}
    if status is not None:
        content["clinicalStatus"] = concept(f"{TERMINOLOGY}/condition-clinical", status)
    return content | changes


def diagnosis(code: str, number: int = 1, **changes: Any) -> Json:
    """A condition with an ICD-10-CM code."""
    return condition(concept(ICD10CM, code), number, **changes)


def medication(text: str = "", number: int = 1, **changes: Any) -> Json:
    """A prescription that the patient follows."""
    content: Json = {
        "resourceType": "MedicationRequest",
        "id": f"m{number}",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": text},
        "subject": reference(PATIENT),
    }
    return content | changes


def allergy(text: str, **changes: Any) -> Json:
    """An allergy to something that is named in words."""
    return {
        "resourceType": "AllergyIntolerance",
        "id": "a1",
        "code": {"text": text},
        "patient": reference(PATIENT),
    } | changes


def quantity(value: float, unit: str) -> Json:
    """A Quantity in a unit of UCUM."""
    return {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}


def observation(code: str, value: float, unit: str, number: int = 1, **changes: Any) -> Json:
    """A measurement on the day of the screening."""
    content: Json = {
        "resourceType": "Observation",
        "id": f"o{number}",
        "status": "final",
        "code": concept(LOINC, code),
        "subject": reference(PATIENT),
        "effectiveDateTime": "2026-03-01T08:00:00Z",
        "valueQuantity": quantity(value, unit),
    }
    return content | changes


def surgery(day: str, **changes: Any) -> Json:
    """An operation on a day."""
    content: Json = {
        "resourceType": "Procedure",
        "id": "s1",
        "status": "completed",
        "category": concept(SNOMED, SURGERY),
        "subject": reference(PATIENT),
        "performedDateTime": day,
    }
    return content | changes


def screened(*resources: Json, referral: Json | None = None, unread: tuple[str, ...] = ()) -> Screening:
    """What the shipped rules find in these resources."""
    return screen(referral or order(), record_of(resources, unread=unread), rules(), NOW)


def found(*resources: Json, referral: Json | None = None) -> dict[str, Finding]:
    """The findings by rule."""
    return {each.rule: each for each in screened(*resources, referral=referral).findings}
