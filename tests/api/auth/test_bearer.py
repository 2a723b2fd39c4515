"""Bearer tokens at the door of FHIR: what is let in, what is not, and how soon a right that was taken away is gone."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from service.auth.gate import TRUSTED_SECONDS
from tests.api.auth.signing import NOW, Signer, claims_of, encoded
from tests.api.outcome import assert_outcome

if TYPE_CHECKING:
    import httpx

    from tests.api.auth.conftest import Workers

GOOD = "a-bearer"


@pytest.fixture(scope="module")
async def bearers(workers: Workers) -> Workers:
    await workers.register(GOOD, "system/Patient.rs")
    return workers


def token_of(headers: dict[str, str]) -> str:
    return headers["Authorization"].partition(" ")[2]


async def assert_shut_out(response: httpx.Response) -> None:
    assert_outcome(response, 401, "unauthenticated", "http.Authorization")
    assert response.headers["www-authenticate"].startswith("Bearer")


HEADERS = [
    "",
    "Bearer",
    "Bearer ",
    "Bearer  ",
    "Basic dXNlcjpwYXNz",
    "Digest x",
    "Token {token}",
    "{token}",
    "Bearer {token} ",
    "Bearer {token}x",
    "Bearer x{token}",
    "Bearer {half}",
    "Bearer {token},{token}",
    "Bearer {token}, Bearer {token}",
    "Bearer {swapped}",
    "Bearer " + "A" * 43,
    "Bearer " + "A" * 8193,
    "Bearer \x00" + "A" * 42,
    "Bearer ' OR 1=1 --",
    "Bearer {none}",
    "Bearer {signed}",
    "Bearer a.b.c",
    "Bearer ...",
]


@pytest.mark.parametrize("form", HEADERS)
async def test_what_is_no_token_of_ours_is_shut_out(bearers: Workers, form: str) -> None:
    """Malformed, made up, truncated, prolonged, of another scheme, or a JWT, which this mode does not take."""
    token = token_of(await bearers.bearer(GOOD, "system/Patient.rs"))
    claims = claims_of(GOOD, aud="http://testserver/fhir", scope="system/*.cruds")
    sent = form.format(
        token=token,
        half=token[:21],
        swapped=token.swapcase(),
        none=f"{encoded({'alg': 'none'})}.{encoded(claims)}.",
        signed=bearers.signers[GOOD].sign(claims),
    )
    await assert_shut_out(await bearers.one.get("Patient", headers={"Authorization": sent}))


async def test_a_request_without_a_token_learns_where_tokens_come_from(bearers: Workers) -> None:
    response = await bearers.one.get("Patient")
    await assert_shut_out(response)
    assert "error" not in response.headers["www-authenticate"]
    assert ".well-known/smart-configuration" in response.text


async def test_a_bad_token_is_named_as_the_reason(bearers: Workers) -> None:
    """https://www.rfc-editor.org/rfc/rfc6750#section-3.1"""
    response = await bearers.one.get("Patient", headers={"Authorization": "Bearer made-up"})
    assert 'error="invalid_token"' in response.headers["www-authenticate"]


async def test_two_tokens_are_one_too_many(bearers: Workers) -> None:
    """A proxy could look at one and the service at the other."""
    token = (await bearers.bearer(GOOD, "system/Patient.rs"))["Authorization"]
    response = await bearers.one.get("Patient", headers=[("Authorization", token), ("Authorization", token)])
    assert_outcome(response, 400, "header-invalid", "http.Authorization")


async def test_a_token_in_the_url_or_the_body_does_not_count(bearers: Workers) -> None:
    """URLs end up in logs."""
    token = token_of(await bearers.bearer(GOOD, "system/Patient.rs"))
    await assert_shut_out(await bearers.one.get("Patient", params={"access_token": token}))
    await assert_shut_out(await bearers.one.post("Patient/_search", data={"access_token": token}))


@pytest.mark.parametrize(
    "method, target",
    [
        ("GET", "Patient"),
        ("HEAD", "Patient/1"),
        ("GET", "Patient/1"),
        ("POST", "Patient"),
        ("PUT", "Patient/1"),
        ("PATCH", "Patient/1"),
        ("DELETE", "Patient/1"),
        ("POST", ""),
        ("GET", "_history"),
        ("GET", "Patient/1/_history/1"),
        ("POST", "Patient/$validate"),
        ("GET", "Patient/1/Observation"),
    ],
)
async def test_no_door_opens_without_a_token(bearers: Workers, method: str, target: str) -> None:
    """And none reads a body before it knows whose it is."""
    response = await bearers.one.request(method, target, content=b"{", headers={"Content-Type": "text/csv"})
    assert response.status_code == 401


@pytest.mark.parametrize("target", ["metadata", ".well-known/smart-configuration", "http://testserver/health/live"])
async def test_what_describes_the_service_is_open(bearers: Workers, target: str) -> None:
    assert (await bearers.one.get(target)).status_code == 200


async def test_a_browser_may_ask_before_it_sends_a_token(bearers: Workers) -> None:
    """A preflight carries no credentials."""
    headers = {"Origin": "https://app.example.org", "Access-Control-Request-Method": "GET"}
    response = await bearers.one.options("Patient", headers=headers)
    assert response.status_code == 204
    assert "Authorization" in response.headers["access-control-allow-headers"]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_scheme_is_known_in_any_case(bearers: Workers, scheme: str) -> None:
    """https://www.rfc-editor.org/rfc/rfc9110#section-11.1"""
    token = token_of(await bearers.bearer(GOOD, "system/Patient.rs"))
    assert (await bearers.one.get("Patient", headers={"Authorization": f"{scheme} {token}"})).status_code == 200


