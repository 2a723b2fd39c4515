"""Who is referred: persons that never were, their diagnosis, insurance and order."""

from __future__ import annotations

from datetime import time, timedelta
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.demo.directory import CLINICS, PAYER, REFERRERS, SYSTEM, WEEKLY_PATIENTS, therapist
from service.fhir.code_systems import CONDITION_CLINICAL, ICD10CM, NUCC, SNOMED
from service.fhir.concept import coded
from service.fhir.stamp import instant_text
from service.massage.cycle.terms import IDENTIFIER_TYPE, PLACER, TASK_CODE, sessions
from service.massage.profiles import canonical as profile
from service.massage.systems import TECHNIQUE

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random

    from service.demo.directory import Organisation, Worker
    from service.demo.scenarios import Scenario
    from service.fhir.resource import Content
    from service.massage.protocol import Protocol, Protocols

_GIVEN: Final = {
    "female": ("Ada", "Bea", "Cora", "Dora", "Edda", "Fina", "Gesa", "Hanna", "Ida", "Jule", "Kira", "Lena", "Mira"),
    "male": ("Alan", "Bruno", "Carl", "David", "Emil", "Finn", "Georg", "Hugo", "Ivo", "Jonas", "Kurt", "Leo", "Max"),
}
_FAMILY: Final = ("Sample", "Example", "Specimen", "Pattern", "Muster", "Placeholder", "Fiction", "Mockup", "Dummy")
_BY_LIKENESS: Final = {
    "muscle-strain": "low-back-pain-6x",
    "sports-injury": "plantar-fasciitis-6x",
    "myofascial-pain": "neck-pain-6x",
    "muscle-spasm": "low-back-pain-6x",
    "postural-imbalance": "neck-pain-6x",
    "chronic-pain": "fibromyalgia-8x",
    "limited-range-of-motion": "arthritis-6x",
    "anxiety": "headache-6x",
    "depression": "headache-6x",
    "stress-and-sleep": "headache-6x",
}
"""Conditions without a protocol of their own → the protocol that the demo's clinic starts from."""

THROMBOSIS: Final = ("I82.402", "Acute deep vein thrombosis of the left leg")
_STRIDE: Final = 7
"""From a patient to the next condition: it goes through all of them, whatever the scenarios repeat by."""
_DAYS: Final = 5
_FIRST_HOUR: Final = 8 * 60
_GRID_MINUTES: Final = 95
"""From one visit to the next: the longest session, and a little."""
_VERIFIED: Final = "http://terminology.hl7.org/CodeSystem/condition-ver-status"


class Person(Struct, frozen=True, kw_only=True):
    """A patient of the demo: `number` from 0, who refers, who treats, with which protocol, at which hour of the week.

    `weekday` counts from Monday, 0.
    """

    seed: int
    number: int
    condition: str
    protocol: Protocol
    referrer: Organisation
    physician: Worker
    clinic: Organisation
    therapist: Worker
    weekday: int
    hour: time

    @property
    def label(self) -> str:
        """What identifiers of the demo end with."""
        return f"{self.seed}-{self.number}"


