"""transaction: all entries or none. https://hl7.org/fhir/R4/http.html#transaction"""

from __future__ import annotations

import asyncio
import base64
import copy
import json
from typing import TYPE_CHECKING

import pytest

from tests.api.bundles import Json, entry, locations, post, statuses
from tests.api.outcome import assert_outcome
from tests.builders.referral import referral_bundle
from tests.builders.resources import EHR, patient

if TYPE_CHECKING:
    import httpx


async def test_the_same_bundle_again_creates_nothing(fresh_client: httpx.AsyncClient) -> None:
    """Byte for byte the same request: the same resources, at version 1."""
    content = json.dumps(referral_bundle(1))
    headers = {"Content-Type": "application/fhir+json"}
    first = await fresh_client.post("/", content=content, headers=headers)
    second = await fresh_client.post("/", content=content, headers=headers)
    assert statuses(second) == ["200"] * 8
    assert locations(second) == locations(first)
    assert (await fresh_client.get("/_history")).json()["total"] == 8


async def test_a_second_referral_shares_what_exists(fresh_client: httpx.AsyncClient) -> None:
    """The same patient and practitioner, a new order."""
    await fresh_client.post("/", json=referral_bundle(1))
    second = await fresh_client.post("/", json=referral_bundle(2, patient_number=1))
    created = [
        place.split("/")[0]
        for place, status in zip(locations(second), statuses(second), strict=True)
        if status == "201"
    ]
    assert sorted(created) == ["ServiceRequest", "Task"]


async def test_one_bad_entry_stops_all(fresh_client: httpx.AsyncClient) -> None:
    """The refusal names the entry and the element; nothing is stored."""
    bundle = referral_bundle(1)
    bundle["entry"][6]["resource"]["status"] = "bogus"
    response = await fresh_client.post("/", json=bundle)
    assert_outcome(response, 400, "code-invalid", "Bundle.entry[6].resource.status")
    assert (await fresh_client.get("/_history")).json()["total"] == 0


async def test_every_bad_entry_is_named_at_once(fresh_client: httpx.AsyncClient) -> None:
    """An integrator should not have to send a Bundle eight times."""
    bundle = referral_bundle(1)
    for index in (6, 7):
        bundle["entry"][index]["resource"]["status"] = "bogus"
    outcome = (await fresh_client.post("/", json=bundle)).json()
    named = {path for issue in outcome["issue"] for path in issue["expression"]}
    assert named == {"Bundle.entry[6].resource.status", "Bundle.entry[7].resource.status"}


async def test_contents_refused_while_criteria_are_looked_up_cost_no_connection(
    fresh_client: httpx.AsyncClient,
) -> None:
    """Validation runs beside the statement that matches criteria; more refusals than connections leave all usable."""
    bundle = referral_bundle(1)
    broken = copy.deepcopy(bundle)
    broken["entry"][0]["resource"]["birthDate"] = "yesterday"
    refused = await asyncio.gather(*(fresh_client.post("/", json=broken) for _ in range(40)))
    assert {response.status_code for response in refused} == {400}
    assert_outcome(refused[0], 400, "value-invalid")
    assert statuses(await fresh_client.post("/", json=bundle)) == ["201"] * len(bundle["entry"])


async def test_entries_are_processed_in_r4s_order(fresh_client: httpx.AsyncClient) -> None:
    """Delete, create, update, patch, read, whatever the order sent; answers come in the order sent."""
    for number in (1, 2, 3):
        await fresh_client.put(f"/Patient/p-{number}", json=patient(number, id=f"p-{number}"))
    document = base64.b64encode(b'[{"op":"replace","path":"/active","value":false}]').decode()
    response = await post(
        fresh_client,
        entry("GET", "Patient?active=false"),
        entry("PUT", "Patient/p-2", patient(2, id="p-2", active=False)),
        entry("GET", "Patient/p-3"),
        entry("POST", "Patient", patient(4, active=False)),
        entry(
            "PATCH",
            "Patient/p-3",
            {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": document},
        ),
        entry("DELETE", "Patient/p-1"),
    )
    assert statuses(response) == ["200", "200", "200", "201", "200", "204"]
    answers = response.json()["entry"]
    assert answers[0]["resource"]["total"] == 3
    assert answers[2]["resource"]["active"] is False
    assert (await fresh_client.get("/Patient/p-1")).status_code == 410


async def test_a_delete_makes_room_for_a_conditional_create_of_the_same(fresh_client: httpx.AsyncClient) -> None:
    """Because deletes are processed first."""
    await fresh_client.put("/Patient/p-1", json=patient(1, id="p-1"))
    criteria = f"identifier={EHR}/mrn|MRN-1"
    response = await post(
        fresh_client,
        entry("POST", "Patient", patient(1), ifNoneExist=criteria),
        entry("DELETE", "Patient/p-1"),
    )
    assert statuses(response) == ["201", "204"]


async def test_a_fhirpath_patch_works_in_a_bundle(fresh_client: httpx.AsyncClient) -> None:
    """As a Parameters resource."""
    await fresh_client.put("/Patient/p-1", json=patient(1, id="p-1"))
    parts = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": "Patient.active"},
        {"name": "value", "valueBoolean": False},
    ]
    document = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}
    assert statuses(await post(fresh_client, entry("PATCH", "Patient/p-1", document))) == ["200"]
    assert (await fresh_client.get("/Patient/p-1")).json()["active"] is False


