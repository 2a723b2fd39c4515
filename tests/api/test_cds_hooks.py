"""CDS Hooks over HTTP in the open mode: what an EHR's developer sees."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from service.cds.hooks import HOOKS, PREFETCH
from tests.api.outcome import assert_outcome
from tests.builders.cds_hooks import SERVICE, bundle, call, context, draft, prefetched
from tests.builders.screening import diagnosis

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from tests.conftest import MakeClient

Json = dict[str, Any]

ROOT = "http://testserver"
THROMBOSIS = diagnosis("I82.402", onsetDateTime="2026-01-03")
UNSAFE = call(prefetch=prefetched(conditions=bundle(THROMBOSIS)))
MUCH = call(
    context=context(*(draft() | {"id": f"draft-{number}"} for number in range(20))),
    prefetch=prefetched(conditions=bundle(*[THROMBOSIS] * 501)),
)
LENT = {"access_token": "lent-token", "token_type": "Bearer", "expires_in": 300, "scope": "x", "subject": "y"}


async def post(client: httpx.AsyncClient, body: Any, place: str = SERVICE, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body)
    sent = {"Content-Type": "application/json"} | {name.replace("_", "-"): each for name, each in headers.items()}
    return await client.post(f"{ROOT}{place}", content=content, headers=sent)


async def stored(client: httpx.AsyncClient) -> int:
    """How many resources there are that clients could have written."""
    types = ("Condition", "ServiceRequest", "DetectedIssue", "Communication", "Task", "Basic")
    totals = [(await client.get(f"/{each}?_summary=count")).json()["total"] for each in types]
    return sum(totals)


async def test_the_services_are_described(client: httpx.AsyncClient) -> None:
    """One service on three hooks, with what it wants prefetched."""
    answered = await client.get(f"{ROOT}/cds-services")
    assert answered.status_code == 200
    services = answered.json()["services"]
    assert [each["hook"] for each in services] == list(HOOKS)
    assert {each["id"] for each in services} == {"massage-safety"}
    assert all(each["description"] and each["title"] and each["prefetch"] == PREFETCH for each in services)


async def test_an_unsafe_order_is_answered_by_a_critical_card(client: httpx.AsyncClient) -> None:
    """Before anybody signs it; nothing is stored."""
    answered = await post(client, UNSAFE)
    assert answered.status_code == 200
    (card,) = answered.json()["cards"]
    assert card["indicator"] == "critical"
    assert "systemActions" not in answered.json()
    assert await stored(client) == 0


async def test_an_order_that_is_no_massage_is_answered_by_no_card(client: httpx.AsyncClient) -> None:
    """As CDS Hooks says: an empty array."""
    walking = call(context=context(draft(code={"text": "Walking"})))
    assert (await post(client, walking)).json() == {"cards": []}


@pytest.mark.parametrize(
    "body, status, code",
    [
        (call(hookInstance="not-a-uuid"), 400, "value-invalid"),
        (call(hook="patient-view"), 400, "value-invalid"),
        (call(context=context(patientId=["p1"])), 400, "value-invalid"),
        (call(context=None), 400, "element-missing"),
        (
            call(prefetch=prefetched(conditions=bundle(THROMBOSIS | {"subject": {"reference": "Patient/2"}}))),
            400,
            "value-invalid",
        ),
        (call(prefetch={}), 412, "prefetch-required"),
        (call(prefetch={}, fhirServer="https://127.0.0.1/fhir", fhirAuthorization=LENT), 412, "prefetch-required"),
        (call(prefetch={}, fhirServer="https://10.1.2.3/fhir", fhirAuthorization=LENT), 412, "prefetch-required"),
        (call(fhirServer=f"https://ehr.example.org/{'x' * 2048}"), 400, "value-invalid"),
        (call(fhirServer="https://ehr.example.org/fhir\u202e"), 400, "value-invalid"),
        (call(fhirServer="https://user:password@ehr.example.org/fhir"), 400, "value-invalid"),
        (MUCH, 400, "too-costly"),
        (b"{", 400, "malformed-json"),
        (b"[]", 400, "type-mismatch"),
        (b"", 400, "body-required"),
        (b'{"hook": "a", "hook": "b"}', 400, "duplicate-key"),
        (b"[" * 200 + b"]" * 200, 400, "nesting-too-deep"),
        (b'{"prefetch": "' + b"x" * (5 << 20) + b'"}', 413, "body-too-large"),
    ],
    ids=lambda value: None if isinstance(value, dict | bytes) else str(value),
)
async def test_a_hostile_call_is_refused(client: httpx.AsyncClient, body: Any, status: int, code: str) -> None:
    """With an OperationOutcome, at once, and nothing is stored."""
    assert_outcome(await asyncio.wait_for(post(client, body), 5), status, code)
    assert await stored(client) == 0


@pytest.mark.parametrize(
    "method, place, status, code",
    [
        ("POST", "/cds-services/another-service", 404, "not-found"),
        ("GET", SERVICE, 405, "not-allowed"),
        ("DELETE", "/cds-services", 405, "not-allowed"),
        ("GET", f"{SERVICE}/feedback", 405, "not-allowed"),
    ],
)
async def test_another_address_or_method_is_refused(
    client: httpx.AsyncClient, method: str, place: str, status: int, code: str
) -> None:
    """In the same words."""
    assert_outcome(await client.request(method, f"{ROOT}{place}", json={}), status, code)


async def test_another_media_type_is_refused(client: httpx.AsyncClient) -> None:
    """CDS Hooks is JSON."""
    sent = await client.post(f"{ROOT}{SERVICE}", content=b"<x/>", headers={"Content-Type": "application/xml"})
    assert_outcome(sent, 415, "media-type-unsupported")


async def test_a_page_of_another_origin_may_call(client: httpx.AsyncClient) -> None:
    """Its browser asks first, and reads the answer, also a refusal."""
    origin = "https://ehr.example.org"
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    preflight = await client.options(f"{ROOT}{SERVICE}", headers=asked)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert "Content-Type" in preflight.headers["access-control-allow-headers"]
    for body in (UNSAFE, {}):
        assert (await post(client, body, Origin=origin)).headers["access-control-allow-origin"] == "*"
    assert (await client.get(f"{ROOT}/cds-services", headers={"Origin": origin})).headers["access-control-allow-origin"]


async def test_feedback_is_taken(client: httpx.AsyncClient) -> None:
    """On a card that was given; on any other it is refused."""
    (card,) = (await post(client, UNSAFE)).json()["cards"]
    overridden = {"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": "2026-03-01T12:00:00Z"}
    assert (await post(client, {"feedback": [overridden]}, f"{SERVICE}/feedback")).status_code == 200
    of_nobody = overridden | {"card": UNSAFE["hookInstance"]}
    assert_outcome(await post(client, {"feedback": [of_nobody]}, f"{SERVICE}/feedback"), 400, "value-invalid")


async def test_the_rules_can_be_read(client: httpx.AsyncClient) -> None:
    """Where a card's link leads: the rule under its id, and that a clinician must sign it off."""
    (card,) = (await post(client, UNSAFE)).json()["cards"]
    (link,) = card["links"]
    page = await client.get(f"{ROOT}/{link['url'].split('/', 3)[3].partition('#')[0]}")
    assert page.headers["content-type"].startswith("text/html")
    assert f'id="{link["url"].partition("#")[2]}"' in page.text
    assert "A licensed clinician must sign them off" in page.text


