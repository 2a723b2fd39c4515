"""Attacks on the token endpoint: a table of what is sent instead of a good assertion, and what must come of it.

Each row of `ATTACKS` changes one thing about a request that is granted as it is, which the first test shows.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from service.auth.client_authentication import ASSERTION_TYPE
from tests.api.auth.signing import NOW, Signer, claims_of, encoded, key_set, with_secret

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from tests.api.auth.conftest import Workers

    Attack = Callable[[Signer, Signer], str]

HALF = rb'{"iss":"\ud800"}'
VICTIM, ATTACKER = "victim", "attacker"


def claims(**changes: Any) -> dict[str, Any]:
    return claims_of(VICTIM, **changes)


def changed(**changes: Any) -> Attack:
    """The victim's own signature under other claims than good ones."""
    return lambda victim, _: victim.sign(claims(**changes))


def headed(**header: Any) -> Attack:
    """The victim's own signature under another header than a good one."""
    return lambda victim, _: victim.sign(claims(), **header)


def tampered(victim: Signer, _: Signer) -> str:
    head, _body, signature = victim.sign(claims()).split(".")
    return f"{head}.{encoded(claims(exp=NOW + 299))}.{signature}"


ATTACKS: dict[str, Attack] = {
    # the signature
    "alg none": lambda victim, _: f"{encoded({'alg': 'none', 'kid': victim.key_id})}.{encoded(claims())}.",
    "alg None with a signature": lambda victim, _: (
        f"{encoded({'alg': 'None', 'kid': victim.key_id})}.{encoded(claims())}.AA"
    ),
    "HS256 with the public key as PEM": lambda victim, _: with_secret(victim.pem, claims(), victim.key_id),
    "HS256 with the public key's coordinate": lambda victim, _: with_secret(
        victim.public["x"].encode(), claims(), victim.key_id
    ),
    "another client's key": lambda _, attacker: attacker.sign(claims()),
    "another key under the victim's kid": lambda victim, _: Signer(victim.key_id).sign(claims()),
    "a key of the wrong type under the victim's kid": lambda victim, _: Signer(victim.key_id, "RSA").sign(claims()),
    "the key in the header": lambda victim, attacker: attacker.sign(claims(), kid=victim.key_id, jwk=attacker.public),
    "another payload under the signature": tampered,
    "no signature": lambda victim, _: victim.sign(claims()).rpartition(".")[0] + ".",
    "half of a signature": lambda victim, _: victim.sign(claims())[:-40],
    "a signature of zeros": lambda victim, _: victim.sign(claims()).rpartition(".")[0] + "." + "A" * 128,
    # the header
    "an algorithm that SMART does not have": headed(alg="ES256"),
    "an unknown kid": headed(kid="unheard-of"),
    "no kid": headed(kid=None),
    "a kid that is no text": headed(kid={"$ne": ""}),
    "a jku that is not registered": headed(jku="https://attacker.example/jwks"),
    "a critical extension": headed(crit=["exp"], exp=1),
    "an unencoded payload": headed(b64=False),
    "another kind of token": headed(typ="at+jwt"),
    # the claims
    "another client as subject": changed(sub=ATTACKER),
    "another issuer": changed(iss=ATTACKER),
    "no subject": changed(sub=None),
    "the FHIR base as audience": changed(aud="http://testserver/fhir"),
    "another server as audience": changed(aud="https://elsewhere.example/auth/token"),
    "a second audience": changed(aud=["http://testserver/auth/token", "https://elsewhere.example"]),
    "no audience": changed(aud=None),
    "expired": changed(exp=NOW - 11),
    "expired long ago": changed(exp=0),
    "no expiry": changed(exp=None),
    "an expiry that is no number": changed(exp="4000000000"),
    "an expiry beyond all bounds": changed(exp=10**30),
    "too long-lived": changed(exp=NOW + 311),
    "not yet valid": changed(nbf=NOW + 11),
    "issued in the future": changed(iat=NOW + 11),
    "no jti": changed(jti=None),
    "an empty jti": changed(jti=""),
    "a jti that is no text": changed(jti=5),
    "an endless jti": changed(jti="x" * 256),
    # the form
    "nothing": lambda *_: "",
    "no token": lambda *_: "assertion",
    "two parts": lambda victim, _: victim.sign(claims()).rpartition(".")[0],
    "four parts": lambda victim, _: victim.sign(claims()) + ".AAAA",
    "five parts, as an encrypted token has": lambda *_: "e30.AA.AA.AA.AA",
    "oversized": lambda victim, _: victim.sign(claims(padding="x" * 9000)),
    "a header that is no JSON": lambda *_: f"{encoded(b'{')}.{encoded(claims())}.AA",
    "a header that is an array": lambda *_: f"{encoded([])}.{encoded(claims())}.AA",
    "claims that are no object": lambda victim, _: f"{encoded({'alg': 'ES384', 'kid': victim.key_id})}.{encoded(5)}.AA",
    "claims nested without end": lambda *_: f"{encoded({'alg': 'ES384'})}.{encoded(b'[' * 5000)}.AA",
    "characters outside of base64url": lambda victim, _: victim.sign(claims()).replace(".", ".+/", 1),
    "an issuer with half of a character": lambda victim, _: f"{encoded({'kid': victim.key_id})}.{encoded(HALF)}.AA",
    "an endless issuer": changed(iss="v" * 3000, sub="v" * 3000),
    "an issuer with NUL": changed(iss="victim\0", sub="victim\0"),
}


