"""Every interaction leaves a record of who asked what, when, from where, and how it ended."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from service.fhir.outcome import failure
from tests.builders.referral import referral_bundle, transaction
from tests.builders.resources import EHR, observation, patient
from tests.conftest import application_on, client_of, settings_for

if TYPE_CHECKING:
    from service.assembly import Standard
    from tests.api.audit.conftest import Audited

JSON_PATCH = {"Content-Type": "application/json-patch+json"}

RETIRE = [{"op": "replace", "path": "/active", "value": False}]

FORM = {"Content-Type": "application/x-www-form-urlencoded"}

MRN_1 = "identifier=https%3A%2F%2Fehr.example.org%2Fmrn%7CMRN-1"

INTERACTIONS: list[tuple[str, str, Any, dict[str, str], dict[str, Any]]] = [
    (
        "GET",
        "/Patient/p",
        None,
        {},
        {"interaction": "read", "type": "Patient", "id": "p", "version": "1", "patients": ["p"]},
    ),
    ("HEAD", "/Patient/p", None, {}, {"interaction": "read", "type": "Patient", "id": "p"}),
    ("GET", "/Observation/o", None, {}, {"interaction": "read", "type": "Observation", "id": "o", "patients": ["p"]}),
    ("GET", "/Patient/p/_history/1", None, {}, {"interaction": "vread", "id": "p", "version": "1"}),
    (
        "GET",
        "/Patient/p/_history",
        None,
        {},
        {"interaction": "history-instance", "type": "Patient", "id": "p", "patients": ["p"]},
    ),
    (
        "GET",
        "/Patient/_history?_count=5",
        None,
        {},
        {"interaction": "history-type", "type": "Patient", "query": "_count=5"},
    ),
    ("GET", "/_history", None, {}, {"interaction": "history-system", "patients": ["p"]}),
    (
        "GET",
        "/Observation?code=x,%C3%A4",
        None,
        {},
        {"interaction": "search-type", "type": "Observation", "query": "code=x%2C%C3%A4"},
    ),
    ("GET", "/Observation", None, {}, {"interaction": "search-type", "query": "", "patients": ["p"]}),
    (
        "POST",
        "/Observation/_search",
        b"subject=Patient/p",
        FORM,
        {"interaction": "search-type", "query": "subject=Patient%2Fp", "patients": ["p"]},
    ),
    ("GET", "/?_type=Patient", None, {}, {"interaction": "search-system", "query": "_type=Patient", "patients": ["p"]}),
    (
        "GET",
        "/Patient/p/Observation",
        None,
        {},
        {"interaction": "search-type", "query": "Patient/p/Observation?", "patients": ["p"]},
    ),
    ("POST", "/Patient", patient(2), {}, {"interaction": "create", "type": "Patient", "version": "1", "status": 201}),
    (
        "PUT",
        "/Patient/new",
        patient(3, id="new"),
        {},
        {"interaction": "update", "id": "new", "status": 201, "patients": ["new"]},
    ),
    (
        "PUT",
        "/Patient/p",
        patient(1, id="p", active=False),
        {},
        {"interaction": "update", "id": "p", "version": "2", "status": 200},
    ),
    ("PUT", "/Patient/p", patient(1, id="p"), {}, {"interaction": "update", "id": "p", "version": "1", "status": 200}),
    ("PATCH", "/Patient/p", RETIRE, JSON_PATCH, {"interaction": "patch", "id": "p", "version": "2"}),
    (
        "DELETE",
        "/Patient/p",
        None,
        {},
        {"interaction": "delete", "id": "p", "version": "2", "status": 204, "patients": ["p"]},
    ),
    ("DELETE", "/Observation/o", None, {}, {"interaction": "delete", "id": "o", "patients": ["p"]}),
    ("DELETE", "/Patient/nobody", None, {}, {"interaction": "delete", "type": "Patient", "status": 204}),
    (
        "POST",
        "/Patient",
        patient(1),
        {"If-None-Exist": f"identifier={EHR}/mrn|MRN-1"},
        {"interaction": "create", "id": "p", "status": 200, "query": MRN_1},
    ),
    (
        "PUT",
        f"/Patient?identifier={EHR}/mrn|MRN-1",
        patient(1, active=False),
        {},
        {"interaction": "update", "id": "p", "version": "2"},
    ),
    (
        "POST",
        "/Patient/$validate",
        patient(1),
        {},
        {"interaction": "operation", "operation": "validate", "type": "Patient"},
    ),
]


@pytest.mark.parametrize("method, url, body, headers, expected", INTERACTIONS)
async def test_an_interaction_leaves_one_record(
    audited: Audited, method: str, url: str, body: Any, headers: dict[str, str], expected: dict[str, Any]
) -> None:
    await audited.http.put("/Patient/p", json=patient(1, id="p"))
    await audited.http.put("/Observation/o", json=observation("Patient/p", id="o"))
    await audited.since()
    given = {"content": body} if isinstance(body, bytes) else {"json": body}
    response = await audited.http.request(method, url, headers={"X-Request-Id": "r-1", **headers}, **given)
    assert response.status_code < 300, response.text
    (record,) = await audited.since()
    assert {"status": response.status_code, "address": "127.0.0.1", "request": "r-1"}.items() <= record.items()
    assert expected.items() <= record.items(), record
    assert "error" not in record


REFUSALS: list[tuple[str, str, Any, dict[str, str], int, dict[str, Any]]] = [
    (
        "GET",
        "/Patient/nobody",
        None,
        {},
        404,
        {"interaction": "read", "type": "Patient", "id": "nobody", "patients": ["nobody"]},
    ),
    ("GET", "/Patient/gone", None, {}, 410, {"interaction": "read", "id": "gone", "error": "deleted"}),
    ("GET", "/Nothing/1", None, {}, 404, {"interaction": "", "error": "type-unknown"}),
    ("DELETE", "/Patient/p/_history", None, {}, 405, {"type": "Patient", "id": "p", "error": "not-allowed"}),
    (
        "GET",
        "/Patient?nonsense=1",
        None,
        {},
        400,
        {"interaction": "search-type", "query": "nonsense=1", "error": "parameter-unknown"},
    ),
    ("GET", "/Patient?name=%zz", None, {}, 400, {"interaction": "search-type", "query": "name=%zz"}),
    ("POST", "/Patient", b"{", {}, 400, {"interaction": "create", "type": "Patient", "error": "malformed-json"}),
    (
        "POST",
        "/Patient",
        {"resourceType": "Patient", "gender": "?"},
        {},
        400,
        {"interaction": "create", "error": "code-invalid"},
    ),
    (
        "PUT",
        "/Patient/p",
        patient(1, id="p"),
        {"If-Match": 'W/"7"'},
        412,
        {"interaction": "update", "id": "p", "error": "version-conflict"},
    ),
    (
        "PATCH",
        "/Patient/p",
        [{"op": "test", "path": "/active", "value": 7}],
        JSON_PATCH,
        422,
        {"interaction": "patch", "id": "p"},
    ),
    ("GET", "/Patient/p", None, {"Accept": "application/fhir+xml"}, 406, {"interaction": "read", "id": "p"}),
    ("POST", "/Patient", b"x", {"Content-Type": "text/plain"}, 415, {"interaction": "create"}),
    (
        "POST",
        "/",
        transaction([{"request": {"method": "PUT", "url": "Patient/p"}, "resource": {}}]),
        {},
        400,
        {"interaction": "transaction"},
    ),
]


@pytest.mark.parametrize("method, url, body, headers, status, expected", REFUSALS)
async def test_a_refusal_leaves_one_record(
    audited: Audited, method: str, url: str, body: Any, headers: dict[str, str], status: int, expected: dict[str, Any]
) -> None:
    await audited.http.put("/Patient/p", json=patient(1, id="p"))
    await audited.http.put("/Patient/gone", json=patient(2, id="gone"))
    await audited.http.delete("/Patient/gone")
    await audited.since()
    given = {"content": body} if isinstance(body, bytes) else {"json": body}
    headers = {"Content-Type": "application/fhir+json", **headers} if isinstance(body, bytes) else headers
    response = await audited.http.request(method, url, headers=headers, **given)
    assert response.status_code == status, response.text
    (record,) = await audited.since()
    assert record["status"] == status
    assert record["error"] == response.json()["issue"][0]["details"]["coding"][0]["code"]
    assert expected.items() <= record.items(), record


async def test_a_fault_leaves_a_record(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(audited.app._fhir._engine, "perform", broken)
    assert (await audited.http.get("/Patient/p")).status_code == 500
    (record,) = await audited.since()
    assert (record["status"], record["error"], record["id"]) == (500, "internal", "p")


async def test_what_is_no_interaction_leaves_no_record(audited: Audited) -> None:
    """Browsers ask by OPTIONS what they may send, orchestrators for health."""
    await audited.http.options("/Patient")
    await audited.http.options("/metadata")
    await audited.http.get("http://testserver/health/ready")
    await audited.http.get("http://testserver/docs")
    assert await audited.since() == []


async def test_who_asks_what_the_service_can_do_is_on_record(audited: Audited) -> None:
    """By GET, HEAD, and wrongly; it names no patient, although the type Patient occurs in it."""
    await audited.http.get("/metadata")
    await audited.http.head("/metadata")
    await audited.http.get("/metadata?mode=nonsense")
    records = await audited.since()
    assert [(each["interaction"], each["status"]) for each in records] == [("capabilities", 200)] * 2 + [
        ("capabilities", 400)
    ]
    assert not any(each.get("patients") for each in records)


async def test_without_a_database_a_refusal_is_in_the_log_and_leads_to_no_patient(
    audited: Audited, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def away(*_: Any) -> None:
        raise failure("database-unavailable", "The database cannot be reached right now.", retry_after_seconds=2)

    monkeypatch.setattr(audited.app._fhir._engine, "perform", away)
    assert (await audited.http.get("/Patient/secret-id?_format=json")).status_code == 503
    (line,) = [each for each in caplog.records if each.message == "refused without a record"]
    fields = line.__dict__["fields"]
    assert (fields["code"], fields["address"]) == ("database-unavailable", "127.0.0.1")
    assert "secret-id" not in str(fields)
    assert await audited.since() == []


async def test_the_address_on_record_is_the_one_that_a_trusted_proxy_names(
    database_url: str, standard: Standard
) -> None:
    """The client of these tests calls from 127.0.0.1, and pretends to be others."""
    spoofed = {"X-Forwarded-For": "198.51.100.66, 203.0.113.7"}
    for trusted in ("127.0.0.0/8", "10.0.0.0/8"):
        settings = settings_for(database_url, audit="on", trusted_proxies=trusted)
        async with application_on(settings, standard) as running, client_of(running) as http:
            await http.get("/Patient/nobody", headers=spoofed)
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch("SELECT content FROM audit_link ORDER BY recorded")
    await connection.close()
    records = [record for row in rows for record in json.loads(row["content"])["records"]]
    reads = [record["address"] for record in records if record["interaction"] == "read"]
    assert reads == ["203.0.113.7", "127.0.0.1"]


async def test_nothing_leaves_when_the_record_cannot_be_kept(audited: Audited) -> None:
    await audited.http.put("/Patient/p", json=patient(1, id="p"))
    await audited.connection.execute("ALTER TABLE audit_link ADD CHECK (false) NOT VALID")
    for method, url, body in (
        ("GET", "/Patient/p", None),
        ("GET", "/Patient", None),
        ("GET", "/Patient/nobody", None),
        ("POST", "/Patient", patient(2)),
        ("PUT", "/Patient/p", patient(1, id="p", active=False)),
        ("POST", "/", referral_bundle(1)),
    ):
        response = await audited.http.request(method, url, json=body)
        assert response.status_code == 503, (method, url)
        assert response.json()["issue"][0]["details"]["coding"][0]["code"] == "audit-unavailable"
        assert int(response.headers["Retry-After"]) > 0
    assert await audited.connection.fetchval("SELECT count(*) FROM resource") == 1
    assert await audited.connection.fetchval("SELECT max(version_id) FROM resource") == 1


async def test_a_query_is_kept_up_to_a_length(audited: Audited) -> None:
    ids = ",".join(f"id-{number}" for number in range(900)) + "," + "x" * 12_000
    assert (await audited.http.post("/Patient/_search", data={"_id": ids})).status_code in (200, 400)
    (record,) = await audited.since()
    assert len(record["query"]) == 16_384
    assert len(record["query_hash"]) == 64


async def test_without_audit_nothing_is_on_record(database_url: str, standard: Standard) -> None:
    async with application_on(settings_for(database_url), standard) as running, client_of(running) as http:
        await http.post("/Patient", json=patient(1))
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("SELECT count(*) FROM audit_link") == 0
    await connection.close()
