"""What the service tells about its authorisation server, before anybody asks for a token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.api.auth.signing import AUDIENCE
from tests.api.outcome import assert_outcome

if TYPE_CHECKING:
    import httpx

    from tests.api.auth.conftest import Workers

OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"


@pytest.mark.parametrize("place", ["http://testserver/fhir", "http://testserver"])
async def test_the_smart_configuration_says_how_to_get_a_token(workers: Workers, place: str) -> None:
    """Below the FHIR base, as SMART demands, and at the root; from any origin, without a token."""
    response = await workers.one.get(f"{place}/.well-known/smart-configuration")
    assert response.headers["content-type"] == "application/json"
    assert response.headers["access-control-allow-origin"] == "*"
    told = response.json()
    assert told["token_endpoint"] == AUDIENCE
    assert told["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert set(told["token_endpoint_auth_signing_alg_values_supported"]) == {"RS384", "ES384"}
    assert told["grant_types_supported"] == ["client_credentials"]
    assert {"client-confidential-asymmetric", "permission-v2"} <= set(told["capabilities"])
    assert "system/*.rs" in told["scopes_supported"]


async def test_every_endpoint_that_it_names_is_there(workers: Workers) -> None:
    told = (await workers.one.get(".well-known/smart-configuration")).json()
    for name in ("token_endpoint", "introspection_endpoint", "revocation_endpoint"):
        assert (await workers.one.post(told[name], data={})).status_code in (400, 401)


async def test_it_stays_the_same_whatever_host_the_request_names(workers: Workers) -> None:
    """Else a client could be led to send its assertion elsewhere."""
    told = [
        (await workers.one.get(".well-known/smart-configuration", headers={"Host": host})).text
        for host in ("testserver", "127.0.0.1", "attacker.example")
    ]
    assert told[0] == told[1]
    assert "attacker.example" not in told[2]


def _security(statement: dict[str, Any]) -> dict[str, Any]:
    return dict(statement["rest"][0]["security"])


async def test_the_capability_statement_names_smart_and_its_endpoints(workers: Workers) -> None:
    statement = (await workers.one.get("metadata")).json()
    security = _security(statement)
    assert security["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"
    (uris,) = (each["extension"] for each in security["extension"] if each["url"] == OAUTH_URIS)
    assert {"url": "token", "valueUri": AUDIENCE} in uris
    assert "sandbox" not in str(statement["description"])


async def test_the_capability_statement_is_valid(workers: Workers) -> None:
    await workers.register("validator", "system/CapabilityStatement.r")
    headers = await workers.bearer("validator", "system/CapabilityStatement.r")
    statement = (await workers.one.get("metadata")).json()
    outcome = await workers.one.post("CapabilityStatement/$validate", json=statement, headers=headers)
    assert [each["severity"] for each in outcome.json()["issue"] if each["severity"] == "error"] == [], outcome.text


async def test_an_open_service_says_so_and_has_no_authorisation_server(client: httpx.AsyncClient) -> None:
    assert "open sandbox" in _security((await client.get("metadata")).json())["description"]
    assert_outcome(await client.get(".well-known/smart-configuration"), 404, "not-found")
    assert (await client.post("http://testserver/auth/token")).status_code == 404
    assert (await client.get("Patient", headers={"Authorization": "Bearer whatever"})).status_code == 200
