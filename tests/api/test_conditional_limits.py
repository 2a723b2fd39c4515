"""Criteria in the place of an id are few: all those of a Bundle are asked for in one statement."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from tests.api.outcome import assert_outcome
from tests.builders.resources import observation, patient, reference

if TYPE_CHECKING:
    import httpx

    from tests.conftest import MakeClient

CHAIN = "subject:Patient.general-practitioner:Practitioner.name=a"
LONG_CHAIN = f"based-on:ServiceRequest.{CHAIN}"


def names(number: int, first: int = 0) -> str:
    """So many criteria."""
    return "&".join(f"identifier=n{first + each}" for each in range(number))


def transaction(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}


def created(criteria: str) -> dict[str, Any]:
    request = {"method": "POST", "url": "Patient", "ifNoneExist": criteria}
    return {"resource": patient(), "request": request}


def observed(criteria: str) -> dict[str, Any]:
    request = {"method": "POST", "url": "Observation", "ifNoneExist": criteria}
    return {"resource": observation("Patient/p"), "request": request}


@pytest.mark.parametrize(
    "criteria", [names(9), f"{CHAIN}&{LONG_CHAIN}", "&".join(f"_has:Observation:focus:code=c{n}" for n in range(5))]
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_more_than_eight_criteria_or_four_links_are_refused(
    client: httpx.AsyncClient, method: str, criteria: str
) -> None:
    """Whatever the method."""
    content = observation("Patient/p")
    if method == "POST":
        response = await client.post("Observation", json=content, headers={"If-None-Exist": criteria})
    elif method == "PUT":
        response = await client.put(f"Observation?{criteria}", json=content)
    elif method == "PATCH":
        patch = [{"op": "replace", "path": "/status", "value": "final"}]
        typed = {"Content-Type": "application/json-patch+json"}
        response = await client.patch(f"Observation?{criteria}", json=patch, headers=typed)
    else:
        response = await client.delete(f"Observation?{criteria}")
    issue = assert_outcome(response, 400, "too-costly", "http.criteria")
    assert "at most 8, with 4 links" in issue["diagnostics"]


@pytest.mark.parametrize("criteria", [names(8), f"{names(6)}&{CHAIN}&subject:Patient.organization:Organization.name=a"])
async def test_eight_criteria_with_four_links_are_taken(client: httpx.AsyncClient, criteria: str) -> None:
    """Nothing has all of those identifiers."""
    response = await client.post("Observation", json=observation("Patient/p"), headers={"If-None-Exist": criteria})
    assert response.status_code == 201, response.text


async def test_the_criteria_of_all_entries_together_are_bounded(make_client: MakeClient) -> None:
    """Four for each entry that a Bundle may have; the refusal points at the entry that goes beyond."""
    async with make_client(max_bundle_entries=4) as client:
        taken = transaction(created(names(8, 0)), created(names(8, 10)))
        assert (await client.post("/", json=taken)).status_code == 200
        refused = transaction(created(names(8, 20)), created(names(8, 30)), created(names(1, 40)))
        assert_outcome(await client.post("/", json=refused), 400, "too-costly", "Bundle.entry[2]")
        assert (await client.get("Patient?_summary=count")).json()["total"] == 2


async def test_criteria_of_very_many_forms_are_refused(client: httpx.AsyncClient) -> None:
    """Each form is a part of the statement of its own; a thousand entries of one form are a single part."""
    codes = ("{0}=a", "{0}=s|a", "{0}=|a", "{0}=s|")
    forms = product(*([each.format(code) for each in codes] for code in ("identifier", "code", "category", "method")))
    rest = "value-string=a&combo-code=a&date=ge2000&component-code=a"
    entries = [observed(f"{'&'.join(form)}&{rest}") for form in forms]
    refused = await client.post("/", json=transaction(*entries))
    assert_outcome(refused, 400, "too-costly", "Bundle.entry")
    alike = [observed(f"identifier=s|{number}&{rest}") for number in range(len(entries))]
    assert (await client.post("/", json=transaction(*alike))).status_code == 200


async def test_conditional_references_count_once_for_each_text(make_client: MakeClient) -> None:
    """Many entries name the same patient, as those of a referral do."""
    async with make_client(max_bundle_entries=20) as client:
        assert (await client.put("Patient/p", json=patient(7, id="p"))).status_code == 201
        named = reference("Patient?identifier=MRN-7&birthdate=ge1900&birthdate=le2100&active=true&active:not=false")
        entry = {"resource": observation("") | {"subject": named}, "request": {"method": "POST", "url": "Observation"}}
        assert (await client.post("/", json=transaction(*([entry] * 20)))).status_code == 200
        assert (await client.get("Observation?subject=Patient/p&_summary=count")).json()["total"] == 20