def person_of(protocols: Protocols, seed: int, number: int, random: Random) -> Person:
    """The patient with this number: conditions in turn, sides by chance."""
    conditions = list(protocols.catalogue.conditions)
    condition = conditions[number * _STRIDE % len(conditions)]
    suited = [row for row in protocols.rows.values() if condition in row.conditions]
    protocol = random.choice(suited) if suited else protocols.rows[_BY_LIKENESS[condition]]
    clinic, turn = CLINICS[number % len(CLINICS)], number // len(CLINICS)
    referrer = random.choice(REFERRERS)
    slot = turn % WEEKLY_PATIENTS
    begins = _FIRST_HOUR + slot // _DAYS * _GRID_MINUTES
    return Person(
        seed=seed,
        number=number,
        condition=condition,
        protocol=protocol,
        referrer=referrer,
        physician=random.choice(referrer.workers),
        clinic=clinic,
        therapist=therapist(clinic, seed, turn // WEEKLY_PATIENTS),
        weekday=slot % _DAYS,
        hour=time(begins // 60, begins % 60),
    )


def patient(person: Person, logical_id: str, moment: datetime, random: Random) -> Content:
    """The Patient."""
    gender = random.choice(tuple(_GIVEN))
    born = moment.date() - timedelta(days=random.randint(19 * 365, 84 * 365))
    return {
        "resourceType": "Patient",
        "id": logical_id,
        "identifier": [{"system": f"{SYSTEM}/patients", "value": person.label}],
        "name": [{"family": f"{random.choice(_FAMILY)}-Demo", "given": [random.choice(_GIVEN[gender])]}],
        "telecom": [{"system": "email", "value": f"patient-{person.label}@demo.example.org"}],
        "gender": gender,
        "birthDate": born.isoformat(),
    }


def diagnosis(person: Person, logical_id: str, subject: str, protocols: Protocols, random: Random) -> Content:
    """The Condition that the referral is for."""
    row = protocols.catalogue.conditions[person.condition]
    coding = [{"system": SNOMED, "code": code} for code in list(row.snomed)[:1]]
    if row.icd10cm:
        coding.insert(0, {"system": ICD10CM, "code": random.choice(list(row.icd10cm))})
    return _condition(logical_id, subject, {"coding": coding, "text": row.display})


def thrombosis(logical_id: str, subject: str) -> Content:
    """The Condition that massage has to wait for."""
    code, text = THROMBOSIS
    return _condition(logical_id, subject, coded(ICD10CM, code, text))


def _condition(logical_id: str, subject: str, code: Content) -> Content:
    return {
        "resourceType": "Condition",
        "id": logical_id,
        "clinicalStatus": coded(CONDITION_CLINICAL, "active"),
        "verificationStatus": coded(_VERIFIED, "confirmed"),
        "category": [coded("http://terminology.hl7.org/CodeSystem/condition-category", "encounter-diagnosis")],
        "code": code,
        "subject": {"reference": subject},
    }


def insurance(
    person: Person, ids: tuple[str, str], subject: str, authorised: int | None, moment: datetime
) -> list[Any]:
    """The Coverage, and the payer's answer where it authorised a number of visits."""
    payer = {"reference": f"Organization/{PAYER}"}
    coverage: Content = {
        "resourceType": "Coverage",
        "id": ids[0],
        "identifier": [{"system": f"{SYSTEM}/members", "value": person.label}],
        "status": "active",
        "subscriberId": person.label,
        "beneficiary": {"reference": subject},
        "relationship": coded("http://terminology.hl7.org/CodeSystem/subscriber-relationship", "self"),
        "payor": [payer],
    }
    if authorised is None:
        return [coverage]
    answer: Content = {
        "resourceType": "ClaimResponse",
        "id": ids[1],
        "status": "active",
        "type": coded("http://terminology.hl7.org/CodeSystem/claim-type", "professional"),
        "use": "preauthorization",
        "patient": {"reference": subject},
        "created": moment.date().isoformat(),
        "insurer": payer,
        "outcome": "complete",
        "preAuthRef": f"DEMO-{person.label}",
        "addItem": [
            {
                "productOrService": {"text": "Medical massage"},
                "quantity": sessions(authorised),
                "adjudication": [{"category": coded("http://terminology.hl7.org/CodeSystem/adjudication", "eligible")}],
            }
        ],
    }
    return [coverage, answer]


def order(
    person: Person, scenario: Scenario, logical_id: str, about: dict[str, str], moment: datetime, protocols: Protocols
) -> Content:
    """The ServiceRequest; `about` are the references of patient, condition, and what insures them."""
    row, known = person.protocol, protocols.catalogue
    sites = [
        {"coding": [{"system": SNOMED, "code": each, "display": known.body_sites[each].display}]} for each in row.sites
    ]
    technique = row.techniques[0].code
    content: Content = {
        "resourceType": "ServiceRequest",
        "id": logical_id,
        "meta": {"profile": [profile("massage-referral")]},
        "identifier": [
            {"type": coded(IDENTIFIER_TYPE, PLACER), "system": f"{SYSTEM}/orders", "value": f"ORDER-{person.label}"}
        ],
        "status": "active",
        "intent": "order",
        "priority": "routine",
        "category": [coded("http://hl7.org/fhir/us/core/CodeSystem/us-core-category", "functional-status")],
        "code": coded(SNOMED, "387854002", "Medical massage"),
        "orderDetail": [coded(TECHNIQUE, technique)],
        "subject": {"reference": about["patient"]},
        "authoredOn": instant_text(moment),
        "requester": {"reference": f"PractitionerRole/{person.physician.id}"},
        "performerType": coded(NUCC, "225700000X"),
        "quantityQuantity": sessions(row.visits),
        "occurrenceTiming": _timing(row, moment, _valid_days(scenario)),
        "reasonCode": [{"text": known.conditions[person.condition].display}],
        "reasonReference": [{"reference": about["condition"]}],
        "insurance": [{"reference": about[each]} for each in ("coverage", "answer") if each in about],
        "bodySite": sites,
    }
    if scenario.ending != "open":
        content["performer"] = [{"reference": person.clinic.reference}]
    return content


def task(person: Person, scenario: Scenario, logical_id: str, subject: str, order_id: str, moment: datetime) -> Content:
    """The Task that the referral is coordinated by."""
    content: Content = {
        "resourceType": "Task",
        "id": logical_id,
        "meta": {"profile": [profile("massage-referral-task")]},
        "status": "requested",
        "intent": "order",
        "priority": "routine",
        "code": coded(TASK_CODE, "fulfill"),
        "focus": {"reference": f"ServiceRequest/{order_id}"},
        "for": {"reference": subject},
        "authoredOn": instant_text(moment),
        "requester": {"reference": person.referrer.reference},
    }
    if scenario.ending != "open":
        content["owner"] = {"reference": person.clinic.reference}
    return content


def _timing(row: Protocol, moment: datetime, valid_days: int) -> Content:
    """As many sessions, as long and as often as the protocol says."""
    bounds = {
        "start": moment.date().isoformat(),
        "end": (moment + timedelta(days=valid_days)).date().isoformat(),
    }
    return {
        "repeat": {
            "boundsPeriod": bounds,
            "count": row.visits,
            "duration": row.minutes,
            "durationUnit": "min",
            "frequency": 1,
            "period": row.every_weeks,
            "periodUnit": "wk",
        }
    }


def _valid_days(scenario: Scenario) -> int:
    """From the order to the end of its validity."""
    return 30 if scenario.ending == "expired" else 180
