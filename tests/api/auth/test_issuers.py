"""Access tokens of another issuer, which publishes its keys on loopback; both modes side by side."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from service.interactions.permission import check_limits
from tests.api.auth.signing import Signer, encoded, with_secret
from tests.api.auth.test_jwks_url import KeyServer
from tests.api.outcome import assert_outcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.api.auth.conftest import Workers

AUDIENCE = "https://fhir.clinic.example.org"
KEYS = {"ec": Signer("ec-key"), "rsa": Signer("rsa-key", "RSA")}


@pytest.fixture(scope="module")
async def key_server() -> AsyncIterator[KeyServer]:
    published = KeyServer(cache_control="max-age=30")
    async with await asyncio.start_server(published.serve, "127.0.0.1", 0) as server:
        published.port = server.sockets[0].getsockname()[1]
        for realm in ("/realm", "/other"):
            keys = {"keys": [each.public for each in KEYS.values()]}
            published.documents[f"{realm}/keys"] = keys
            published.documents[f"{realm}/.well-known/openid-configuration"] = {
                "issuer": published.url(realm),
                "jwks_uri": published.url(f"{realm}/keys"),
                "token_endpoint": published.url(f"{realm}/token"),
            }
        yield published


@pytest.fixture(scope="module")
def auth_settings(key_server: KeyServer) -> dict[str, Any]:
    return {
        "auth_mode": "smart,oidc",
        "oidc_issuers": f"{key_server.url('/realm')},{key_server.url('/silent')},{key_server.url('/lying')}",
        "oidc_audience": AUDIENCE,
        "oidc_algorithms": "ES384,RS384",
    }


@pytest.fixture(scope="module")
async def trusting(workers: Workers, key_server: KeyServer) -> Workers:
    """Clients that the issuer vouches for, one of our own, and one of another issuer."""
    await workers.register(
        "ehr", "system/Patient.rs user/Task.r patient/Observation.rs", issuer=key_server.url("/realm")
    )
    portal = "user/Observation.cruds patient/Observation.rs"
    await workers.register("portal", portal, issuer=key_server.url("/realm"))
    await workers.register("own", "system/Patient.rs")
    await workers.register("elsewhere", "system/Patient.rs", issuer=key_server.url("/other"))
    return workers


def claims(workers: Workers, key_server: KeyServer, **changes: Any) -> dict[str, Any]:
    good = {
        "iss": key_server.url("/realm"),
        "aud": AUDIENCE,
        "azp": "ehr",
        "sub": "service-account-ehr",
        "exp": workers.clock.seconds + 600,
        "iat": workers.clock.seconds,
        "scope": "openid system/Patient.rs",
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


async def status(workers: Workers, token: str, target: str = "Patient") -> int:
    response = await workers.one.get(target, headers={"Authorization": f"Bearer {token}"})
    if response.status_code == 401:
        assert_outcome(response, 401, "unauthenticated", "http.Authorization")
    return response.status_code


@pytest.mark.parametrize("key", KEYS)
async def test_a_token_of_the_issuer_opens_fhir(trusting: Workers, key_server: KeyServer, key: str) -> None:
    """By either of its keys."""
    assert await status(trusting, KEYS[key].sign(claims(trusting, key_server))) == 200


async def test_a_token_of_our_own_does_too(trusting: Workers) -> None:
    headers = await trusting.bearer("own", "system/Patient.rs")
    assert (await trusting.one.get("Patient", headers=headers)).status_code == 200


async def test_what_the_token_says_is_narrowed_to_what_is_registered(trusting: Workers, key_server: KeyServer) -> None:
    """The issuer may vouch for the client, not widen its rights."""
    token = KEYS["ec"].sign(claims(trusting, key_server, scope="system/*.cruds"))
    assert await status(trusting, token) == 200
    assert await status(trusting, token, "Task") == 403


@pytest.mark.parametrize("scope", [{"scope": ["system/Patient.rs"]}, {"scope": None, "scp": "system/Patient.rs"}])
async def test_scopes_are_found_where_issuers_put_them(trusting: Workers, key_server: KeyServer, scope: Any) -> None:
    assert await status(trusting, KEYS["ec"].sign(claims(trusting, key_server, **scope))) == 200


async def test_the_scopes_of_a_user_hold_with_a_user(trusting: Workers, key_server: KeyServer) -> None:
    for user, expected in ((None, 403), ("Practitioner/1", 404)):
        token = KEYS["ec"].sign(claims(trusting, key_server, scope="user/Task.r", fhirUser=user))
        assert await status(trusting, token, "Task/none") == expected


@pytest.fixture(scope="module")
async def observed(trusting: Workers) -> Workers:
    """With an Observation of each of two patients, which the clients' organisation has made."""
    await trusting.register("filler", role="administrator")
    headers = await trusting.bearer("filler") | {"X-Break-Glass": "These ids are the tests' own."}
    for name in ("a", "b"):
        made = {
            "resourceType": "Observation",
            "id": f"of-{name}",
            "status": "final",
            "code": {"text": "x"},
            "subject": {"reference": f"Patient/{name}"},
        }
        assert (await trusting.one.put(f"Observation/of-{name}", json=made, headers=headers)).status_code == 201
    return trusting


