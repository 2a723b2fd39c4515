"""Scores that belong to no referral are held against their measures where they say that they are of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.code_systems import UCUM
from service.massage.profiles import canonical
from service.massage.systems import OUTCOME
from tests.api.outcome import assert_outcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from tests.conftest import MakeClient

Json = dict[str, Any]
CLAIM = {"profile": [canonical("massage-outcome")]}
PAIN = {"coding": [{"system": "http://loinc.org", "code": "72514-3"}]}
OWN = {"coding": [{"system": OUTCOME, "code": "nprs"}]}
DISABILITY = {"coding": [{"system": "http://loinc.org", "code": "97909-6"}]}


@pytest.fixture(scope="module")
async def http(make_client: MakeClient) -> AsyncIterator[httpx.AsyncClient]:
    """A service with the rules, on which nobody has to say who they are."""
    async with make_client(referral_rules="on") as client:
        yield client


def rated(code: Json, value: Any, unit: str = "{score}", **elements: Any) -> Json:
    """A measurement of somebody who was never referred."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [
            {
                "coding": [
                    {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "survey"}
                ]
            }
        ],
        "code": code,
        "subject": {"reference": "Patient/somebody"},
        "performer": [{"reference": "Practitioner/somebody"}],
        "effectiveDateTime": "2026-01-12",
        "valueQuantity": {"value": value, "system": UCUM, "code": unit},
    } | elements  # fmt: skip


REFUSED = {
    "out of range": rated(PAIN, 11, meta=CLAIM),
    "between steps": rated(PAIN, 3.5, meta=CLAIM),
    "of the wrong kind": rated(PAIN, 4, "cm", meta=CLAIM),
    "our own code, without a claim": rated(OWN, 11),
    "percent out of range": rated(DISABILITY, 101, "%", meta=CLAIM),
    "raw, but more than the instrument counts": rated(DISABILITY, 51, meta=CLAIM),
}


@pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED)
async def test_a_score_that_cannot_be_is_not_stored(http: httpx.AsyncClient, content: Json) -> None:
    place = "Observation.valueQuantity" + ("" if content["valueQuantity"]["code"] == "cm" else ".value")
    assert_outcome(await http.post("/Observation", json=content), 422, "outcome-invalid", place)


async def test_nor_by_an_update_a_patch_or_a_transaction(http: httpx.AsyncClient) -> None:
    made = (await http.post("/Observation", json=rated(PAIN, 7, meta=CLAIM))).json()
    wrong = REFUSED["out of range"]
    updated = await http.put(f"/Observation/{made['id']}", json=wrong | {"id": made["id"]})
    assert_outcome(updated, 422, "outcome-invalid", "Observation.valueQuantity.value")
    patch = [{"op": "replace", "path": "/valueQuantity/value", "value": 11}]
    media = {"Content-Type": "application/json-patch+json"}
    patched = await http.patch(f"/Observation/{made['id']}", json=patch, headers=media)
    assert_outcome(patched, 422, "outcome-invalid", "Observation.valueQuantity.value")
    entry = {"resource": wrong, "request": {"method": "POST", "url": "Observation"}}
    sent = await http.post("", json={"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
    assert_outcome(sent, 422, "outcome-invalid", "Bundle.entry[0].resource.valueQuantity.value")
    assert (await http.get(f"/Observation/{made['id']}")).json()["meta"]["versionId"] == "1"


async def test_validate_says_so_beforehand(http: httpx.AsyncClient) -> None:
    told = (await http.post("/Observation/$validate", json=REFUSED["out of range"])).json()
    errors = [each["expression"] for each in told["issue"] if each["severity"] == "error"]
    assert errors == [["Observation.valueQuantity.value"]]


async def test_raw_and_percent_are_stored_as_they_were_sent(http: httpx.AsyncClient) -> None:
    for value, unit in ((42, "%"), (21, "{score}")):
        made = (await http.post("/Observation", json=rated(DISABILITY, value, unit, meta=CLAIM))).json()
        assert (made["valueQuantity"]["value"], made["valueQuantity"]["code"]) == (value, unit)


async def test_plain_fhir_is_its_senders(http: httpx.AsyncClient) -> None:
    """A code of LOINC alone makes nobody's Observation ours."""
    assert (await http.post("/Observation", json=rated(PAIN, 11))).status_code == 201


async def test_what_was_a_mistake_may_be_said_to_be_one(http: httpx.AsyncClient) -> None:
    answered = await http.post("/Observation", json=REFUSED["out of range"] | {"status": "entered-in-error"})
    assert answered.status_code == 201
