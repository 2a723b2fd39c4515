"""The registry of clients over HTTP: for administrators, and for nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.auth.gate import TRUSTED_SECONDS
from tests.api.auth.signing import Signer, key_set

if TYPE_CHECKING:
    import httpx

    from tests.api.auth.conftest import Workers

PLACE = "http://testserver/auth/clients"


@pytest.fixture(scope="module")
async def registry(workers: Workers) -> Workers:
    await workers.register("admin", role="administrator", organisation=None)
    await workers.register("clinic", "system/*.cruds")
    return workers


async def sent(registry: Workers, method: str, place: str = "", body: Any = None, who: str = "admin") -> httpx.Response:
    headers = await registry.bearer(who)
    return await registry.one.request(method, PLACE + place, json=body, headers=headers)


def new(**changes: Any) -> dict[str, Any]:
    good = {"name": "Example EHR", "role": "referrer", "organisation": "Organization/practice"}
    given: dict[str, Any] = good | {"jwks": key_set(Signer("k"))} | changes
    return {name: value for name, value in given.items() if value is not None}


async def test_an_administrator_registers_a_client_that_can_then_ask_for_tokens(registry: Workers) -> None:
    signer = Signer("k")
    added = await sent(registry, "POST", body=new(jwks=key_set(signer), scope="system/Task.read"))
    assert added.status_code == 201, added.text
    told = added.json()
    assert told["scope"] == "system/Task.rs"
    registry.signers[told["id"]] = signer
    assert (await registry.ask(told["id"], "system/Task.rs")).status_code == 200
    assert (await sent(registry, "GET", f"/{told['id']}")).json() == told
    assert told in (await sent(registry, "GET")).json()["clients"]


async def test_without_scopes_a_client_gets_those_of_its_role(registry: Workers) -> None:
    told = (await sent(registry, "POST", body=new())).json()
    assert "system/ServiceRequest.crus" in told["scope"].split()
    assert "system/Observation.rs" in told["scope"].split()


async def test_disabling_and_enabling(registry: Workers) -> None:
    signer = Signer("k")
    await sent(registry, "POST", body=new(id="switched", jwks=key_set(signer)))
    registry.signers["switched"] = signer
    assert "disabled_at" in (await sent(registry, "POST", "/switched/disable")).json()
    assert (await registry.ask("switched", "system/Task.rs")).status_code == 401
    assert "disabled_at" not in (await sent(registry, "POST", "/switched/enable")).json()
    assert (await registry.ask("switched", "system/Task.rs")).status_code == 200


async def test_keys_are_put_in_the_place_of_others(registry: Workers) -> None:
    old, fresh = Signer("old"), Signer("fresh")
    await sent(registry, "POST", body=new(id="changing", jwks=key_set(old)))
    assert (await sent(registry, "PUT", "/changing/keys", {"jwks": key_set(fresh)})).status_code == 200
    for signer, status in ((old, 401), (fresh, 200)):
        registry.signers["changing"] = signer
        assert (await registry.ask("changing", "system/Task.rs")).status_code == status


async def test_what_a_client_is_called_may_ask_for_and_how_often_is_changed(registry: Workers) -> None:
    """What is not named stays; null stands for what a client has that was registered without."""
    await sent(registry, "POST", body=new(id="grown", scope="system/Task.rs", requests_per_minute=7))
    told = (await sent(registry, "PATCH", "/grown", {"name": "Grown"})).json()
    assert (told["name"], told["scope"], told["requests_per_minute"]) == ("Grown", "system/Task.rs", 7)
    told = (await sent(registry, "PATCH", "/grown", {"scope": "system/Task.read system/Patient.r"})).json()
    assert (told["name"], told["scope"]) == ("Grown", "system/Task.rs system/Patient.r")
    told = (await sent(registry, "PATCH", "/grown", {"scope": None, "requests_per_minute": None})).json()
    assert "system/ServiceRequest.crus" in told["scope"].split()
    assert "requests_per_minute" not in told


async def test_narrower_scopes_hold_for_tokens_that_are_out_within_a_second_in_all_workers(registry: Workers) -> None:
    await registry.register("narrowed", "system/*.rs")
    bearer = await registry.bearer("narrowed", "system/*.rs")
    for worker in (registry.one, registry.other):
        assert (await worker.get("Patient", headers=bearer)).status_code == 200
    assert (await sent(registry, "PATCH", "/narrowed", {"scope": "system/Task.rs"})).status_code == 200
    registry.clock.seconds += TRUSTED_SECONDS
    for worker in (registry.one, registry.other):
        assert (await worker.get("Patient", headers=bearer)).status_code == 403
        assert (await worker.get("Task", headers=bearer)).status_code == 200
    form = {"token": bearer["Authorization"].partition(" ")[2], **registry.form("narrowed")}
    told = (await registry.other.post("http://testserver/auth/introspect", data=form)).json()
    assert told["scope"] == "system/Task.rs"


async def test_wider_scopes_are_for_new_tokens(registry: Workers) -> None:
    await registry.register("widened", "system/Task.rs")
    bearer = await registry.bearer("widened", "system/*.rs")
    await sent(registry, "PATCH", "/widened", {"scope": "system/*.rs"})
    registry.clock.seconds += TRUSTED_SECONDS
    assert (await registry.one.get("Patient", headers=bearer)).status_code == 403
    bearer = await registry.bearer("widened", "system/*.rs")
    assert (await registry.one.get("Patient", headers=bearer)).status_code == 200


async def test_another_limit_holds_within_a_second(registry: Workers) -> None:
    await registry.register("slowed", "system/Task.rs")
    bearer = await registry.bearer("slowed", "system/Task.rs")
    assert (await registry.one.get("Task", headers=bearer)).status_code == 200
    await sent(registry, "PATCH", "/slowed", {"requests_per_minute": 1})
    registry.clock.seconds += TRUSTED_SECONDS
    statuses = [(await registry.one.get("Task", headers=bearer)).status_code for _ in range(2)]
    assert statuses == [200, 429]


@pytest.mark.parametrize(
    "body",
    [{}, {"name": None}, {"name": " "}, {"scope": "x"}, {"requests_per_minute": 0}, {"role": "administrator"}, []],
)
async def test_a_change_that_cannot_be_is_refused(registry: Workers, body: Any) -> None:
    refused = await sent(registry, "PATCH", "/clinic", body)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


DOORS = pytest.mark.parametrize(
    "method, place",
    [
        ("GET", ""),
        ("POST", ""),
        ("GET", "/clinic"),
        ("PATCH", "/clinic"),
        ("PUT", "/clinic/keys"),
        ("POST", "/clinic/disable"),
        ("POST", "/clinic/enable"),
    ],
)


@DOORS
async def test_an_administrator_with_narrow_scopes_does_not_widen_them_here(
    registry: Workers, method: str, place: str
) -> None:
    """Nor by another client that he would register: whoever reads records alone has no use for the registry."""
    if "auditor" not in registry.signers:
        await registry.register("auditor", "system/AuditEvent.rs", role="administrator", organisation=None)
    for who, scope in (("auditor", "system/AuditEvent.rs"), ("admin", "system/*.rs")):
        headers = await registry.bearer(who, scope)
        refused = await registry.one.request(method, PLACE + place, json=new(), headers=headers)
        assert (refused.status_code, refused.json()["error"]) == (403, "insufficient_scope")


@DOORS
async def test_nobody_but_an_administrator_may(registry: Workers, method: str, place: str) -> None:
    """Whatever the scopes; and who may not learns nothing of the request's other faults."""
    refused = await sent(registry, method, place, body={"role": "administrator"}, who="clinic")
    assert (refused.status_code, refused.json()["error"]) == (403, "insufficient_scope")
    refused = await registry.one.request(method, PLACE + place)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")


