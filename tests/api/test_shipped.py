"""Resources that come with the service: stored at a start, served like others, not written by clients."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from service import shipped
from service.fhir import codec
from service.fhir.outcome import CANONICAL, ERROR_CODES, ERROR_SYSTEM
from service.interactions.current import CurrentParts
from service.massage.catalogue import SIGN_OFF
from service.serve import prepare, publish
from tests.api.outcome import assert_outcome
from tests.conftest import application_on, client_of, settings_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from service.assembly import Standard
    from service.interactions.parts import Parts
    from tests.conftest import Cluster

TECHNIQUES = f"{CANONICAL}/CodeSystem/massage-technique"
MANIFEST = "Library/comes-with-the-service"


@asynccontextmanager
async def published(cluster: Cluster, standard: Standard) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    """A client of a service that has stored what comes with it, and the URL of its database."""
    async with cluster.clone() as url:
        settings = await prepare(settings_for(url))
        await publish(settings)
        async with application_on(settings, standard) as running, client_of(running) as http:
            yield http, url


@pytest.fixture(scope="module")
async def client(cluster: Cluster, standard: Standard) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service that has stored what comes with it, shared by the module's tests."""
    async with published(cluster, standard) as (http, _):
        yield http


async def test_everything_that_comes_with_the_service_is_read_under_its_id(client: httpx.AsyncClient) -> None:
    """In its first version."""
    for content in shipped.resources():
        answered = await client.get(f"{content['resourceType']}/{content['id']}")
        assert (answered.status_code, answered.json()["meta"]["versionId"]) == (200, "1")
        assert answered.json()["url"] == content["url"]


async def test_it_is_found_by_its_canonical_url(client: httpx.AsyncClient) -> None:
    """Like any other resource."""
    found = (await client.get(f"CodeSystem?url={TECHNIQUES}")).json()
    assert [entry["resource"]["id"] for entry in found["entry"]] == ["massage-technique"]


@pytest.mark.parametrize("content", shipped.resources(), ids=lambda each: f"{each['resourceType']}/{each['id']}")
def test_everything_that_comes_with_the_service_is_valid(standard: Standard, content: dict[str, Any]) -> None:
    """It does not pass through the validator at a start."""
    decoded = codec.decode(codec.encode(content))
    assert standard.validator.issues(decoded, decoded["resourceType"], warnings=True) == []
    assert decoded["url"] == f"{CANONICAL}/{decoded['resourceType']}/{decoded['id']}"


async def test_every_error_code_can_be_looked_up(client: httpx.AsyncClient) -> None:
    """As refusals carry it."""
    for row in ERROR_CODES.values():
        answered = await client.get(f"CodeSystem/$lookup?system={ERROR_SYSTEM}&code={row.code}")
        assert f'"valueInteger":{row.category.status}' in answered.text


async def test_a_library_lists_it(client: httpx.AsyncClient) -> None:
    """With versions."""
    listed = [each["resource"] for each in (await client.get(MANIFEST)).json()["relatedArtifact"]]
    assert listed == [f"{each['url']}|{each['version']}" for each in shipped.resources()]


