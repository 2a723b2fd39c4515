"""Single resources: the smallest useful one of each type that many tests need."""

from __future__ import annotations

from typing import Any

from service.fhir.code_systems import LOINC, SNOMED

Json = dict[str, Any]

EHR = "https://ehr.example.org"
"""The identifier namespace of the physician's made-up EHR."""
CLINIC = "https://clinic.example.org"
"""The identifier namespace of the made-up massage clinic."""
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"


def identifier(system: str, value: str) -> Json:
    """An Identifier of one system and value."""
    return {"system": system, "value": value}


def concept(system: str, code: str, text: str | None = None) -> Json:
    """A CodeableConcept with one coding and, if given, a text."""
    coded: Json = {"coding": [{"system": system, "code": code}]}
    return coded if text is None else coded | {"text": text}


def reference(target: str) -> Json:
    """A literal reference, such as ``Patient/1`` or ``urn:uuid:...``."""
    return {"reference": target}


def patient(number: int = 1, **changes: Any) -> Json:
    """Patient number `number`, with a medical record number of the EHR."""
    return {
        "resourceType": "Patient",
        "identifier": [identifier(f"{EHR}/mrn", f"MRN-{number}")],
        "active": True,
        "name": [{"use": "official", "family": f"Example{number}", "given": ["Pat"]}],
        "gender": "female",
        "birthDate": "1980-02-29",
    } | changes


def observation(subject: str, *, score: int = 4, **changes: Any) -> Json:
    """A final numeric pain rating (LOINC 72514-3) of 0 to 10 about the patient `subject`."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [concept(f"{TERMINOLOGY}/observation-category", "survey")],
        "code": concept(LOINC, "72514-3", "Pain severity - 0-10 verbal numeric rating"),
        "subject": reference(subject),
        "effectiveDateTime": "2026-01-19T10:30:00+01:00",
        "valueQuantity": {"value": score, "unit": "score", "system": "http://unitsofmeasure.org", "code": "{score}"},
    } | changes


def care_plan(subject: str, referral: str, **changes: Any) -> Json:
    """An active treatment plan for the patient `subject`, drawn up for the ServiceRequest `referral`."""
    return {
        "resourceType": "CarePlan",
        "supportingInfo": [reference(referral)],
        "status": "active",
        "intent": "plan",
        "title": "Six weekly sessions",
        "subject": reference(subject),
        "period": {"start": "2026-01-12", "end": "2026-03-12"},
        "created": "2026-01-12",
    } | changes


def service_request(subject: str, requester: str, *, number: int = 1, **changes: Any) -> Json:
    """The minimum inbound referral: six weekly hours of massage for low back pain, ordered under a placer number."""
    placer = {"type": concept(f"{TERMINOLOGY}/v2-0203", "PLAC")} | identifier(f"{EHR}/orders", f"ORDER-{number}")
    return {
        "resourceType": "ServiceRequest",
        "identifier": [placer],
        "status": "active",
        "intent": "order",
        "priority": "routine",
        "category": [concept(SNOMED, "91251008", "Physical therapy procedure")],
        "code": concept(SNOMED, "387854002", "Medical massage"),
        "subject": reference(subject),
        "authoredOn": "2026-01-09",
        "requester": reference(requester),
        "performerType": concept("http://nucc.org/provider-taxonomy", "225700000X"),
        "quantityQuantity": {
            "value": 6,
            "unit": "sessions",
            "system": "http://unitsofmeasure.org",
            "code": "{session}",
        },
        "occurrenceTiming": {
            "repeat": {
                "boundsPeriod": {"start": "2026-01-12", "end": "2026-03-12"},
                "count": 6,
                "duration": 60,
                "durationUnit": "min",
                "frequency": 1,
                "period": 1,
                "periodUnit": "wk",
            }
        },
        "reasonCode": [concept("http://hl7.org/fhir/sid/icd-10-cm", "M54.50", "Low back pain, unspecified")],
        "bodySite": [concept(SNOMED, "52612000", "Lumbar region back structure")],
    } | changes
