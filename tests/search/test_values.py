"""Numbers, quantities, composites and modifiers, as the index has them: tables of search → ids that match."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.code_systems import UCUM
from service.fhir.codec import decode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from tests.search.conftest import Library

LONG = " ".join(f"Wörd{number}" for number in range(200))


def measured(id_: str, value: str) -> dict[str, Any]:
    """An Observation of a quantity, given as JSON without its braces."""
    content = decode(f'{{"resourceType": "Observation", "id": "{id_}", "valueQuantity": {{{value}}}}}'.encode())
    return {**content, "code": {"text": "x"}}


def ucum(value: str, code: str) -> str:
    """A quantity in a unit of UCUM."""
    return f'"value": {value}, "unit": "{code}", "system": "{UCUM}", "code": "{code}"'


def pressure(id_: str, *components: tuple[str, int]) -> dict[str, Any]:
    """An Observation with components."""
    return {
        "resourceType": "Observation",
        "id": id_,
        "component": [
            {"code": {"coding": [{"code": code}]}, "valueQuantity": {"value": value}} for code, value in components
        ],
    }


POPULATION: list[dict[str, Any]] = [
    measured("5mm", ucum("5", "mm")),
    measured("0.5cm", ucum("0.5", "cm")),
    measured("5.04mm", ucum("5.04", "mm")),
    measured("5.4mm", ucum("5.4", "mm")),
    measured("6mm", ucum("6", "mm")),
    measured("less-than-5mm", f'{ucum("5", "mm")}, "comparator": "<"'),
    measured("5mm-or-more", f'{ucum("5", "mm")}, "comparator": ">="'),
    measured("more-than-5mm", f'{ucum("5", "mm")}, "comparator": ">"'),
    measured("5mg", ucum("5", "mg")),
    measured("5-millimetres", '"value": 5, "unit": "mm"'),
    measured("5", '"value": 5'),
    pressure("120-80", ("systolic", 120), ("diastolic", 80)),
    pressure("80-120", ("systolic", 80), ("diastolic", 120)),
]

MM = "5mm 0.5cm 5.04mm"
BEYOND = "5mm-or-more more-than-5mm"
QUANTITIES = {
    # 3.1.1.4.11: any unit
    "5": "5mm 5.04mm 5.4mm 5mg 5-millimetres 5",
    "5.0": "5mm 5.04mm 5mg 5-millimetres 5",
    "0.5": "0.5cm",
    # 3.1.1.4.11: the code or the human unit
    "5.0||mm": "5mm 5.04mm 5-millimetres",
    "5||mg": "5mg",
    # 3.1.1.4.11: "any value where the units can be converted"
    f"5.0|{UCUM}|mm": MM,
    f"0.500|{UCUM}|cm": "5mm 0.5cm",
    f"0.005|{UCUM}|m": f"{MM} 5.4mm",
    f"5.0|{UCUM}|mg": "5mg",
    f"0.0050|{UCUM}|g": "5mg",
    f"5|{UCUM}|kg": "",
    "5|urn:other|mm": "",
    # 3.1.1.4.5: the prefixes, with the exact number
    f"gt5|{UCUM}|mm": f"5.04mm 5.4mm 6mm {BEYOND}",
    f"ge5|{UCUM}|mm": f"5mm 0.5cm 5.04mm 5.4mm 6mm {BEYOND}",
    f"lt0.5|{UCUM}|cm": "less-than-5mm",
    f"le0.5|{UCUM}|cm": "5mm 0.5cm less-than-5mm",
    f"sa5|{UCUM}|mm": "5.04mm 5.4mm 6mm more-than-5mm",
    f"eb5|{UCUM}|mm": "less-than-5mm",
    f"eb6|{UCUM}|mm": "5mm 0.5cm 5.04mm 5.4mm less-than-5mm",
    f"ap5|{UCUM}|mm": f"{MM} 5.4mm less-than-5mm {BEYOND}",
    f"ap6|{UCUM}|mm": f"5.4mm 6mm {BEYOND}",
    "gt5||mg": "",
    # 3.1.1.4.6: one digit, by the letter, and in the exponential form
    f"5e0|{UCUM}|mm": f"{MM} 5.4mm",
    f"50e-1|{UCUM}|mm": MM,
}

COMPOSITES = {
    "component-code-value-quantity=systolic$120": "120-80",
    "component-code-value-quantity=systolic$80": "80-120",
    "component-code-value-quantity=systolic$ge80": "120-80 80-120",
    "component-code-value-quantity=systolic$lt100,diastolic$lt100": "120-80 80-120",
    "combo-code-value-quantity=diastolic$gt100": "80-120",
    "code-value-quantity=systolic$120": "",
    "component-code=systolic&component-value-quantity=80": "120-80 80-120",
}

XML = {"contentType": "text/xml; charset=UTF-8"}
MRN = {"coding": [{"system": "urn:types", "code": "MR"}], "text": "Krankenakte"}
OTHERS: list[tuple[dict[str, Any], dict[str, str]]] = [
    (
        {
            "resourceType": "Patient",
            "id": "record",
            "identifier": [{"value": "1", "type": MRN}],
            "name": [{"family": "Severine"}],
        },
        {
            "identifier:of-type=urn:types|MR|1": "record",
            "identifier:of-type=urn:types|MR|2": "",
            "identifier:of-type=urn:types|XX|1": "",
            "identifier:text=kranken": "record",
            "identifier=1": "record",
            "family:contains=ÉVE": "record",
            "family:contains=eves": "",
        },
    ),
    (
        {
            "resourceType": "ValueSet",
            "id": "long",
            "meta": {"profile": ["http://acme.org/fhir/p|1"]},
            "url": "http://acme.org/fhir/ValueSet/1",
            "version": "2",
            "description": LONG,
        },
        {
            "description=wörd0 wörd1": "long",
            "description:contains=word0 word1": "long",
            "description:contains=WORD97 word98": "long",
            "description:contains=word199": "long",
            "description:contains=word200": "",
            "description=word97": "",
            "url=http://acme.org/fhir/ValueSet/1": "long",
            "url=http://acme.org/fhir/ValueSet/1|2": "long",
            "url=http://acme.org/fhir/ValueSet/1|3": "",
            "url:below=http://acme.org/fhir/": "long",
            "url:below=http://acme.org/other/": "",
            "url:above=http://acme.org/fhir/ValueSet/1/_history/5": "long",
            "url:above=http://acme.org/fhir/ValueSet": "",
            "_profile:below=http://acme.org/fhir": "long",
            "_profile=http://acme.org/fhir/p,http://acme.org/fhir/p|1": "long",
        },
    ),
    (
        {"resourceType": "DocumentReference", "id": "xml", "content": [{"attachment": XML}]},
        {
            "contenttype:below=text/xml": "xml",
            "contenttype:below=text/html": "",
            "contenttype=text/xml": "",
            "contenttype=text/xml; charset=UTF-8": "xml",
        },
    ),
    (
        {
            "resourceType": "Task",
            "id": "logical",
            "code": {
                "coding": [
                    {"system": "urn:x", "code": "a", "display": "Massage, manuell"},
                    {"code": "a"},
                    {"code": "b"},
                ],
                "text": "Massage, Nacken",
            },
            "for": {"type": "Patient", "identifier": {"system": "urn:x", "value": "7"}},
            "focus": {"type": "Group", "identifier": {"system": "urn:x", "value": "8"}},
        },
        {
            "subject:identifier=urn:x|7": "logical",
            "patient:identifier=7": "logical",
            "subject:identifier=urn:y|7": "",
            "subject:identifier=8": "",
            "subject:missing=false": "logical",
            "focus:missing=true": "",
            "owner:missing=true": "logical",
            "code:text=massage\\,": "logical",
            "code:text=manuell": "",
            "code=a": "logical",
            "code=a,b": "logical",
            "code:text=nacken,massage": "logical",
        },
    ),
]


@pytest.fixture(scope="module")
async def values(make_library: Callable[[], AbstractAsyncContextManager[Library]]) -> AsyncIterator[Library]:
    """A library of these resources."""
    async with make_library() as library:
        await library.store([*POPULATION, *(content for content, _ in OTHERS)])
        yield library


@pytest.mark.parametrize("value", QUANTITIES)
async def test_quantities(values: Library, value: str) -> None:
    """https://hl7.org/fhir/R4/search.html#quantity"""
    found = await values.ids("Observation", f"code:missing=false&value-quantity={value}")
    assert set(found) == set(QUANTITIES[value].split())


@pytest.mark.parametrize("query", COMPOSITES)
async def test_composites(values: Library, query: str) -> None:
    """https://hl7.org/fhir/R4/search.html#composite"""
    assert set(await values.ids("Observation", query)) == set(COMPOSITES[query].split())


@pytest.mark.parametrize(
    "resource_type,query,ids",
    [(content["resourceType"], query, ids) for content, queries in OTHERS for query, ids in queries.items()],
)
async def test_modifiers(values: Library, resource_type: str, query: str, ids: str) -> None:
    """https://hl7.org/fhir/R4/search.html#modifiers"""
    assert await values.ids(resource_type, query) == ids.split()
