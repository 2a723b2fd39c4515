"""_contained and _containedType over HTTP: https://hl7.org/fhir/R4/search.html#contained"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.api.outcome import assert_outcome

if TYPE_CHECKING:
    import httpx

Json = dict[str, Any]

BASE = "http://testserver/fhir"
CODES = "http://codes.example.org"


def medication(id_: str, code: str) -> Json:
    """A Medication of a code."""
    return {"resourceType": "Medication", "id": id_, "code": {"coding": [{"system": CODES, "code": code}]}}


def request(id_: str, *codes: str) -> Json:
    """A MedicationRequest for the first of the medications that it contains; each is made of the next one."""
    inside = [medication(f"m{number}", code) for number, code in enumerate(codes)]
    for number, each in enumerate(inside[1:], start=1):
        inside[number - 1]["ingredient"] = [{"itemReference": {"reference": f"#{each['id']}"}}]
    return {
        "resourceType": "MedicationRequest",
        "id": id_,
        "status": "active",
        "intent": "order",
        "medicationReference": {"reference": "#m0"},
        "subject": {"reference": "Patient/1"},
        "contained": inside,
    }


@pytest.fixture(scope="module")
async def pharmacy(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """Requests r0 to r6, with a salve that the even ones contain twice; the salve as a resource of its own."""
    for number in range(7):
        codes = ("salve", "oil", "salve") if number % 2 == 0 else ("salve", "oil")
        assert (await client.put(f"MedicationRequest/r{number}", json=request(f"r{number}", *codes))).is_success
    for code in ("salve", "oil"):
        assert (await client.put(f"Medication/{code}", json=medication(code, code))).is_success
    return client


async def walk(client: httpx.AsyncClient, url: str, relation: str = "next") -> list[list[str]]:
    """What stands in the fullUrls of each page, without the base."""
    pages, link = [], url
    while link:
        answer = await client.get(link)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        pages.append([entry["fullUrl"].removeprefix(f"{BASE}/") for entry in page.get("entry", [])])
        link = next((each["url"] for each in page["link"] if each["relation"] == relation), "")
    return pages


ALONE = [f"MedicationRequest/r{number}#m{place}" for number in range(6, -1, -1) for place in (0, 2)[: 2 - number % 2]]
CONTAINERS = [f"MedicationRequest/r{number}" for number in range(6, -1, -1)]


async def test_r4s_example(pharmacy: httpx.AsyncClient) -> None:
    """A chain finds the request, a search of medications does not find what it contains."""
    assert await walk(pharmacy, "/MedicationRequest?medication.code=salve") == [CONTAINERS]
    assert await walk(pharmacy, "/MedicationRequest?medication.ingredient.code=oil") == [CONTAINERS]
    assert await walk(pharmacy, "/MedicationRequest?medication.code=oil") == [[]]
    assert await walk(pharmacy, "/Medication?code=salve") == [["Medication/salve"]]


@pytest.mark.parametrize(
    "asked,expected",
    [
        ("_contained=true", CONTAINERS),
        ("_contained=true&_containedType=container", CONTAINERS),
        ("_contained=true&_containedType=contained", ALONE),
        ("_contained=both", ["Medication/salve", *CONTAINERS]),
        ("_contained=both&_containedType=contained", ["Medication/salve", *ALONE]),
        ("_contained=false&_containedType=contained", ["Medication/salve"]),
    ],
)
async def test_pages_have_every_match_once_in_order(
    pharmacy: httpx.AsyncClient, asked: str, expected: list[str]
) -> None:
    """Forwards and backwards, whatever their size; the total is that of all pages."""
    for count in (1, 3, 4, 100):
        pages = await walk(pharmacy, f"/Medication?code={CODES}|salve&{asked}&_count={count}&_total=accurate")
        assert pages == [expected[first : first + count] for first in range(0, len(expected), count)]
    counted = await pharmacy.get(f"/Medication?code=salve&{asked}&_summary=count")
    assert counted.json()["total"] == len(expected)
    link = f"/Medication?code=salve&{asked}&_count=2"
    while True:
        page = (await pharmacy.get(link)).json()
        last, link = link, next((each["url"] for each in page["link"] if each["relation"] == "next"), "")
        if not link:
            break
    backwards = await walk(pharmacy, last, "previous")
    assert [name for page in reversed(backwards) for name in page] == expected


async def test_a_contained_resource_is_returned_as_it_stands_in_its_container(pharmacy: httpx.AsyncClient) -> None:
    """R4: "the full URL SHALL contain a fragment"; it matched, so says the mode."""
    answer = await pharmacy.get("/Medication?code=oil&_contained=true&_containedType=contained&_count=1")
    (entry,) = answer.json()["entry"]
    assert entry["fullUrl"] == f"{BASE}/MedicationRequest/r6#m1"
    assert entry["search"] == {"mode": "match"}
    assert entry["resource"] == request("r6", "salve", "oil", "salve")["contained"][1]


async def test_what_is_returned_may_be_a_part(pharmacy: httpx.AsyncClient) -> None:
    """_elements are those of the searched type, _summary that of whatever is returned."""
    of_contained = "/Medication?code=oil&_contained=true&_containedType=contained&_count=1"
    (entry,) = (await pharmacy.get(f"{of_contained}&_elements=code")).json()["entry"]
    assert {"code", "meta"} == entry["resource"].keys() - {"resourceType", "id"}
    (entry,) = (await pharmacy.get("/Medication?code=oil&_contained=true&_count=1&_summary=true")).json()["entry"]
    assert entry["resource"]["resourceType"] == "MedicationRequest"
    assert "contained" not in entry["resource"]


@pytest.mark.parametrize(
    "asked,named",
    [
        ("Medication?_contained=true&_sort=code", "_sort"),
        ("Medication?_contained=both&_include=Medication:manufacturer", "_include"),
        ("Medication?_contained=true&_revinclude=MedicationRequest:medication", "_revinclude"),
        ("Medication?_contained=true&_has:MedicationRequest:medication:status=active", "_has"),
        ("Medication?_contained=true&_list=1", "_list"),
        ("Medication?_contained=true&_lastUpdated=gt2020", "_lastUpdated"),
        ("Medication?_contained=both&_elements=code", "_elements"),
        ("Patient/1/MedicationRequest?_contained=true", "compartment"),
    ],
)
async def test_what_cannot_be_combined_is_refused_by_name(client: httpx.AsyncClient, asked: str, named: str) -> None:
    """Rather than answered otherwise than it was meant."""
    answer = await client.get(f"/{asked}")
    assert_outcome(answer, 400, "not-supported", "http._contained")
    assert named in answer.json()["issue"][0]["diagnostics"]


@pytest.mark.parametrize("asked", ["_contained=maybe", "_containedType=both", "_contained:exact=true", "_contained="])
async def test_malformed_values_are_refused(client: httpx.AsyncClient, asked: str) -> None:
    """With the name of the parameter."""
    answer = await client.get(f"/Medication?{asked}")
    assert answer.status_code == 400
    assert answer.json()["issue"][0]["expression"][0].startswith("http._contained")
