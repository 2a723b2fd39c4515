"""On record is who asked, refusals of tokens and of scopes too; and only administrators see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.builders.resources import patient

if TYPE_CHECKING:
    from tests.api.auth.conftest import Workers


@pytest.fixture
async def administrator(workers: Workers) -> dict[str, str]:
    """The headers of an administrator."""
    if "office" not in workers.signers:
        await workers.register("office", role="administrator", organisation=None)
    return await workers.bearer("office")


@pytest.fixture
async def clinic(workers: Workers) -> dict[str, str]:
    """The headers of a clinic's client, which may do what it likes but see what is on record."""
    if "ehr" not in workers.signers:
        await workers.register("ehr")
    return await workers.bearer("ehr")


async def events(workers: Workers, headers: dict[str, str], query: str) -> list[dict[str, Any]]:
    response = await workers.other.get(f"/AuditEvent?{query}", headers=headers)
    assert response.status_code == 200, response.text
    return [entry["resource"] for entry in response.json().get("entry", [])]


async def test_an_administrator_finds_what_a_client_did(
    workers: Workers, administrator: dict[str, str], clinic: dict[str, str]
) -> None:
    await workers.one.put("/Patient/seen", json=patient(1, id="seen"), headers=clinic)
    await workers.other.get("/Patient/seen", headers=clinic)
    for query in ("agent:identifier=ehr", "agent=Organization/clinic", "patient=seen"):
        found = await events(workers, administrator, f"{query}&subtype=read,update")
        assert [event["subtype"][0]["code"] for event in found] == ["read", "update"]
        client, _, organisation = found[0]["agent"]
        assert client["who"]["identifier"]["value"] == "ehr"
        assert organisation["who"] == {"reference": "Organization/clinic"}


@pytest.mark.parametrize("url", ["/AuditEvent", "/AuditEvent/1-1", "/AuditEvent?patient=p"])
async def test_nobody_else_sees_what_is_on_record(workers: Workers, clinic: dict[str, str], url: str) -> None:
    response = await workers.one.get(url, headers=clinic)
    assert response.status_code == 403
    assert "administrator" in response.json()["issue"][0]["diagnostics"]


async def test_a_bundle_is_no_way_around(workers: Workers, clinic: dict[str, str]) -> None:
    entries = [{"request": {"method": "GET", "url": "AuditEvent"}}]
    for kind, status in (("transaction", 403), ("batch", 200)):
        bundle = {"resourceType": "Bundle", "type": kind, "entry": entries}
        response = await workers.one.post("/", json=bundle, headers=clinic)
        assert response.status_code == status
        assert "Only an administrator" in response.text


async def test_an_administrator_needs_the_scope(workers: Workers, administrator: dict[str, str]) -> None:
    headers = await workers.bearer("office", "system/Patient.rs")
    assert (await workers.one.get("/AuditEvent", headers=headers)).status_code == 403


async def test_records_are_not_told_within_the_filter_of_a_scope(
    workers: Workers, administrator: dict[str, str], clinic: dict[str, str]
) -> None:
    """Rather than all of them."""
    await workers.one.get("/Patient/seen", headers=clinic)
    headers = await workers.bearer("office", "system/AuditEvent.rs?action=C")
    assert (await workers.one.get("/AuditEvent?action=R", headers=headers)).status_code == 403
    entries = [{"request": {"method": "GET", "url": "AuditEvent?action=R"}}]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    assert (await workers.one.post("/", json=bundle, headers=headers)).status_code == 403


async def test_a_request_without_a_token_is_on_record(workers: Workers, administrator: dict[str, str]) -> None:
    assert (await workers.one.get("/Patient/anon")).status_code == 401
    (event,) = await events(workers, administrator, "entity=Patient/anon")
    assert event["outcomeDesc"].startswith("unauthenticated")
    assert event["agent"][0]["who"] == {"display": "a client that was not identified"}


async def test_a_request_beyond_the_scopes_is_on_record(workers: Workers, administrator: dict[str, str]) -> None:
    headers = await workers.bearer("office", "system/Observation.rs")
    assert (await workers.one.get("/Patient/beyond", headers=headers)).status_code == 403
    (event,) = await events(workers, administrator, "entity=Patient/beyond")
    assert event["outcomeDesc"].startswith("forbidden")
    assert event["agent"][0]["who"]["identifier"]["value"] == "office"


async def test_who_may_not_create_a_provenance_sends_none(workers: Workers, clinic: dict[str, str]) -> None:
    said = '{"resourceType":"Provenance","recorded":"2026-01-09T08:00:00Z","agent":[{"who":{"display":"x"}}]}'
    headers = await workers.bearer("ehr", "system/Patient.cruds")
    answered = await workers.one.post("/Patient", json=patient(5), headers={**headers, "X-Provenance": said})
    assert answered.status_code == 403
    answered = await workers.one.post("/Patient", json=patient(5), headers={**clinic, "X-Provenance": said})
    assert answered.status_code == 201