async def test_a_launch_context_restricts_to_the_patients_compartment(observed: Workers, key_server: KeyServer) -> None:
    for context in ("a", "Patient/a"):
        token = KEYS["ec"].sign(claims(observed, key_server, scope="patient/Observation.rs", patient=context))
        assert await status(observed, token, "Observation/of-a") == 200
        assert await status(observed, token, "Observation/of-b") == 404
        sent = {"Authorization": f"Bearer {token}"}
        found = (await observed.one.get("Observation", headers=sent)).json()
        assert [each["resource"]["id"] for each in found["entry"]] == ["of-a"]
        assert (await observed.one.get("Observation?patient=Patient/b", headers=sent)).json()["total"] == 0
    without = KEYS["ec"].sign(claims(observed, key_server, scope="patient/Observation.rs"))
    assert await status(observed, without, "Observation/of-a") == 403


@pytest.mark.parametrize("place", ["", "/_history", "/_history/1"])
async def test_what_leaves_the_compartment_while_it_is_read_is_not_shown(
    observed: Workers, key_server: KeyServer, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Filed under another patient between the look at the compartment and the reading."""
    filler = await observed.bearer("filler")
    content = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
    kept = content | {"subject": {"reference": "Patient/a"}}
    made = (await observed.one.post("Observation", json=kept, headers=filler)).json()["id"]
    moved = content | {"id": made, "subject": {"reference": "Patient/b"}, "note": [{"text": "of somebody else"}]}

    async def look(*given: Any) -> Any:
        found = await check_limits(*given)
        assert (await observed.one.put(f"Observation/{made}", json=moved, headers=filler)).status_code == 200
        return found

    monkeypatch.setattr("service.interactions.perform.check_limits", look)
    token = KEYS["ec"].sign(claims(observed, key_server, scope="patient/Observation.rs", patient="a"))
    headers = {"Authorization": f"Bearer {token}"}
    read = await observed.one.get(f"Observation/{made}{place}", headers=headers)
    assert "of somebody else" not in read.text
    if place == "/_history/1":
        assert read.status_code == 200
    else:
        assert_outcome(read, 404, "not-found")
    assert (await observed.one.delete(f"Observation/{made}", headers=filler)).status_code == 204


SIGNED_IN = {
    ("Patient/a", None): {"of-a"},
    ("http://testserver/fhir/Patient/a", None): {"of-a"},
    ("Patient/a", "b"): {"of-b"},  # a parent, whose app was launched for the child
    ("RelatedPerson/r", "a"): {"of-a"},
    ("Person/p", "a"): {"of-a"},
    ("https://ehr.example.org/fhir/Patient/b", "a"): {"of-a"},
    ("https://ehr.example.org/fhir/Patient/a", None): None,
    ("RelatedPerson/r", None): None,
    ("Patient/a/", None): None,
    ("nobody", "a"): None,
    ("Practitioner/1", "a"): {"of-a", "of-b"},
    ("https://ehr.example.org/fhir/PractitionerRole/1", None): {"of-a", "of-b"},
}
"""fhirUser and the launch context → the Observations that user/ scopes show; None: they show nothing."""


@pytest.mark.parametrize("user, patient", SIGNED_IN)
async def test_the_scopes_of_a_user_show_a_patient_what_is_his(
    observed: Workers, key_server: KeyServer, user: str, patient: str | None
) -> None:
    """Everything of the organisation is for those who work there."""
    shown = SIGNED_IN[user, patient]
    scope = "user/Observation.rs"
    token = KEYS["ec"].sign(claims(observed, key_server, azp="portal", scope=scope, fhirUser=user, patient=patient))
    for each in ("of-a", "of-b"):
        expected = 403 if shown is None else 200 if each in shown else 404
        assert await status(observed, token, f"Observation/{each}") == expected
    found = await observed.one.get("Observation", headers={"Authorization": f"Bearer {token}"})
    if shown is None:
        assert_outcome(found, 403, "forbidden", "http.Authorization")
    else:
        assert {each["resource"]["id"] for each in found.json()["entry"]} == shown


async def test_the_scopes_of_a_user_let_no_patient_write_about_another(
    observed: Workers, key_server: KeyServer
) -> None:
    scope = "user/Observation.cruds"
    token = KEYS["ec"].sign(claims(observed, key_server, azp="portal", scope=scope, fhirUser="Patient/a"))
    headers = {"Authorization": f"Bearer {token}"}
    refused = await observed.one.delete("Observation/of-b", headers=headers)
    assert_outcome(refused, 403, "forbidden", "http.Authorization")
    patch = [{"op": "replace", "path": "/status", "value": "amended"}]
    refused = await observed.one.patch("Observation/of-b", json=patch, headers=headers)
    assert_outcome(refused, 403, "forbidden", "http.Authorization")


async def test_a_patient_without_a_launch_context_has_no_scopes_of_one(
    observed: Workers, key_server: KeyServer
) -> None:
    """Nobody has said for whom they are."""
    scope = "patient/Observation.rs"
    token = KEYS["ec"].sign(claims(observed, key_server, azp="portal", scope=scope, fhirUser="Patient/a"))
    assert await status(observed, token, "Observation/of-a") == 403


ATTACKS: dict[str, Callable[[dict[str, Any]], str]] = {
    "alg none": lambda good: f"{encoded({'alg': 'none'})}.{encoded(good)}.",
    "alg none with a signature": lambda good: f"{encoded({'alg': 'none'})}.{encoded(good)}.AA",
    "HS256 with the public key": lambda good: with_secret(KEYS["rsa"].pem, good, "rsa-key"),
    "an algorithm that is not allowed": lambda good: KEYS["ec"].sign(good, alg="ES256"),
    "another key under the kid": lambda good: Signer("ec-key").sign(good),
    "another type of key under the kid": lambda good: Signer("ec-key", "RSA").sign(good),
    "an unknown kid": lambda good: KEYS["ec"].sign(good, kid="unheard-of"),
    "the key in the header": lambda good: Signer("x").sign(good, jwk=Signer("x").public),
    "a critical extension": lambda good: KEYS["ec"].sign(good, crit=["exp"], exp=1),
    "an ID token's kind": lambda good: KEYS["ec"].sign(good, typ="logout+jwt"),
    "another audience": lambda good: KEYS["ec"].sign(good | {"aud": "https://elsewhere.example"}),
    "no audience": lambda good: KEYS["ec"].sign({name: good[name] for name in good if name != "aud"}),
    "an issuer that is not trusted": lambda good: KEYS["ec"].sign(
        good | {"iss": good["iss"].replace("/realm", "/other"), "azp": "elsewhere"}
    ),
    "an issuer that does not answer": lambda good: KEYS["ec"].sign(
        good | {"iss": good["iss"].replace("/realm", "/silent")}
    ),
    "no issuer": lambda good: KEYS["ec"].sign({name: good[name] for name in good if name != "iss"}),
    "expired": lambda good: KEYS["ec"].sign(good | {"exp": good["iat"] - 11}),
    "no expiry": lambda good: KEYS["ec"].sign({name: good[name] for name in good if name != "exp"}),
    "not yet valid": lambda good: KEYS["ec"].sign(good | {"nbf": good["iat"] + 11}),
    "no client": lambda good: KEYS["ec"].sign({name: good[name] for name in good if name != "azp"}),
    "a client that is not registered": lambda good: KEYS["ec"].sign(good | {"azp": "stranger"}),
    "a client of our own": lambda good: KEYS["ec"].sign(good | {"azp": "own"}),
    "a client of another issuer": lambda good: KEYS["ec"].sign(good | {"azp": "elsewhere"}),
    "a client that is no text": lambda good: KEYS["ec"].sign(good | {"azp": ["ehr"]}),
    "truncated": lambda good: KEYS["ec"].sign(good)[:-10],
    "oversized": lambda good: KEYS["ec"].sign(good | {"padding": "x" * 7000}),
    "endless scopes": lambda good: KEYS["ec"].sign(good | {"scope": "a " * 5000}),
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=list(ATTACKS))
async def test_an_attack_on_a_bearer_token_is_shut_out(
    trusting: Workers, key_server: KeyServer, attack: Callable[[dict[str, Any]], str]
) -> None:
    """Each changes one thing about a token that is good as it is."""
    good = claims(trusting, key_server)
    assert await status(trusting, KEYS["ec"].sign(good)) == 200
    assert await status(trusting, attack(good)) == 401


@pytest.mark.parametrize("value", [None, True, 5, 1.5, "", "x" * 300, [], [5], {}, {"a": 1}, "\0", "a/../b"], ids=repr)
async def test_claims_of_any_type_are_no_fault_of_ours(trusting: Workers, key_server: KeyServer, value: Any) -> None:
    """Whatever an issuer puts there."""
    names = ("iss", "aud", "azp", "client_id", "sub", "exp", "iat", "nbf", "scope", "scp", "fhirUser", "patient", "jti")
    for name in names:
        token = KEYS["ec"].sign(claims(trusting, key_server) | {name: value})
        assert await status(trusting, token) in (200, 401, 403), name


async def test_no_header_makes_the_service_fetch_anything(trusting: Workers, key_server: KeyServer) -> None:
    """Neither jku nor x5u."""
    token = KEYS["ec"].sign(claims(trusting, key_server), jku=key_server.url("/evil"), x5u=key_server.url("/evil"))
    await status(trusting, token)
    assert "/evil" not in key_server.fetched


async def test_a_key_that_the_issuer_withdraws_ends_its_tokens(trusting: Workers, key_server: KeyServer) -> None:
    """After a minute at most, within which a token is not verified again."""
    withdrawn = Signer("withdrawn")
    documents = key_server.documents["/realm/keys"]["keys"]
    documents.append(withdrawn.public)
    trusting.clock.seconds += 30
    token = withdrawn.sign(claims(trusting, key_server))
    assert await status(trusting, token) == 200
    documents.remove(withdrawn.public)
    trusting.clock.seconds += 59
    assert await status(trusting, token) == 200
    trusting.clock.seconds += 1
    assert await status(trusting, token) == 401


async def test_an_issuer_whose_document_names_another_is_not_believed(trusting: Workers, key_server: KeyServer) -> None:
    key_server.documents["/lying/.well-known/openid-configuration"] = {
        "issuer": key_server.url("/realm"),
        "jwks_uri": key_server.url("/realm/keys"),
    }
    token = KEYS["ec"].sign(claims(trusting, key_server, iss=key_server.url("/lying")))
    assert await status(trusting, token) == 401


async def test_a_client_of_another_issuer_gets_no_token_from_us(trusting: Workers) -> None:
    """It has no key here."""
    assert (await trusting.ask("ehr", "system/Patient.rs")).status_code == 401