async def test_a_start_on_a_machine_that_stands_still_for_a_while_stores_it(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For longer than the search parameters may be gone by; it looks them up again."""
    renew, late = CurrentParts.renewed, [True]

    async def renewed(current: CurrentParts) -> Parts:
        parts = await renew(current)
        if late:
            late.pop()
            parts.lease.lapse()
        return parts

    monkeypatch.setattr(CurrentParts, "renewed", renewed)
    async with cluster.clone() as url:
        assert await publish(await prepare(settings_for(url))) == len(shipped.resources())
    assert not late


async def test_another_start_stores_nothing(cluster: Cluster, standard: Standard) -> None:
    """Not even a version."""
    async with published(cluster, standard) as (http, url):
        assert await publish(await prepare(settings_for(url))) == 0
        assert (await http.get(MANIFEST)).json()["meta"]["versionId"] == "1"


async def test_a_start_stores_what_differs_and_nothing_else(
    cluster: Cluster, standard: Standard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a new version."""
    async with published(cluster, standard) as (http, url):
        changed = shipped.resources()
        changed[0] = changed[0] | {"title": "Something else"}
        monkeypatch.setattr(shipped, "resources", lambda: changed)
        monkeypatch.setattr(shipped, "fingerprint", lambda _: "another")
        assert await publish(await prepare(settings_for(url))) == 1
        versions = {
            each["id"]: (await http.get(f"{each['resourceType']}/{each['id']}")).json()["meta"]["versionId"]
            for each in changed[:9]
        }
        assert versions.pop(changed[0]["id"]) == "2"
        assert set(versions.values()) == {"1"}


OWN: dict[str, Any] = {
    "resourceType": "CodeSystem",
    "id": "massage-technique",
    "status": "active",
    "content": "not-present",
}


@pytest.mark.parametrize(
    "method,url,body",
    [
        ("PUT", "CodeSystem/massage-technique", OWN),
        ("PUT", "CodeSystem/massage-technique", OWN | {"url": TECHNIQUES}),
        ("PUT", "CodeSystem/mine", OWN | {"id": "mine", "url": f"{CANONICAL}/CodeSystem/mine"}),
        ("PUT", f"CodeSystem?url={TECHNIQUES}", OWN),
        ("POST", "CodeSystem", OWN | {"url": TECHNIQUES}),
        ("PATCH", "CodeSystem/massage-technique", [{"op": "replace", "path": "/title", "value": "Mine"}]),
        ("DELETE", "CodeSystem/massage-technique", None),
        ("DELETE", f"CodeSystem?url={TECHNIQUES}", None),
        ("DELETE", MANIFEST, None),
    ],
)
async def test_a_client_does_not_write_it(client: httpx.AsyncClient, method: str, url: str, body: Any) -> None:
    """Nor anything else below the service's canonical root."""
    media = "application/json-patch+json" if method == "PATCH" else "application/fhir+json"
    answered = await client.request(method, url, json=body, headers={"Content-Type": media})
    name = "Library" if url == MANIFEST else "CodeSystem"
    assert_outcome(answered, 403, "service-owned", f"{name}.url")


async def test_a_transaction_that_writes_it_is_refused_as_a_whole(client: httpx.AsyncClient) -> None:
    """And points at the entry."""
    entries: list[dict[str, Any]] = [
        {"resource": {"resourceType": "Patient"}, "request": {"method": "POST", "url": "Patient"}},
        {"request": {"method": "DELETE", "url": "CodeSystem/massage-technique"}},
    ]
    answered = await client.post("/", json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert answered.status_code == 403
    assert (await client.get("Patient?_summary=count")).json()["total"] == 0


async def test_validate_tells_that_it_would_be_refused(client: httpx.AsyncClient) -> None:
    """Before anything is sent."""
    answered = await client.post("CodeSystem/$validate?mode=create", json=OWN | {"url": TECHNIQUES})
    told = [each["details"]["coding"][0]["code"] for each in answered.json()["issue"] if "details" in each]
    assert "service-owned" in told


async def test_the_capability_statement_says_that_contraindications_have_to_be_signed_off(
    client: httpx.AsyncClient,
) -> None:
    """By a licensed clinician, before clinical use."""
    assert SIGN_OFF in (await client.get("metadata")).json()["description"]


async def test_what_only_mentions_the_canonical_root_is_the_clients_own(client: httpx.AsyncClient) -> None:
    """Such as a value set that includes the techniques."""
    mine: dict[str, Any] = {"resourceType": "ValueSet", "url": "http://example.org/mine", "status": "active"}
    mine |= {"compose": {"include": [{"system": TECHNIQUES}]}}
    made = await client.post("ValueSet", json=mine)
    assert made.status_code == 201
    assert (await client.delete(f"ValueSet/{made.json()['id']}")).status_code in (200, 204)
