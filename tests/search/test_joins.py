"""Chains, reverse chains, composites and what stands in another parameter's rows, over a small practice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from service.fhir.code_systems import LOINC, UCUM

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from tests.search.conftest import Library

MR: Final = "http://terminology.hl7.org/CodeSystem/v2-0203"


def _patient(id_: str, family: str, practitioner: str | None = None) -> dict[str, Any]:
    general = {"generalPractitioner": [{"reference": f"Practitioner/{practitioner}"}]} if practitioner else {}
    type_ = {"coding": [{"system": MR, "code": "MR"}], "text": "Chart number"}
    return {
        "resourceType": "Patient",
        "id": id_,
        "name": [{"family": family}],
        "identifier": [{"type": type_, "system": "urn:mrn", "value": f"mrn-{id_}"}],
        **general,
    }


def _order(id_: str, patient: str, status: str = "active", **more: Any) -> dict[str, Any]:
    subject = {"reference": f"Patient/{patient}"}
    return {
        "resourceType": "ServiceRequest",
        "id": id_,
        "status": status,
        "intent": "order",
        "subject": subject,
        **more,
    }


def _measured(id_: str, patient: str, *parts: tuple[str, float]) -> dict[str, Any]:
    def coded(code: str) -> dict[str, Any]:
        return {"coding": [{"system": LOINC, "code": code, "display": f"Measure {code}"}]}

    def quantity(value: float) -> dict[str, Any]:
        return {"value": value, "unit": "mm[Hg]", "system": UCUM, "code": "mm[Hg]"}

    (code, value), *components = parts
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "subject": {"reference": f"Patient/{patient}"},
        "code": coded(code),
        "valueQuantity": quantity(value),
        "component": [{"code": coded(each), "valueQuantity": quantity(number)} for each, number in components],
    }


_PRACTICE: Final = (
    {"resourceType": "Practitioner", "id": "gregory", "name": [{"family": "House"}]},
    {"resourceType": "Practitioner", "id": "lisa", "name": [{"family": "Cuddy"}]},
    _patient("ann", "Smith", "gregory"),
    _patient("bob", "Smithson", "lisa"),
    _patient("cem", "Jones"),
    _order("ann-active", "ann"),
    _order("ann-draft", "ann", "draft"),
    _order("bob-active", "bob"),
    _order("nobody", "gone"),
    _order("logical", "ann", requester={"identifier": {"system": "urn:lanr", "value": "7"}, "display": "Dr. Wilson"}),
    _measured("ann-low", "ann", ("bp", 1), ("systolic", 100), ("diastolic", 70)),
    _measured("ann-high", "ann", ("bp", 1), ("systolic", 150), ("diastolic", 100)),
    _measured("bob-single", "bob", ("systolic", 150)),
    {
        "resourceType": "Task",
        "id": "task",
        "status": "requested",
        "intent": "order",
        "focus": {"reference": "ServiceRequest/bob-active"},
    },
)


@pytest.fixture(scope="module")
async def practice(make_library: Callable[[], AbstractAsyncContextManager[Library]]) -> AsyncIterator[Library]:
    """The practice, stored."""
    async with make_library() as made:
        await made.store(_PRACTICE)
        yield made


CHAINS: Final = [
    ("ServiceRequest", "patient.name=smith", "ann-active ann-draft bob-active logical"),
    ("ServiceRequest", "subject:Patient.name=smithson", "bob-active"),
    ("ServiceRequest", "patient.name:exact=Smith&status=active", "ann-active logical"),
    ("ServiceRequest", "patient.identifier=urn:mrn|mrn-bob", "bob-active"),
    ("ServiceRequest", "patient.general-practitioner:Practitioner.name=house", "ann-active ann-draft logical"),
    ("ServiceRequest", "patient._id=ann", "ann-active ann-draft logical"),
    ("ServiceRequest", "patient.name=nobody", ""),
    ("Task", "focus:ServiceRequest.patient.name=smithson", "task"),
    ("Task", "focus:ServiceRequest.patient.name=jones", ""),
    # reverse chains
    ("Patient", "_has:ServiceRequest:patient:status=draft", "ann"),
    ("Patient", "_has:ServiceRequest:patient:status=active", "ann bob"),
    ("Patient", "_has:Observation:patient:code=systolic", "bob"),
    ("Patient", "_has:ServiceRequest:patient:_has:Task:focus:status=requested", "bob"),
    ("Practitioner", "_has:Patient:general-practitioner:name=smith", "gregory lisa"),
    ("Practitioner", "_has:Patient:general-practitioner:_has:ServiceRequest:patient:status=draft", "gregory"),
    ("Patient", "_has:ServiceRequest:patient:status=active&_has:ServiceRequest:patient:status=draft", "ann"),
    # one link does not have to meet both criteria, and a chain joins with others
    ("ServiceRequest", "patient.name=smith&patient.general-practitioner:Practitioner.name=cuddy", "bob-active"),
]


@pytest.mark.parametrize("resource_type,text,ids", CHAINS)
async def test_chains(practice: Library, resource_type: str, text: str, ids: str) -> None:
    """https://hl7.org/fhir/R4/search.html#chaining and #has"""
    assert set(await practice.ids(resource_type, text)) == set(ids.split())


