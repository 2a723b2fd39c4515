"""What is on record is read and searched as FHIR AuditEvents, and written by nobody but the service."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.validation import Validator
from tests.builders.resources import observation, patient

if TYPE_CHECKING:
    from service.assembly import Standard
    from tests.api.audit.conftest import Audited

BALP = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit"


async def found(audited: Audited, query: str) -> list[dict[str, Any]]:
    """The AuditEvents of a search, in its order."""
    response = await audited.http.get(f"/AuditEvent?{query}")
    assert response.status_code == 200, response.text
    return [entry["resource"] for entry in response.json().get("entry", [])]


def codes(events: list[dict[str, Any]]) -> list[str]:
    return [event["subtype"][0]["code"] for event in events]


async def happen(audited: Audited) -> None:
    """Five interactions, one of them refused."""
    await audited.http.put("/Patient/p", json=patient(1, id="p"))
    await audited.http.post("/Observation", json=observation("Patient/p"))
    await audited.http.get("/Patient/p", headers={"X-Request-Id": "the-read"})
    await audited.http.get("/Observation?subject=Patient/p&_count=7")
    await audited.http.get("/Patient/nobody")


async def test_events_come_newest_first_and_are_valid(audited: Audited, standard: Standard) -> None:
    await happen(audited)
    events = await found(audited, "")
    assert codes(events) == ["read", "search-type", "read", "create", "update"]
    validator = Validator(standard.definitions)
    assert [validator.issues(event, "AuditEvent") for event in events] == [[]] * 5
    assert [event.get("meta", {}).get("profile") for event in events] == [
        None,
        [f"{BALP}.PatientQuery"],
        [f"{BALP}.PatientRead"],
        [f"{BALP}.PatientCreate"],
        [f"{BALP}.PatientUpdate"],
    ]


async def test_a_read_has_the_shape_of_balp(audited: Audited) -> None:
    await happen(audited)
    event = (await found(audited, "entity=Patient/p&subtype=read"))[0]
    assert (event["action"], event["outcome"], event["type"]["code"]) == ("R", "0", "rest")
    client, server = event["agent"]
    assert client["type"]["coding"][0]["code"] == "110152"
    assert client["network"] == {"address": "127.0.0.1", "type": "2"}
    assert server["type"]["coding"][0]["code"] == "110153"
    assert server["network"]["address"] == "http://testserver/fhir"
    data, who, request = event["entity"]
    assert data["what"] == {"reference": "Patient/p/_history/1"}
    assert (data["type"]["code"], data["role"]["code"]) == ("2", "4")
    assert who["what"] == {"reference": "Patient/p"}
    assert (who["type"]["code"], who["role"]["code"]) == ("1", "1")
    assert request["what"] == {"identifier": {"value": "the-read"}}
    assert request["type"]["code"] == "XrequestId"


async def test_a_query_is_in_base64(audited: Audited) -> None:
    await happen(audited)
    (event,) = await found(audited, "subtype=search-type&action=E&patient=p")
    query = event["entity"][0]
    assert query["role"]["code"] == "24"
    assert base64.b64decode(query["query"]).decode() == "Observation?subject=Patient%2Fp&_count=7"


async def test_a_refusal_says_why_and_claims_no_profile(audited: Audited) -> None:
    await happen(audited)
    (event,) = await found(audited, "outcome=4")
    assert event["outcomeDesc"].startswith("not-found: ")
    assert "profile" not in event["meta"]


SEARCHES = [
    ("action=C", ["create"]),
    ("action=C,U", ["create", "update"]),
    ("action=http://hl7.org/fhir/audit-event-action|C", ["create"]),
    ("action=http://elsewhere|C", []),
    ("subtype=search-type", ["search-type"]),
    ("subtype=http://hl7.org/fhir/restful-interaction|update", ["update"]),
    ("type=rest&action=U", ["update"]),
    ("type=object", []),
    ("outcome=0", ["search-type", "read", "create", "update"]),
    ("outcome=8,12", []),
    ("patient=p", ["search-type", "read", "create", "update"]),
    ("patient=Patient/p&action=R", ["read"]),
    ("patient=nobody", ["read"]),
    ("entity=Patient/p", ["read", "update"]),
    ("entity=http://testserver/fhir/Patient/p&outcome=0", ["read", "update"]),
    ("agent=Organization/clinic", []),
    ("agent:identifier=ehr", []),
    ("date=ge2020&date=lt2020-02", []),
    ("date=gt2020&_sort=-date&_count=2", ["read", "search-type"]),
]


@pytest.mark.parametrize("query, expected", SEARCHES)
async def test_a_parameter_finds(audited: Audited, query: str, expected: list[str]) -> None:
    await happen(audited)
    assert codes(await found(audited, query)) == expected


@pytest.mark.parametrize(
    "query, code",
    [
        ("site=x", "parameter-unsupported"),
        ("_summary=count", "parameter-unsupported"),
        ("_total=accurate", "parameter-unsupported"),
        ("_sort=date", "parameter-value"),
        ("patient.name=x", "parameter-unsupported"),
        ("entity=p", "parameter-value"),
        ("date=ne2020", "parameter-value"),
        ("date=yesterday", "parameter-value"),
        ("action=C&action=R", "parameter-value"),
        ("_cursor=x", "cursor-invalid"),
    ],
)
async def test_what_is_not_supported_is_refused_by_name(audited: Audited, query: str, code: str) -> None:
    response = await audited.http.get(f"/AuditEvent?{query}")
    assert response.status_code == 400
    (issue,) = response.json()["issue"]
    assert issue["details"]["coding"][0]["code"] == code
    assert issue["expression"] == [f"http.{query.partition('=')[0]}"]


async def test_pages_show_every_event_once(audited: Audited) -> None:
    for _ in range(7):
        await audited.http.get("/Patient/nobody")
    url, seen = "/AuditEvent?patient=nobody&_count=3&_format=json", []
    while url:
        page = (await audited.http.get(url)).json()
        seen += [entry["resource"]["id"] for entry in page.get("entry", [])]
        url = next((link["url"] for link in page["link"] if link["relation"] == "next"), "")
    assert len(seen) == len(set(seen)) == 7


async def test_an_event_is_read_by_its_id(audited: Audited) -> None:
    await happen(audited)
    event = (await found(audited, "action=C"))[0]
    response = await audited.http.get(f"/AuditEvent/{event['id']}")
    assert response.json() == event
    assert (await audited.http.get(f"/AuditEvent/{event['id']}/_history/1")).json() == event
    assert [each["id"] for each in await found(audited, f"_id={event['id']},9-9")] == [event["id"]]
    for missing in ("9-9", "x", f"{event['id']}/_history/2"):
        assert (await audited.http.get(f"/AuditEvent/{missing}")).status_code == 404


async def test_reading_events_is_on_record(audited: Audited) -> None:
    await found(audited, "action=C")
    (event,) = await found(audited, "subtype=search-type")
    assert base64.b64decode(event["entity"][0]["query"]).decode() == "AuditEvent?action=C"


EVENT = {"resourceType": "AuditEvent", "id": "1-1"}


@pytest.mark.parametrize(
    "method, url", [("POST", ""), ("PUT", "/1-1"), ("PATCH", "/1-1"), ("DELETE", "/1-1"), ("GET", "/1-1/_history")]
)
async def test_clients_write_no_events(audited: Audited, method: str, url: str) -> None:
    await happen(audited)
    body = [{"op": "remove", "path": "/entity"}] if method == "PATCH" else EVENT if method in ("POST", "PUT") else None
    headers = {"Content-Type": "application/json-patch+json"} if method == "PATCH" else {}
    response = await audited.http.request(method, f"/AuditEvent{url}", json=body, headers=headers)
    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("kind, status", [("batch", 200), ("transaction", 405)])
async def test_bundles_write_no_events(audited: Audited, kind: str, status: int) -> None:
    entries = [{"request": {"method": "POST", "url": "AuditEvent"}, "resource": EVENT}]
    bundle = {"resourceType": "Bundle", "type": kind, "entry": entries}
    response = await audited.http.post("/", json=bundle)
    assert response.status_code == status
    assert "AuditEvents are written by the service itself" in response.text
    assert await audited.connection.fetchval("SELECT count(*) FROM resource") == 0


async def test_a_transaction_reads_events(audited: Audited) -> None:
    await happen(audited)
    entries = [{"request": {"method": "GET", "url": "AuditEvent?action=C"}}]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    (entry,) = (await audited.http.post("/", json=bundle)).json()["entry"]
    assert len(entry["resource"]["entry"]) == 1


async def test_the_capability_statement_says_so(audited: Audited, standard: Standard) -> None:
    statement = (await audited.http.get("/metadata")).json()
    assert Validator(standard.definitions).issues(statement, "CapabilityStatement") == []
    (events,) = [each for each in statement["rest"][0]["resource"] if each["type"] == "AuditEvent"]
    assert [each["code"] for each in events["interaction"]] == ["read", "vread", "search-type"]
    names = {each["name"] for each in events["searchParam"]}
    assert names == {"_id", "action", "agent", "date", "entity", "outcome", "patient", "subtype", "type"}
