"""The transaction Bundle in which an EHR posts a referral: eight entries that point at each other by ``urn:uuid``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from service.fhir.code_systems import SNOMED
from tests.builders.resources import CLINIC, EHR, TERMINOLOGY, concept, identifier, patient, reference, service_request

if TYPE_CHECKING:
    from collections.abc import Iterable

Json = dict[str, Any]

US_NPI = "http://hl7.org/fhir/sid/us-npi"
CLINIC_REFERENCE: Json = {"identifier": identifier(US_NPI, "1999999984"), "display": "Example Massage Clinic"}
"""The clinic is known by its identifier only: the EHR does not hold its resource."""


def full_url(name: str) -> str:
    """A ``urn:uuid`` that depends on `name` alone, so that the same Bundle is the same bytes."""
    return f"urn:uuid:{uuid5(NAMESPACE_URL, f'{EHR}/{name}')}"


def conditional_create(name: str, content: Json) -> Json:
    """An entry that creates `content` unless its first identifier is there already."""
    first = content["identifier"][0]
    token = f"{quote(first['system'], safe='/:')}|{quote(first['value'], safe='')}"
    request = {"method": "POST", "url": content["resourceType"], "ifNoneExist": f"identifier={token}"}
    return {"fullUrl": full_url(name), "resource": content, "request": request}


def transaction(entries: Iterable[Json]) -> Json:
    """A transaction Bundle."""
    return {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}


def referral_bundle(number: int = 1, *, patient_number: int | None = None, **changes: Any) -> Json:
    """Referral `number` of patient `patient_number` (the same number when not given) as an EHR would send it.

    `changes` replace elements of the ServiceRequest. Practitioner and organisation are the same in every Bundle.
    """
    person = number if patient_number is None else patient_number
    urls = {
        "subject": full_url(f"Patient/{person}"),
        "requester": full_url("PractitionerRole/1"),
        "condition": full_url(f"Condition/{person}"),
        "coverage": full_url(f"Coverage/{person}"),
        "request": full_url(f"ServiceRequest/{number}"),
    }
    order = service_request(
        urls["subject"],
        urls["requester"],
        number=number,
        performer=[CLINIC_REFERENCE],
        reasonReference=[reference(urls["condition"])],
        insurance=[reference(urls["coverage"])],
        **changes,
    )
    contents = {
        f"Patient/{person}": patient(person),
        "Organization/1": _organization(),
        "PractitionerRole/1": _practitioner_role(),
        "Practitioner/1": _practitioner(),
        f"Condition/{person}": _condition(person, urls["subject"]),
        f"Coverage/{person}": _coverage(person, urls["subject"]),
        f"ServiceRequest/{number}": order,
        f"Task/{number}": _task(number, urls),
    }
    return transaction(conditional_create(name, content) for name, content in contents.items())


def _organization() -> Json:
    return {
        "resourceType": "Organization",
        "identifier": [identifier(US_NPI, "1144221847")],
        "active": True,
        "name": "Example Family Practice",
    }


def _practitioner() -> Json:
    return {
        "resourceType": "Practitioner",
        "identifier": [identifier(US_NPI, "1234567893")],
        "name": [{"family": "Sample", "given": ["Sam"], "prefix": ["Dr."]}],
    }


def _practitioner_role() -> Json:
    return {
        "resourceType": "PractitionerRole",
        "identifier": [identifier(f"{EHR}/roles", "ROLE-1")],
        "practitioner": reference(full_url("Practitioner/1")),
        "organization": reference(full_url("Organization/1")),
        "code": [concept(f"{TERMINOLOGY}/practitioner-role", "doctor")],
    }


def _condition(number: int, subject: str) -> Json:
    return {
        "resourceType": "Condition",
        "identifier": [identifier(f"{EHR}/problems", f"PROBLEM-{number}")],
        "clinicalStatus": concept(f"{TERMINOLOGY}/condition-clinical", "active"),
        "verificationStatus": concept(f"{TERMINOLOGY}/condition-ver-status", "confirmed"),
        "category": [concept(f"{TERMINOLOGY}/condition-category", "problem-list-item")],
        "code": {
            "coding": [
                {"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "M54.50"},
                {"system": SNOMED, "code": "279039007"},
            ],
            "text": "Low back pain",
        },
        "subject": reference(subject),
    }


def _coverage(number: int, subject: str) -> Json:
    return {
        "resourceType": "Coverage",
        "identifier": [identifier("https://payer.example.org/members", f"MEMBER-{number}")],
        "status": "active",
        "subscriberId": f"MEMBER-{number}",
        "beneficiary": reference(subject),
        "relationship": concept(f"{TERMINOLOGY}/subscriber-relationship", "self"),
        "payor": [
            {"identifier": identifier("https://payer.example.org/payers", "PAYER-1"), "display": "Example Payer"}
        ],
    }


def _task(number: int, urls: dict[str, str]) -> Json:
    return {
        "resourceType": "Task",
        "identifier": [identifier(f"{CLINIC}/tasks", f"TASK-{number}")],
        "status": "requested",
        "intent": "order",
        "code": concept("http://hl7.org/fhir/CodeSystem/task-code", "fulfill"),
        "focus": reference(urls["request"]),
        "for": reference(urls["subject"]),
        "authoredOn": "2026-01-09T09:00:00Z",
        "requester": reference(urls["requester"]),
        "owner": CLINIC_REFERENCE,
    }