@pytest.fixture(scope="module")
async def both(workers: Workers) -> Workers:
    """A victim who may do everything, and an attacker who may read a list."""
    await workers.register(VICTIM)
    await workers.register(ATTACKER, "system/List.rs")
    return workers


async def send(workers: Workers, assertion: str, **form: str) -> httpx.Response:
    good = {
        "grant_type": "client_credentials",
        "scope": "system/Patient.rs",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
    }
    return await workers.one.post("http://testserver/auth/token", data=good | form)


def assert_refused(answered: httpx.Response, code: str = "invalid_client", status: int = 401) -> None:
    told = answered.json()
    assert (answered.status_code, told["error"]) == (status, code), told
    assert told["error_description"]
    assert "access_token" not in told
    assert answered.headers["cache-control"] == "no-store"


async def test_the_request_that_the_attacks_change_is_good(both: Workers) -> None:
    """Else the rows below would show nothing."""
    answered = await send(both, both.signers[VICTIM].sign(claims()))
    assert answered.status_code == 200


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=list(ATTACKS))
async def test_an_attack_on_the_assertion_gets_no_token(both: Workers, attack: Attack) -> None:
    """And no hint of what was sent; always the same code."""
    assertion = attack(both.signers[VICTIM], both.signers[ATTACKER])
    answered = await send(both, assertion)
    assert_refused(answered)
    assert "attacker.example" not in answered.text


async def test_a_jti_is_spent_once_among_all_workers(both: Workers) -> None:
    """Sixteen times at once, half of them to the other worker: one token."""
    form = {"grant_type": "client_credentials", "scope": "system/Patient.rs", **both.form(VICTIM)}
    targets = [both.one, both.other] * 8
    answers = await asyncio.gather(*(each.post("http://testserver/auth/token", data=form) for each in targets))
    assert sorted(each.status_code for each in answers) == [200] + [401] * 15
    for answered in answers:
        if answered.status_code != 200:
            assert_refused(answered)


async def test_a_spent_jti_stays_spent_until_its_assertion_has_expired(both: Workers) -> None:
    """Even if the clocks of two workers are ten seconds apart."""
    form = {"grant_type": "client_credentials", "scope": "system/Patient.rs", **both.form(VICTIM)}
    assert (await both.one.post("http://testserver/auth/token", data=form)).status_code == 200
    begun = both.clock.seconds
    try:
        for later in (1, 240, 249, 251, 400):
            both.clock.seconds = begun + later
            # what is swept away by tokens that are issued must not open the way again
            assert (await both.ask(ATTACKER, "system/List.rs")).status_code == 200
            assert_refused(await both.other.post("http://testserver/auth/token", data=form))
    finally:
        both.clock.seconds = begun


async def test_the_same_jti_of_two_clients_are_two(both: Workers) -> None:
    """Nobody can spend another one's."""
    for client_id in (ATTACKER, VICTIM):
        form = {"grant_type": "client_credentials", "scope": "system/List.r", **both.form(client_id, jti="shared")}
        assert (await both.one.post("http://testserver/auth/token", data=form)).status_code == 200


async def test_an_assertion_spent_on_introspection_gets_no_token(both: Workers) -> None:
    form = both.form(VICTIM)
    assert (await both.one.post("http://testserver/auth/introspect", data=form | {"token": "x"})).status_code == 200
    assert_refused(
        await both.other.post(
            "http://testserver/auth/token",
            data=form | {"grant_type": "client_credentials", "scope": "system/Patient.rs"},
        )
    )


async def test_two_keys_of_one_kid_verify_nothing(both: Workers) -> None:
    """Which of them signed could be chosen by an attacker. Such a set cannot be registered, but a URL may serve one."""
    import msgspec

    first, second = Signer("same"), Signer("same")
    await both.register("double", jwks=msgspec.json.encode(key_set(first, second)))
    both.signers["double"] = first
    assert_refused(await both.ask("double"))


async def test_a_key_for_encryption_verifies_nothing(both: Workers) -> None:
    import msgspec

    signer = Signer("enc")
    keys = {"keys": [{**signer.public, "use": "enc"}]}
    await both.register("encrypting", jwks=msgspec.json.encode(keys))
    both.signers["encrypting"] = signer
    assert_refused(await both.ask("encrypting"))


