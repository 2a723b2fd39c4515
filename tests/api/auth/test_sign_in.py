"""A browser signs in with an access token: what its cookie opens, and what it does not."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from service.access.signed_in import COOKIE
from tests.api.auth.conftest import workers_on

if TYPE_CHECKING:
    from service.assembly import Standard
    from tests.api.auth.conftest import Workers
    from tests.conftest import Cluster

HTML = {"Accept": "text/html"}
OWN = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
SIGN_IN, SIGN_OUT = "http://testserver/sign-in", "http://testserver/sign-out"
TOKEN_SECONDS = 300


@pytest.fixture(scope="module")
def auth_settings() -> dict[str, Any]:
    return {"audit": "on", "client_requests_per_minute": 1_000_000}


@pytest.fixture(scope="module", autouse=True)
async def registered(workers: Workers) -> None:
    await workers.register("browsing")
    await workers.register("narrow", scope="system/Patient.rs")
    await workers.register("boss", role="administrator", organisation=None)


async def token_of(workers: Workers, client: str = "browsing") -> str:
    answered = await workers.ask(client)
    return str(answered.json()["access_token"])


async def signed_in(workers: Workers, client: str = "browsing") -> dict[str, str]:
    """What a browser sends along once it has signed in."""
    answered = await workers.one.post(SIGN_IN, data={"token": await token_of(workers, client)}, headers=OWN)
    assert (answered.status_code, answered.headers["location"]) == (303, "/fhir/worklist")
    pair = answered.headers["set-cookie"].partition(";")[0]
    workers.one.cookies.clear()
    return {"Cookie": pair, **HTML}


async def test_the_cookie_is_for_this_host_over_https_and_no_script_and_ends_with_the_token(workers: Workers) -> None:
    token = await token_of(workers)
    answered = await workers.one.post(SIGN_IN, data={"token": token}, headers=OWN)
    workers.one.cookies.clear()
    value, *attributes = answered.headers["set-cookie"].split("; ")
    assert value == f"{COOKIE}={token}"
    assert sorted(attributes) == ["HttpOnly", f"Max-Age={TOKEN_SECONDS}", "Path=/", "SameSite=Strict", "Secure"]
    assert answered.headers["cache-control"] == "no-store"
    assert token not in answered.text + answered.headers["location"]


async def test_a_page_is_shown_to_who_has_signed_in_within_its_scopes(workers: Workers) -> None:
    for client, shown in (("browsing", 200), ("narrow", 403)):
        cookie = await signed_in(workers, client)
        assert (await workers.one.get("worklist", headers=cookie)).status_code == shown
        assert (await workers.other.get("Patient", headers=cookie)).status_code == 200


async def test_what_is_shown_is_on_record_as_the_clients_and_so_is_the_sign_in(workers: Workers) -> None:
    cookie = await signed_in(workers)
    await workers.one.get("Patient?name=recorded", headers=cookie)
    boss = await workers.bearer("boss")
    found = (await workers.one.get("AuditEvent?_count=20", headers=boss)).json()["entry"]
    told = [str(each["resource"]) for each in found]
    assert any("'browsing'" in each and "110122" in each for each in told)
    assert any("'browsing'" in each and "search" in each for each in told)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_nothing_is_written_by_a_cookie(workers: Workers, method: str) -> None:
    cookie = await signed_in(workers)
    target = "Patient" if method == "POST" else "Patient/by-cookie"
    answered = await workers.one.request(method, target, json={"resourceType": "Patient"}, headers=cookie | OWN)
    assert answered.status_code == 401


@pytest.mark.parametrize("target", ["", "Patient/_search", "Patient/1/$everything", "$reindex"])
async def test_no_post_is_read_by_a_cookie(workers: Workers, target: str) -> None:
    cookie = await signed_in(workers)
    assert (await workers.one.post(target, json={}, headers=cookie | OWN)).status_code == 401


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
async def test_a_request_that_another_site_has_caused_has_no_cookie(workers: Workers, site: str) -> None:
    cookie = await signed_in(workers)
    answered = await workers.one.get("Patient", headers=cookie | {"Sec-Fetch-Site": site})
    assert answered.status_code == 401


async def test_no_other_origin_may_read_with_credentials(workers: Workers) -> None:
    cookie = await signed_in(workers)
    answered = await workers.one.get("Patient", headers=cookie | {"Origin": "https://evil.example"})
    assert "access-control-allow-credentials" not in answered.headers


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://testserver", "Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
@pytest.mark.parametrize("target", [SIGN_IN, SIGN_OUT])
async def test_a_form_of_another_site_signs_nobody_in_or_out(
    workers: Workers, headers: dict[str, str], target: str
) -> None:
    answered = await workers.one.post(target, data={"token": await token_of(workers)}, headers=headers)
    assert answered.status_code == 400
    assert "set-cookie" not in answered.headers


@pytest.mark.parametrize(
    "token", ["", "x", "a" * 43, "a" * 3801, "x; Domain=evil.example", "x\r\nSet-Cookie: a=b", "ü", "a.b.c"]
)
async def test_what_is_no_token_signs_nobody_in(workers: Workers, token: str) -> None:
    answered = await workers.one.post(SIGN_IN, data={"token": token}, headers=OWN)
    assert answered.status_code == 401
    assert answered.headers["content-type"].startswith("text/html")
    assert "set-cookie" not in answered.headers
    assert len(token) < 3 or token not in answered.text


async def test_a_token_in_an_address_signs_nobody_in(workers: Workers) -> None:
    token = await token_of(workers)
    for target in (f"{SIGN_IN}?token={token}", f"Patient?access_token={token}"):
        answered = await workers.one.get(target, headers=HTML)
        assert "set-cookie" not in answered.headers
        assert token not in answered.text.replace(f"access_token={token}", "")
    assert (await workers.one.post(f"{SIGN_IN}?token={token}", data={"other": "1"}, headers=OWN)).status_code == 401


async def test_the_cookie_is_worth_nothing_once_its_token_has_ended(workers: Workers) -> None:
    cookie = await signed_in(workers)
    workers.clock.seconds += TOKEN_SECONDS + 1
    answered = await workers.one.get("worklist", headers=cookie)
    assert answered.status_code == 401
    assert '<a href="/sign-in">' in answered.text


async def test_to_sign_out_ends_cookie_and_token_everywhere(workers: Workers) -> None:
    cookie = await signed_in(workers)
    answered = await workers.one.post(
        SIGN_OUT, headers=cookie | OWN | {"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert answered.status_code == 200
    assert answered.headers["set-cookie"].startswith(f"{COOKIE}=; Max-Age=0;")
    workers.clock.seconds += 1
    bearer = {"Authorization": f"Bearer {cookie['Cookie'].partition('=')[2]}"}
    for each in (cookie, bearer):
        assert (await workers.other.get("Patient", headers=each)).status_code == 401


async def test_of_two_cookies_of_the_name_none_counts(workers: Workers) -> None:
    """Nobody can tell which of them is ours."""
    cookie = await signed_in(workers)
    twice = f"{cookie['Cookie']}; {COOKIE}={'a' * 43}"
    assert (await workers.one.get("Patient", headers=HTML | {"Cookie": twice})).status_code == 401
    beside = f"other=1; {cookie['Cookie']}; theme=dark"
    assert (await workers.one.get("Patient", headers=HTML | {"Cookie": beside})).status_code == 200


async def test_a_header_goes_before_the_cookie(workers: Workers) -> None:
    cookie = await signed_in(workers)
    answered = await workers.one.get("Patient", headers=cookie | {"Authorization": "Bearer nonsense"})
    assert answered.status_code == 401


async def test_a_cookie_opens_nothing_but_fhir(workers: Workers) -> None:
    """Not the registry, for whose administrators a header is due."""
    cookie = await signed_in(workers, "boss")
    assert (await workers.one.get("http://testserver/auth/clients", headers=cookie)).status_code == 401


async def test_no_token_is_in_a_log(workers: Workers, caplog: pytest.LogCaptureFixture) -> None:
    token = await token_of(workers)
    with caplog.at_level(logging.DEBUG):
        await workers.one.post(SIGN_IN, data={"token": token}, headers=OWN)
        await workers.one.post(SIGN_IN, data={"token": f"{token}x"}, headers=OWN)
        workers.one.cookies.clear()
        await workers.one.get("Patient", headers={"Cookie": f"{COOKIE}={token}", **HTML})
    assert token not in "".join(f"{each.getMessage()} {each.__dict__}" for each in caplog.records)


async def test_the_page_has_no_script_and_sends_its_form_here_alone(workers: Workers) -> None:
    answered = await workers.one.get(SIGN_IN)
    policy = answered.headers["content-security-policy"]
    assert (answered.status_code, answered.headers["cache-control"]) == (200, "no-store")
    assert "form-action 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "<script" not in answered.text
    assert 'type="password"' in answered.text


async def test_guesses_count_as_those_of_strangers(cluster: Cluster, standard: Standard) -> None:
    """Whoever guesses by the form has no more tries than by a header."""
    async with workers_on(cluster, standard, {"stranger_requests_per_minute": 6}) as few:
        answers = [await few.one.post(SIGN_IN, data={"token": "a" * 43}, headers=OWN) for _ in range(7)]
    assert (answers[0].status_code, answers[-1].status_code) == (401, 429)
    assert int(answers[-1].headers["retry-after"]) > 0
