"""The organisations of the demo, and those who work there."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.code_systems import NUCC
from service.fhir.concept import coded
from service.massage.systems import QUALIFICATION

if TYPE_CHECKING:
    from service.fhir.resource import Content

SYNTHETIC: Final[Content] = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST"}
"""The security label of everything that the demo makes."""

SYSTEM: Final = "https://demo.massage-fhir.example.org"
"""The root of the demo's identifiers."""

PAYER: Final = "demo-payer"


class Worker(Struct, frozen=True, kw_only=True):
    """A physician or therapist: `id` is that of the Practitioner and of the role."""

    id: str
    given: str
    family: str
    taxonomy: str
    certificates: tuple[str, ...] = ()


class Organisation(Struct, frozen=True, kw_only=True):
    """Who refers, or who treats."""

    id: str
    name: str
    workers: tuple[Worker, ...] = ()

    @property
    def reference(self) -> str:
        """``Organization/id``."""
        return f"Organization/{self.id}"


REFERRERS: Final = (
    Organisation(
        id="demo-family-practice",
        name="Demo Family Practice",
        workers=(
            Worker(id="demo-dr-amber", given="Alma", family="Amber-Demo", taxonomy="207Q00000X"),
            Worker(id="demo-dr-birch", given="Ben", family="Birch-Demo", taxonomy="208D00000X"),
        ),
    ),
    Organisation(
        id="demo-rehabilitation",
        name="Demo Rehabilitation Physicians",
        workers=(Worker(id="demo-dr-cedar", given="Cleo", family="Cedar-Demo", taxonomy="208100000X"),),
    ),
)

CLINICS: Final = (
    Organisation(id="demo-north-clinic", name="Demo North Massage Clinic"),
    Organisation(id="demo-south-clinic", name="Demo South Massage Clinic"),
    Organisation(id="demo-river-clinic", name="Demo River Massage Clinic"),
)

WEEKLY_PATIENTS: Final = 30
"""Of a therapist: each has an hour of the week to himself, so that nobody is in two sessions at once."""

_GIVEN: Final = ("Dana", "Eli", "Fay", "Gil", "Hal", "Ina", "Jo", "Kim", "Lou", "Max", "Nia", "Oda")


def therapists_for(patients: int) -> int:
    """How many therapists each clinic has for so many patients."""
    return ceil(patients / (WEEKLY_PATIENTS * len(CLINICS)))


def therapist(clinic: Organisation, seed: int, number: int) -> Worker:
    """A therapist of a clinic, from 0."""
    return Worker(
        id=f"{clinic.id}-{seed}-{number}",
        given=_GIVEN[number % len(_GIVEN)],
        family=f"{clinic.id.split('-')[1].capitalize()}-{number}-Demo",
        taxonomy="225700000X",
        certificates=("lymphatic-drainage-cert",),
    )


def organisations() -> list[tuple[str, Content]]:
    """(organisation that it belongs to, resource) of everybody but the therapists."""
    found = [
        (each.reference, content)
        for each in (*REFERRERS, *CLINICS)
        for content in (_organisation(each), *(one for worker in each.workers for one in resources_of(each, worker)))
    ]
    payer = Organisation(id=PAYER, name="Demo Health Plan")
    return [*found, (payer.reference, _organisation(payer, kind="pay"))]


def therapists(seed: int, start: int, end: int) -> list[tuple[str, Content]]:
    """The same of the therapists of each clinic with the numbers from `start` to before `end`."""
    return [
        (clinic.reference, content)
        for clinic in CLINICS
        for number in range(start, end)
        for content in resources_of(clinic, therapist(clinic, seed, number))
    ]


def _organisation(each: Organisation, kind: str = "prov") -> Content:
    return {
        "resourceType": "Organization",
        "id": each.id,
        "identifier": [{"system": f"{SYSTEM}/organisations", "value": each.id}],
        "active": True,
        "type": [coded("http://terminology.hl7.org/CodeSystem/organization-type", kind)],
        "name": each.name,
        "telecom": [{"system": "email", "value": f"office@{each.id}.example.org"}],
    }


def resources_of(organisation: Organisation, each: Worker) -> tuple[Content, Content]:
    """The Practitioner and the PractitionerRole of who works for an organisation."""
    licence: dict[str, Any] = {
        "identifier": [{"system": f"{SYSTEM}/licences", "value": each.id}],
        "code": {"text": "Licence"},
        "period": {"start": "2015-01-01"},
    }
    certificates = [
        {"code": coded(QUALIFICATION, code), "period": {"start": "2018-01-01"}} for code in each.certificates
    ]
    practitioner: Content = {
        "resourceType": "Practitioner",
        "id": each.id,
        "identifier": [{"system": f"{SYSTEM}/practitioners", "value": each.id}],
        "name": [{"family": each.family, "given": [each.given]}],
        "qualification": [licence, *certificates],
    }
    role: Content = {
        "resourceType": "PractitionerRole",
        "id": each.id,
        "practitioner": {"reference": f"Practitioner/{each.id}"},
        "organization": {"reference": organisation.reference},
        "code": [coded(NUCC, each.taxonomy)],
    }
    return practitioner, role