class Ehr:
    """An EHR's FHIR server on loopback: its answers by type, and the heads of the requests."""

    def __init__(self) -> None:
        self.answers: dict[str, Json] = {}
        self.heads: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        asked = head.split(" ")[1].removeprefix("/fhir/").partition("?")[0]
        body = json.dumps(self.answers.get(asked, bundle())).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@pytest.fixture(scope="module")
async def ehr() -> AsyncIterator[tuple[Ehr, str]]:
    known = Ehr()
    async with await asyncio.start_server(known.serve, "127.0.0.1", 0) as server:
        yield known, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/fhir"


async def test_what_is_missing_is_fetched_from_the_ehr(make_client: MakeClient, ehr: tuple[Ehr, str]) -> None:
    """With the token that it lends; a server on a network that is not allowed is never asked."""
    known, url = ehr
    known.answers["Condition"] = bundle(THROMBOSIS)
    lent = call(prefetch={}, fhirServer=url, fhirAuthorization=LENT)
    async with make_client(private_networks="127.0.0.0/8") as allowed:
        (card,) = (await post(allowed, lent)).json()["cards"]
    assert card["source"]["topic"]["code"] == "dvt"
    assert all("authorization: bearer lent-token" in head.lower() for head in known.heads)
    assert len(known.heads) == len(PREFETCH)


async def test_a_server_of_our_own_network_is_never_asked(client: httpx.AsyncClient, ehr: tuple[Ehr, str]) -> None:
    """A client could read by us what it cannot reach itself."""
    known, url = ehr
    known.heads.clear()
    assert_outcome(
        await post(client, call(prefetch={}, fhirServer=url, fhirAuthorization=LENT)), 412, "prefetch-required"
    )
    assert known.heads == []