async def test_a_token_ends_after_its_five_minutes(bearers: Workers) -> None:
    """Also where a worker remembers it."""
    headers = await bearers.bearer(GOOD, "system/Patient.rs")
    begun = bearers.clock.seconds
    try:
        for later, status in ((0, 200), (299, 200), (300, 401), (301, 401)):
            bearers.clock.seconds = begun + later
            for worker in (bearers.one, bearers.other):
                assert (await worker.get("Patient", headers=headers)).status_code == status, later
    finally:
        bearers.clock.seconds = begun


async def moved_on(workers: Workers) -> None:
    """Let the time pass for which a worker trusts what it remembers."""
    workers.clock.seconds += TRUSTED_SECONDS


async def test_a_revoked_token_is_refused_by_every_worker_a_second_later(bearers: Workers) -> None:
    headers = await bearers.bearer(GOOD, "system/Patient.rs")
    for worker in (bearers.one, bearers.other):
        assert (await worker.get("Patient", headers=headers)).status_code == 200
    form = {"token": token_of(headers), **bearers.form(GOOD)}
    assert (await bearers.one.post("http://testserver/auth/revoke", data=form)).status_code == 200
    await moved_on(bearers)
    for worker in (bearers.one, bearers.other):
        await assert_shut_out(await worker.get("Patient", headers=headers))


async def test_a_disabled_client_is_shut_out_with_its_tokens_and_comes_back(bearers: Workers) -> None:
    await bearers.register("comes-and-goes", "system/Patient.rs")
    headers = await bearers.bearer("comes-and-goes", "system/Patient.rs")
    assert (await bearers.other.get("Patient", headers=headers)).status_code == 200
    await bearers.clients.switch("comes-and-goes", disabled_at=datetime.fromtimestamp(NOW, UTC))
    await moved_on(bearers)
    await assert_shut_out(await bearers.other.get("Patient", headers=headers))
    await bearers.clients.switch("comes-and-goes", disabled_at=None)
    await moved_on(bearers)
    assert (await bearers.other.get("Patient", headers=headers)).status_code == 200


async def test_tokens_are_random_and_kept_as_digests(bearers: Workers, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the database nor the log holds one that could be used."""
    tokens = {token_of(await bearers.bearer(GOOD, "system/Patient.rs")) for _ in range(3)}
    assert len(tokens) == 3
    async with bearers.clients._pool.acquire() as connection:
        rows = await connection.fetch("SELECT access_token::text FROM access_token")
    for token in tokens:
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)
        assert token not in "".join(row[0] for row in rows) + caplog.text


async def test_many_requests_at_once_with_a_fresh_token_are_all_let_in(bearers: Workers) -> None:
    """Those that come while the database is asked wait for the same answer."""
    headers = await bearers.bearer(GOOD, "system/Patient.rs")
    await moved_on(bearers)
    answers = await asyncio.gather(*(bearers.one.get("Patient", headers=headers) for _ in range(20)))
    assert {each.status_code for each in answers} == {200}


async def test_a_client_that_asks_too_often_is_told_when_to_come_again(bearers: Workers) -> None:
    """Its own limit of 4 a minute, of which each of the workers allows what it is told: here all of them."""
    await bearers.register("hasty", "system/Patient.rs", requests_per_minute=4)
    headers = await bearers.bearer("hasty", "system/Patient.rs")
    statuses = [(await bearers.one.get("Patient", headers=headers)).status_code for _ in range(3)]
    assert statuses == [200, 200, 200], "the token request was the first of four"
    response = await bearers.one.get("Patient", headers=headers)
    assert_outcome(response, 429, "throttled")
    assert response.headers["retry-after"] == "15"
    bearers.clock.seconds += 15
    assert (await bearers.one.get("Patient", headers=headers)).status_code == 200
    await bearers.register("patient", "system/Patient.rs")
    others = await bearers.bearer("patient", "system/Patient.rs")
    assert (await bearers.one.get("Patient", headers=others)).status_code == 200, "nobody pays for another one's haste"


async def test_a_client_that_asks_for_tokens_too_often_is_told_so_too(bearers: Workers) -> None:
    await bearers.register("greedy", "system/Patient.rs", requests_per_minute=1)
    assert (await bearers.ask("greedy", "system/Patient.rs")).status_code == 200
    answered = await bearers.ask("greedy", "system/Patient.rs")
    assert (answered.status_code, answered.json()["error"]) == (429, "slow_down")
    assert answered.headers["retry-after"] == "60"


async def test_the_signature_of_a_stranger_spends_nothing_of_a_clients_limit(bearers: Workers) -> None:
    """Else anybody could lock it out by its id."""
    own = await bearers.register("besieged", "system/Patient.rs", requests_per_minute=1)
    bearers.signers["besieged"] = Signer(own.key_id)
    for _ in range(5):
        assert (await bearers.ask("besieged", "system/Patient.rs")).status_code == 401
    bearers.signers["besieged"] = own
    assert (await bearers.ask("besieged", "system/Patient.rs")).status_code == 200