async def test_a_client_that_does_not_exist_is_not_found(registry: Workers) -> None:
    for method, place, body in (
        ("GET", "/nobody", None),
        ("PATCH", "/nobody", {"name": "x"}),
        ("PUT", "/nobody/keys", {"jwks": key_set(Signer("k"))}),
        ("POST", "/nobody/disable", None),
        ("POST", "/nobody/enable", None),
        ("GET", "/%00", None),
        ("GET", "/..", None),
    ):
        assert (await sent(registry, method, place, body)).status_code == 404


async def test_an_id_is_given_once(registry: Workers) -> None:
    refused = await sent(registry, "POST", body=new(id="clinic"))
    assert (refused.status_code, refused.json()["error"]) == (409, "already_exists")


PRIVATE = Signer("private").private
BAD: dict[str, Any] = {
    "no name": new(name=None),
    "an empty name": new(name=" "),
    "an unknown role": new(role="root"),
    "no organisation": new(organisation=None),
    "an organisation that is no reference": new(organisation="the clinic"),
    "an id with a slash": new(id="a/b"),
    "an unknown member": new(is_admin=True),
    "a malformed scope": new(scope="system/Task.sr"),
    "no keys": new(jwks=None),
    "keys and a URL": new(jwks_url="https://ehr.example.org/jwks"),
    "an empty key set": new(jwks={"keys": []}),
    "no key set": new(jwks=[]),
    "a private key": new(jwks={"keys": [PRIVATE]}),
    "a symmetric key": new(jwks={"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "k"}]}),
    "a key without kid": new(jwks={"keys": [{**Signer("k").public, "kid": ""}]}),
    "two keys of one kid": new(jwks=key_set(Signer("k"), Signer("k"))),
    "a key on another curve": new(jwks={"keys": [{**Signer("k").public, "crv": "P-256"}]}),
    "a short RSA key": new(jwks={"keys": [{"kty": "RSA", "n": "A" * 171, "e": "AQAB", "kid": "k"}]}),
    "an endless RSA key": new(jwks={"keys": [{"kty": "RSA", "n": "A" * 5000, "e": "AQAB", "kid": "k"}]}),
    "a key for encryption": new(jwks={"keys": [{**Signer("k").public, "use": "enc"}]}),
    "a URL without TLS": new(jwks=None, jwks_url="http://ehr.example.org/jwks"),
    "a URL of a file": new(jwks=None, jwks_url="file:///etc/passwd"),
    "a URL of our own": new(jwks=None, jwks_url="https://127.0.0.1/jwks"),
    "a URL of our network": new(jwks=None, jwks_url="https://10.0.0.1/jwks"),
    "a URL of the cloud's metadata": new(jwks=None, jwks_url="https://169.254.169.254/latest"),
    "a URL with a password": new(jwks=None, jwks_url="https://user:pass@ehr.example.org/jwks"),
    "an issuer that is not configured": new(jwks=None, id="x", issuer="https://issuer.example.org"),
    "a limit of nothing": new(requests_per_minute=0),
    "no object": [],
}


@pytest.mark.parametrize("body", BAD.values(), ids=list(BAD))
async def test_what_cannot_be_registered_is_refused_with_a_reason(registry: Workers, body: Any) -> None:
    """And without a part of it."""
    refused = await sent(registry, "POST", body=body)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    assert refused.json()["error_description"]
    assert PRIVATE["d"] not in refused.text