@pytest.mark.parametrize(
    "first, second",
    [
        (entry("PUT", "Patient/p-1", patient(1, id="p-1")), entry("DELETE", "Patient/p-1")),
        (
            entry("PUT", "Patient/p-1", patient(1, id="p-1", active=False)),
            entry("PUT", f"Patient?identifier={EHR}/mrn|MRN-1", patient(1)),
        ),
    ],
)
async def test_a_transaction_may_change_a_resource_once(
    fresh_client: httpx.AsyncClient, first: Json, second: Json
) -> None:
    """By its id or by criteria that find it."""
    await fresh_client.put("/Patient/p-1", json=patient(1, id="p-1"))
    assert_outcome(await post(fresh_client, first, second), 400, "bundle-duplicate")
    assert (await fresh_client.get("/Patient/p-1")).headers["etag"] == 'W/"1"'


async def test_a_stale_version_stops_all(fresh_client: httpx.AsyncClient) -> None:
    """The version that any entry names."""
    await fresh_client.put("/Patient/p-1", json=patient(1, id="p-1"))
    response = await post(
        fresh_client,
        entry("POST", "Patient", patient(2)),
        entry("PUT", "Patient/p-1", patient(1, id="p-1", active=False), ifMatch='W/"7"'),
    )
    assert_outcome(response, 412, "version-conflict")
    assert (await fresh_client.get("/Patient")).json()["total"] == 1


async def test_a_read_that_fails_stops_all(fresh_client: httpx.AsyncClient) -> None:
    """A transaction has no partial success."""
    response = await post(fresh_client, entry("POST", "Patient", patient(1)), entry("GET", "Patient/nobody"))
    assert_outcome(response, 404, "not-found", "Bundle.entry[1]")
    assert (await fresh_client.get("/Patient")).json()["total"] == 0


async def test_prefer_decides_what_comes_back_of_writes(fresh_client: httpx.AsyncClient) -> None:
    """Nothing by default; the resource or an outcome where asked for."""
    plain = (await post(fresh_client, entry("POST", "Patient", patient(1)))).json()["entry"][0]
    assert "resource" not in plain
    full = (await post(fresh_client, entry("POST", "Patient", patient(2)), Prefer="return=representation")).json()
    assert full["entry"][0]["resource"]["birthDate"] == "1980-02-29"
    outcome = (await post(fresh_client, entry("POST", "Patient", patient(3)), Prefer="return=OperationOutcome")).json()
    assert outcome["entry"][0]["response"]["outcome"]["resourceType"] == "OperationOutcome"


async def test_an_empty_transaction_succeeds(fresh_client: httpx.AsyncClient) -> None:
    """It asks for nothing."""
    response = await fresh_client.post("/", json={"resourceType": "Bundle", "type": "transaction"})
    assert (response.status_code, response.json()["type"]) == (200, "transaction-response")


async def test_a_bundle_that_was_sent_is_not_changed_by_a_retry(fresh_client: httpx.AsyncClient) -> None:
    """The same Bundle under new identifiers is another referral."""
    bundle = referral_bundle(1)
    untouched = copy.deepcopy(bundle)
    await fresh_client.post("/", json=bundle)
    assert bundle == untouched
    assert statuses(await fresh_client.post("/", json=referral_bundle(2)))[0] == "201"


@pytest.mark.parametrize("second", ["POST", "PUT"])
async def test_the_same_criteria_twice_are_refused(fresh_client: httpx.AsyncClient, second: str) -> None:
    """They would make two resources that match from then on."""
    criteria = f"identifier={EHR}/mrn|MRN-1"
    again = (
        entry("POST", "Patient", patient(1), ifNoneExist=criteria)
        if second == "POST"
        else entry("PUT", f"Patient?{criteria}", patient(1))
    )
    response = await post(fresh_client, entry("POST", "Patient", patient(1), ifNoneExist=criteria), again)
    assert_outcome(response, 400, "bundle-duplicate", "Bundle.entry[1]")


async def test_several_matches_stay_several_when_one_of_them_is_deleted(fresh_client: httpx.AsyncClient) -> None:
    """Three match, one goes: which of the others was meant?"""
    for name in ("a", "b", "c"):
        await fresh_client.put(f"/Patient/{name}", json=patient(1, id=name))
    for doomed in ("a", "b", "c"):
        response = await post(
            fresh_client,
            entry("PUT", f"Patient?identifier={EHR}/mrn|MRN-1", patient(1, active=False)),
            entry("DELETE", f"Patient/{doomed}"),
        )
        assert_outcome(response, 412, "multiple-matches", "Bundle.entry[0]")


async def test_a_head_entry_has_no_resource_and_a_known_one_is_not_modified(fresh_client: httpx.AsyncClient) -> None:
    """As the requests by themselves."""
    await fresh_client.put("/Patient/p", json=patient(1, id="p"))
    response = await post(
        fresh_client,
        entry("HEAD", "Patient/p"),
        entry("GET", "Patient/p", ifModifiedSince="2999-01-01T00:00:00Z"),
        entry("GET", "Patient/p/_history/1", ifNoneMatch='W/"1"'),
    )
    assert statuses(response) == ["200", "304", "304"]
    assert not any("resource" in each for each in response.json()["entry"])


@pytest.mark.parametrize("logical_id", [".", ".."])
async def test_ids_that_no_url_can_address_are_refused(fresh_client: httpx.AsyncClient, logical_id: str) -> None:
    """Clients fold them away."""
    by_id = await post(fresh_client, entry("PUT", f"Patient/{logical_id}", patient(1, id=logical_id)))
    assert by_id.status_code in (400, 404)
    by_criteria = await fresh_client.put("/Patient?identifier=x|y", json=patient(1, id=logical_id))
    assert_outcome(by_criteria, 400, "id-invalid")