@pytest.mark.parametrize(
    "resource_type,text,ids",
    [
        ("ServiceRequest", "subject:Patient._lastUpdated=ge2022", "ann-active ann-draft bob-active logical"),
        ("ServiceRequest", "subject:Patient._lastUpdated=lt2022", ""),
        ("Patient", "_has:ServiceRequest:patient:_lastUpdated=gt2020", "ann bob"),
        ("Patient", "_has:ServiceRequest:patient:_has:Task:focus:_lastUpdated=gt2020", "bob"),
        ("Task", "focus:ServiceRequest.patient._lastUpdated=gt2020,ap2024-06-01", "task"),
    ],
)
async def test_updates_of_linked_resources(practice: Library, resource_type: str, text: str, ids: str) -> None:
    """Of those, and not of the type that is searched."""
    assert set(await practice.ids(resource_type, text)) == set(ids.split())


COMPOSITES: Final = [
    (f"component-code-value-quantity={LOINC}|systolic$gt120", "ann-high"),
    (f"component-code-value-quantity={LOINC}|systolic$lt90", ""),
    # the value of another component of the same resource does not count
    ("component-code-value-quantity=diastolic$lt80,diastolic$gt120", "ann-low"),
    ("component-code-value-quantity=systolic$100", "ann-low"),
    # the resource itself, or one of its components, but not the code of one and the value of the other
    ("combo-code-value-quantity=systolic$150", "ann-high bob-single"),
    ("combo-code-value-quantity=bp$150", ""),
    (f"code-value-quantity={LOINC}|systolic$ge150|{UCUM}|mm[Hg]", "bob-single"),
]


@pytest.mark.parametrize("text,ids", COMPOSITES)
async def test_composites(practice: Library, text: str, ids: str) -> None:
    """https://hl7.org/fhir/R4/search.html#composite"""
    assert set(await practice.ids("Observation", text)) == set(ids.split())


ELSEWHERE: Final = [
    ("Patient", f"identifier:of-type={MR}|MR|mrn-ann", "ann"),
    ("Patient", f"identifier:of-type={MR}|MR|mrn", ""),
    ("Patient", f"identifier:of-type={MR}|DL|mrn-ann", ""),
    ("ServiceRequest", "requester:identifier=urn:lanr|7", "logical"),
    ("ServiceRequest", "requester:identifier=urn:other|7", ""),
    ("Observation", "code:text=measure sys", "bob-single"),
    ("Patient", "name:contains=mith", "ann bob"),
    ("Patient", "name:contains=thso", "bob"),
    ("Patient", "name:contains=x", ""),
]


@pytest.mark.parametrize("resource_type,text,ids", ELSEWHERE)
async def test_modifiers_that_read_other_rows(practice: Library, resource_type: str, text: str, ids: str) -> None:
    """Texts of codes, identifiers of references, types of identifiers, parts of texts."""
    assert set(await practice.ids(resource_type, text)) == set(ids.split())
