"""batch: each entry on its own, and what holds for the envelope of any Bundle. https://hl7.org/fhir/R4/http.html#transaction"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api.bundles import Json, entry, post
from tests.api.outcome import assert_outcome
from tests.builders.resources import patient

if TYPE_CHECKING:
    import httpx


async def test_a_batch_performs_each_entry_on_its_own(fresh_client: httpx.AsyncClient) -> None:
    """One that fails carries its outcome, the others are done."""
    entries = [
        entry("POST", "Patient", patient(1)),
        entry("POST", "Patient", {"resourceType": "Patient", "gender": "bogus"}),
        entry("GET", "Patient/nobody"),
        entry("GET", "Spaceship/1"),
        {"request": {}},
        entry("GET", "Patient?active=true"),
    ]
    response = await fresh_client.post("/", json={"resourceType": "Bundle", "type": "batch", "entry": entries})
    assert response.status_code == 200
    answered = response.json()["entry"]
    assert [each["response"]["status"][:3] for each in answered] == ["201", "400", "404", "404", "400", "200"]
    refused = answered[1]["response"]["outcome"]["issue"][0]
    assert refused["expression"] == ["Bundle.entry[1].resource.gender"]
    assert answered[5]["resource"]["total"] == 1


@pytest.mark.parametrize(
    "envelope, expression",
    [
        ({"foo": 3}, "Bundle.foo"),
        ({"total": 3}, "Bundle"),
        ({"link": "x"}, "Bundle.link"),
        ({"entry": []}, "Bundle.entry"),
    ],
)
@pytest.mark.parametrize("kind", ["batch", "transaction"])
async def test_the_envelope_of_a_bundle_is_validated(
    fresh_client: httpx.AsyncClient, kind: str, envelope: Json, expression: str
) -> None:
    """By R4's own rules, whatever is in it."""
    response = await fresh_client.post("/", json={"resourceType": "Bundle", "type": kind, **envelope})
    assert response.status_code == 400
    assert expression in response.json()["issue"][0]["expression"]


@pytest.mark.parametrize("kind", ["batch", "transaction"])
@pytest.mark.parametrize("methods", [("POST", "POST"), ("POST", "GET"), ("GET", "GET")])
async def test_a_bundle_with_one_full_url_twice_is_refused_as_a_whole(
    fresh_client: httpx.AsyncClient, kind: str, methods: tuple[str, str]
) -> None:
    """bdl-7, whatever the entries do."""
    full_url = "urn:uuid:6c33ba22-9d5e-4f0b-8a1f-4b3d5c1a7c10"
    entries = [
        entry(method, "Patient", patient(number) if method == "POST" else None) | {"fullUrl": full_url}
        for number, method in enumerate(methods)
    ]
    response = await fresh_client.post("/", json={"resourceType": "Bundle", "type": kind, "entry": entries})
    assert_outcome(response, 400, "bundle-duplicate", "Bundle.entry[0].fullUrl")
    assert (await fresh_client.get("/Patient")).json()["total"] == 0


async def test_a_misspelt_condition_is_refused(fresh_client: httpx.AsyncClient) -> None:
    """It would create what was there already."""
    made = entry("POST", "Patient", patient(1), ifNonExist="identifier=x")
    assert_outcome(await post(fresh_client, made), 400, "element-unknown", "Bundle.entry[0].request.ifNonExist")
    batch = await fresh_client.post("/", json={"resourceType": "Bundle", "type": "batch", "entry": [made]})
    refused = batch.json()["entry"][0]["response"]
    assert refused["status"].startswith("400")
    assert refused["outcome"]["issue"][0]["expression"] == ["Bundle.entry[0].request.ifNonExist"]
    assert (await fresh_client.get("/Patient")).json()["total"] == 0


async def test_a_transaction_larger_than_the_limit_is_refused(fresh_client: httpx.AsyncClient) -> None:
    """Before any of it is looked at."""
    response = await post(fresh_client, *[entry("GET", "Patient/1")] * 1001)
    assert_outcome(response, 400, "too-costly", "Bundle.entry")
