"""A service whose tokens all come from another issuer: it has no token endpoint of its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.api.auth.signing import Signer
from tests.api.auth.test_jwks_url import KeyServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.api.auth.conftest import Workers

SIGNER = Signer("k", "RSA")
AUDIENCE = "https://fhir.clinic.example.org"


@pytest.fixture(scope="module")
async def issuer() -> AsyncIterator[KeyServer]:
    published = KeyServer()
    async with await asyncio.start_server(published.serve, "127.0.0.1", 0) as server:
        published.port = server.sockets[0].getsockname()[1]
        published.documents["/keys"] = {"keys": [SIGNER.public]}
        published.documents["/.well-known/openid-configuration"] = {
            "issuer": published.url(""),
            "jwks_uri": published.url("/keys"),
            "token_endpoint": published.url("/token"),
            "authorization_endpoint": published.url("/authorize"),
            "registration_endpoint": published.url("/register"),
        }
        yield published


@pytest.fixture(scope="module")
async def rooted(workers: Workers, issuer: KeyServer) -> Workers:
    """With an administrator that the command line has registered."""
    await workers.register("root", role="administrator", organisation=None, issuer=issuer.url(""))
    return workers


@pytest.fixture(scope="module")
def auth_settings(issuer: KeyServer) -> dict[str, Any]:
    return {
        "auth_mode": "oidc",
        "oidc_issuers": issuer.url(""),
        "oidc_audience": AUDIENCE,
        "oidc_algorithms": "RS384",
    }


def bearer(workers: Workers, issuer: KeyServer, client_id: str) -> dict[str, str]:
    claims = {"iss": issuer.url(""), "aud": [AUDIENCE, "account"], "client_id": client_id, "scope": "system/*.cruds"}
    return {"Authorization": f"Bearer {SIGNER.sign(claims | {'exp': workers.clock.seconds + 300}, typ='at+jwt')}"}


async def test_the_smart_configuration_leads_to_the_issuer(workers: Workers, issuer: KeyServer) -> None:
    """As far as SMART knows what it publishes."""
    told = (await workers.one.get(".well-known/smart-configuration")).json()
    assert told["token_endpoint"] == issuer.url("/token")
    assert told["authorization_endpoint"] == issuer.url("/authorize")
    assert "registration_endpoint" not in told
    assert "permission-v2" in told["capabilities"]


async def test_there_is_no_token_endpoint(workers: Workers) -> None:
    for name in ("token", "introspect", "revoke"):
        assert (await workers.one.post(f"http://testserver/auth/{name}", data={"token": "x"})).status_code == 404


async def test_the_capability_statement_claims_none(workers: Workers) -> None:
    security = (await workers.one.get("metadata")).json()["rest"][0]["security"]
    assert security["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"
    assert "extension" not in security


async def test_a_token_of_ours_would_open_nothing(workers: Workers) -> None:
    """Even one that an earlier mode left in the database."""
    headers = {"Authorization": "Bearer " + "A" * 43}
    assert (await workers.one.get("Patient", headers=headers)).status_code == 401


async def test_an_administrator_of_the_issuer_registers_clients(rooted: Workers, issuer: KeyServer) -> None:
    """The first one by the command line, the others by HTTP."""
    workers = rooted
    new = {
        "id": "ehr",
        "name": "EHR",
        "role": "referrer",
        "organisation": "Organization/practice",
        "issuer": issuer.url(""),
        "scope": "system/Patient.rs",
    }
    headers = bearer(workers, issuer, "root")
    added = await workers.one.post("http://testserver/auth/clients", json=new, headers=headers)
    assert added.status_code == 201, added.text
    theirs = bearer(workers, issuer, "ehr")
    assert (await workers.other.get("Patient", headers=theirs)).status_code == 200
    assert (await workers.other.get("Task", headers=theirs)).status_code == 403
    disabled = await workers.one.post("http://testserver/auth/clients/ehr/disable", headers=headers)
    assert disabled.status_code == 200
    workers.clock.seconds += 1
    assert (await workers.other.get("Patient", headers=theirs)).status_code == 401


@pytest.mark.parametrize("changes", [{"id": None}, {"issuer": "https://elsewhere.example"}])
async def test_a_client_of_an_issuer_needs_its_id_there(
    rooted: Workers, issuer: KeyServer, changes: dict[str, Any]
) -> None:
    new = {"id": "x", "name": "x", "role": "clinic", "organisation": "Organization/x", "issuer": issuer.url("")}
    given = {name: value for name, value in (new | changes).items() if value is not None}
    headers = bearer(rooted, issuer, "root")
    refused = await rooted.one.post("http://testserver/auth/clients", json=given, headers=headers)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


async def test_an_issuer_that_is_away_is_said_to_be(workers: Workers, issuer: KeyServer) -> None:
    """What was read of it before serves on: its keys are another matter."""
    document = issuer.documents.pop("/.well-known/openid-configuration")
    try:
        workers.clock.seconds += 10_000
        told = await workers.one.get(".well-known/smart-configuration")
        assert told.status_code == 200
    finally:
        issuer.documents["/.well-known/openid-configuration"] = document
