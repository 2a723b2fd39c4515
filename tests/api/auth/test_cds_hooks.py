"""CDS Hooks with access control: which EHRs may call, and what is on record of it."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from tests.api.auth.signing import NOW, Signer, key_set, with_secret
from tests.api.outcome import assert_outcome
from tests.builders.cds_hooks import SERVICE, bundle, call, prefetched
from tests.builders.screening import diagnosis

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from tests.api.auth.conftest import Workers

Json = dict[str, Any]

EHR = "https://ehr.example.org"
URL = f"http://testserver{SERVICE}"
UNSAFE = call(prefetch=prefetched(conditions=bundle(diagnosis("I82.402"))))
SIGNER = Signer("ehr-key")
STRANGER = Signer("ehr-key")
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
async def keys_url() -> AsyncIterator[str]:
    """Where the EHR publishes its keys."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = json.dumps(key_set(SIGNER)).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/jwks"


@pytest.fixture(scope="module")
def auth_settings(keys_url: str) -> Json:
    """The EHR is one that the deployment trusts."""
    return {"cds_issuers": f"{EHR}={keys_url}"}


def claims(**changes: Any) -> Json:
    """Those of a good token; one of None is left out."""
    good = {"iss": EHR, "aud": URL, "exp": NOW + 300, "iat": NOW, "jti": f"call-{next(_NUMBERS)}"}
    return {name: value for name, value in (good | changes).items() if value is not None}


async def post(worker: httpx.AsyncClient, token: str | None, body: Json = UNSAFE, place: str = URL) -> httpx.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return await worker.post(place, json=body, headers=headers)


async def test_a_trusted_ehr_is_answered(workers: Workers) -> None:
    """By a token that it signed for this call."""
    answered = await post(workers.one, SIGNER.sign(claims()))
    assert [card["indicator"] for card in answered.json()["cards"]] == ["critical"]


async def test_several_audiences_may_be_one(workers: Workers) -> None:
    """As an array with the one URL."""
    assert (await post(workers.one, SIGNER.sign(claims(aud=[URL])))).status_code == 200


@pytest.mark.parametrize(
    "token",
    [
        None,
        "no-token",
        "a.b.c",
        SIGNER.sign(claims(iss="https://another.example.org")),
        SIGNER.sign(claims(iss=None)),
        SIGNER.sign(claims(iss=[EHR])),
        SIGNER.sign(claims(aud="http://testserver/cds-services/another")),
        SIGNER.sign(claims(aud="http://testserver/auth/token")),
        SIGNER.sign(claims(aud=None)),
        SIGNER.sign(claims(exp=NOW - 60)),
        SIGNER.sign(claims(exp=NOW + 86_400)),
        SIGNER.sign(claims(exp=None)),
        SIGNER.sign(claims(iat=NOW + 600)),
        SIGNER.sign(claims(iat=None)),
        SIGNER.sign(claims() | {"iat": None}),
        SIGNER.sign(claims(jti=None)),
        SIGNER.sign(claims(jti="")),
        SIGNER.sign(claims(), kid=None),
        SIGNER.sign(claims(), kid="another"),
        SIGNER.sign(claims(), jku="https://evil.example.org/jwks"),
        SIGNER.sign(claims(), alg="none"),
        SIGNER.sign(claims(), crit=["x"]),
        STRANGER.sign(claims()),
        with_secret(SIGNER.pem, claims(), "ehr-key"),
        SIGNER.sign(claims()) + "x",
    ],
)
async def test_nobody_else_is_answered(workers: Workers, token: str | None) -> None:
    """Whatever the token says of itself."""
    refused = await post(workers.one, token)
    assert_outcome(refused, 401, "unauthenticated")
    assert refused.headers["www-authenticate"].startswith("Bearer")


async def test_a_token_is_good_for_one_call(workers: Workers) -> None:
    """Among all workers."""
    token = SIGNER.sign(claims())
    assert (await post(workers.one, token)).status_code == 200
    assert_outcome(await post(workers.other, token), 401, "unauthenticated")


async def test_an_access_token_for_fhir_is_none_for_decision_support(workers: Workers) -> None:
    """Nor the other way round."""
    await workers.register("clinic-1")
    bearer = await workers.bearer("clinic-1")
    refused = await workers.one.post(URL, json=UNSAFE, headers=bearer)
    assert_outcome(refused, 401, "unauthenticated")
    token = SIGNER.sign(claims())
    assert (await workers.one.get("/Patient", headers={"Authorization": f"Bearer {token}"})).status_code == 401


async def test_discovery_is_for_everybody(workers: Workers) -> None:
    """There is nothing about anybody in it; nor in the page of the rules."""
    for place in ("/cds-services", "/policy"):
        assert (await workers.one.get(f"http://testserver{place}")).status_code == 200


async def test_calls_and_feedback_are_on_record(workers: Workers) -> None:
    """Who asked what, which rules were found, and what became of the card; no comment, no patient of the EHR's."""
    (card,) = (await post(workers.one, SIGNER.sign(claims()))).json()["cards"]
    reason = {"reason": {"code": "clinician-judgement"}, "userComment": "Ann Roe wants it"}
    overridden = {
        "card": card["uuid"],
        "outcome": "overridden",
        "overrideReason": reason,
        "outcomeTimestamp": "2026-03-01T12:00:00Z",
    }
    place = f"{URL}/feedback"
    told = await post(workers.one, SIGNER.sign(claims(aud=place)), {"feedback": [overridden]}, place)
    assert told.status_code == 200
    kept = [each for event in await on_record(workers, outcome="0") for each in queries(event)]
    (feedback,) = (each for each in kept if each.get("card") == [card["uuid"]])
    assert (feedback["rule"], feedback["outcome"], feedback["reason"]) == (
        ["dvt"],
        ["overridden"],
        ["clinician-judgement"],
    )
    assert any(each.get("rules") == ["dvt"] and each["hook"] == ["order-sign"] for each in kept)
    assert "Ann" not in str(kept)


async def test_refusals_are_on_record(workers: Workers) -> None:
    """Of a trusted EHR by its name, of a stranger without one; a token is never on record."""
    token, stranger = SIGNER.sign(claims()), STRANGER.sign(claims())
    await post(workers.one, token, call(hookInstance="not-a-uuid"))
    await post(workers.one, stranger)
    refused = await on_record(workers, outcome="4")
    named = {event["outcomeDesc"].partition(":")[0]: event["agent"][0]["who"] for event in refused}
    assert named["value-invalid"]["identifier"]["value"] == EHR
    assert "identifier" not in named["unauthenticated"]
    assert token.rpartition(".")[2] not in str(refused)


async def on_record(workers: Workers, outcome: str) -> list[Json]:
    """The AuditEvents of decision support that ended so."""
    if "office" not in workers.signers:
        await workers.register("office", role="administrator", organisation=None)
    found = await workers.one.get(
        f"/AuditEvent?subtype=operation&outcome={outcome}&_count=200", headers=await workers.bearer("office")
    )
    return [entry["resource"] for entry in found.json()["entry"]]


def queries(event: Json) -> list[dict[str, list[str]]]:
    """What is kept of calls and feedback, as parameters."""
    asked = [base64.b64decode(each["query"]).decode() for each in event["entity"] if "query" in each]
    return [parse_qs(each.partition("?")[2] or each) for each in asked]
