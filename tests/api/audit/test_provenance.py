"""X-Provenance: what a client says of how a change came about is stored with the change, or not at all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.builders.referral import referral_bundle
from tests.builders.resources import patient

if TYPE_CHECKING:
    import httpx

    from tests.api.audit.conftest import Audited
    from tests.conftest import MakeClient

SAID = {
    "resourceType": "Provenance",
    "recorded": "2026-01-09T08:00:00Z",
    "agent": [{"who": {"display": "The front desk"}}],
}
HEADER = {"X-Provenance": json.dumps(SAID)}


async def stored(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """Every Provenance, newest first."""
    answered = await client.get("/Provenance")
    return [entry["resource"] for entry in answered.json().get("entry", [])]


def targets(provenance: dict[str, Any]) -> list[str]:
    return [target["reference"] for target in provenance["target"]]


async def test_every_kind_of_write_takes_it(fresh_client: httpx.AsyncClient) -> None:
    """The target is the version that the write has made."""
    created = await fresh_client.post("/Patient", json=patient(1), headers=HEADER)
    assert created.status_code == 201
    name = f"Patient/{created.json()['id']}"
    retire = json.dumps([{"op": "replace", "path": "/active", "value": False}])
    patching = {"Content-Type": "application/json-patch+json", **HEADER}
    assert (await fresh_client.patch(f"/{name}", content=retire, headers=patching)).status_code == 200
    changed = patient(1, id=created.json()["id"])
    assert (await fresh_client.put(f"/{name}", json=changed, headers=HEADER)).status_code == 200
    assert (await fresh_client.delete(f"/{name}", headers=HEADER)).status_code == 204
    found = [targets(each) for each in await stored(fresh_client)]
    assert found == [[f"{name}/_history/{version}"] for version in (4, 3, 2, 1)]
    assert (await stored(fresh_client))[0]["agent"] == SAID["agent"]


async def test_a_transaction_has_one_with_all_of_its_targets(fresh_client: httpx.AsyncClient) -> None:
    answered = await fresh_client.post("/", json=referral_bundle(1), headers=HEADER)
    locations = [entry["response"]["location"].partition("/fhir/")[2] for entry in answered.json()["entry"]]
    (found,) = await stored(fresh_client)
    assert sorted(targets(found)) == sorted(locations)


async def test_what_changes_nothing_leaves_none(fresh_client: httpx.AsyncClient) -> None:
    await fresh_client.put("/Patient/p", json=patient(1, id="p"))
    assert (await fresh_client.put("/Patient/p", json=patient(1, id="p"), headers=HEADER)).status_code == 200
    assert await stored(fresh_client) == []


@pytest.mark.parametrize(
    "sent, code",
    [
        ("{", "malformed-json"),
        ("[]", "header-invalid"),
        (json.dumps({**SAID, "resourceType": "Patient"}), "header-invalid"),
        (json.dumps({**SAID, "target": [{"reference": "Patient/p"}]}), "header-invalid"),
        (json.dumps({"resourceType": "Provenance"}), "element-missing"),
        (json.dumps({**SAID, "nonsense": 1}), "element-unknown"),
    ],
)
async def test_what_is_no_valid_provenance_stops_the_write(client: httpx.AsyncClient, sent: str, code: str) -> None:
    for body, url in ((patient(1), "/Patient"), (referral_bundle(1), "/")):
        answered = await client.post(url, json=body, headers={"X-Provenance": sent})
        assert answered.status_code == 400
        assert answered.json()["issue"][0]["details"]["coding"][0]["code"] == code
    assert (await client.get("/Patient?_summary=count")).json()["total"] == 0


async def test_it_is_stored_in_the_commit_of_the_change_and_on_record(audited: Audited) -> None:
    await audited.http.put("/Patient/p", json=patient(1, id="p"), headers=HEADER)
    tables = ("resource", "audit_link WHERE position('anchor'::bytea in content) = 0")
    seen = [await audited.connection.fetch(f"SELECT xmin::text FROM {table}") for table in tables]  # noqa: S608
    assert [len(rows) for rows in seen] == [2, 1]
    assert len({row["xmin"] for rows in seen for row in rows}) == 1
    assert sorted(record["interaction"] for record in await audited.records()) == ["create", "update"]


async def test_what_it_refers_to_must_exist_where_that_is_asked(make_client: MakeClient) -> None:
    said = {**SAID, "agent": [{"who": {"reference": "Practitioner/nobody"}}]}
    async with make_client(referential_integrity=True) as client:
        answered = await client.post("/Patient", json=patient(1), headers={"X-Provenance": json.dumps(said)})
        assert answered.status_code == 422
        assert (await client.post("/Patient", json=patient(1), headers=HEADER)).status_code == 201
        assert len(await stored(client)) == 1