@pytest.mark.parametrize(
    "scope",
    [
        "",
        "system/Patient.rs",
        "system/*.cruds system/List.cud",
        "user/List.rs",
        "patient/List.rs",
        "openid",
        "x" * 9000,
    ],
)
async def test_no_scope_is_granted_beyond_those_registered(both: Workers, scope: str) -> None:
    """Refused, or narrowed."""
    answered = await both.ask(ATTACKER, scope)
    if answered.status_code == 200:
        assert answered.json()["scope"] == "system/List.rs"
    else:
        assert_refused(answered, "invalid_scope", 400)


@pytest.mark.parametrize(
    "form, code, status",
    [
        ({"grant_type": "password"}, "unsupported_grant_type", 400),
        ({"grant_type": "authorization_code"}, "unsupported_grant_type", 400),
        ({"grant_type": ""}, "unsupported_grant_type", 400),
        ({"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"}, "invalid_client", 401),
        ({"client_id": ATTACKER}, "invalid_client", 401),
    ],
)
async def test_a_request_of_another_kind_is_refused(
    both: Workers, form: dict[str, str], code: str, status: int
) -> None:
    assert_refused(await send(both, both.signers[VICTIM].sign(claims()), **form), code, status)


async def test_a_secret_is_no_substitute_for_an_assertion(both: Workers) -> None:
    """Neither in the form nor as HTTP Basic."""
    form = {"grant_type": "client_credentials", "client_id": VICTIM, "client_secret": "x", "scope": "system/List.r"}
    assert_refused(await both.one.post("http://testserver/auth/token", data=form, auth=(VICTIM, "x")))


async def test_a_parameter_that_is_sent_twice_is_refused(both: Workers) -> None:
    """The first and the last could be read by two readers."""
    body = "grant_type=client_credentials&grant_type=client_credentials"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answered = await both.one.post("http://testserver/auth/token", content=body, headers=headers)
    assert_refused(answered, "invalid_request", 400)


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x", ""])
async def test_another_body_than_a_form_is_refused(both: Workers, content_type: str) -> None:
    answered = await both.one.post(
        "http://testserver/auth/token", content=b"{}", headers={"Content-Type": content_type}
    )
    assert_refused(answered, "invalid_request", 400)


async def test_a_body_without_end_is_refused(both: Workers) -> None:
    answered = await send(both, "x" * 40_000)
    assert_refused(answered, "invalid_request", 400)


async def test_parameters_in_the_url_do_not_count(both: Workers) -> None:
    """URLs end up in logs."""
    form = {"grant_type": "client_credentials", "scope": "system/Patient.rs", **both.form(VICTIM)}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answered = await both.one.post("http://testserver/auth/token", params=form, headers=headers)
    assert_refused(answered, "unsupported_grant_type", 400)
    assert (await both.one.get("http://testserver/auth/token", params=form)).status_code == 405


async def test_nobody_learns_from_a_refusal_which_clients_there_are(
    both: Workers, caplog: pytest.LogCaptureFixture
) -> None:
    """One answer to the letter, wherever the proof fails; the log tells which it was."""
    await both.register("disabled")
    await both.clients.switch("disabled", disabled_at=datetime.fromtimestamp(NOW, UTC))
    await both.register("foreign", issuer="https://issuer.example")
    key = Signer("victim-key")
    tried = {
        "There is no such client": key.sign(claims_of("stranger")),
        "The client is disabled": both.signers["disabled"].sign(claims_of("disabled")),
        "tokens of another issuer": key.sign(claims_of("foreign")),
        "signature does not match": key.sign(claims()),
        "No key has the token's kid": key.sign(claims(), kid="unheard-of"),
        "jku is not the JWKS URL": both.signers[VICTIM].sign(claims(), jku="https://attacker.example/jwks"),
    }
    answers = []
    for reason, assertion in tried.items():
        caplog.clear()
        with caplog.at_level(logging.INFO):
            answered = await send(both, assertion)
        assert_refused(answered)
        assert reason in str([each.__dict__.get("fields") for each in caplog.records])
        headers = {name: value for name, value in answered.headers.items() if name != "x-request-id"}
        answers.append((answered.status_code, headers, answered.content))
    assert answers == answers[:1] * len(tried)


@pytest.mark.parametrize("client_id", [VICTIM, "stranger"])
async def test_what_a_sender_sees_himself_is_told_alike_to_all(both: Workers, client_id: str) -> None:
    """An integrator whose clock is wrong learns it, whether there is a client or not."""
    assertion = Signer("any").sign(claims_of(client_id, exp=NOW - 11))
    assert (await send(both, assertion)).json()["error_description"] == "The token has expired."
