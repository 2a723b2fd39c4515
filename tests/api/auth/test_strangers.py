"""Who proves nothing is counted by the network address: at FHIR's door and at the token endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.api.auth.signing import Signer, claims_of
from tests.api.outcome import assert_outcome

if TYPE_CHECKING:
    from tests.api.auth.conftest import Workers

TOKEN = "http://testserver/auth/token"
TRIES = 4


@pytest.fixture(scope="module")
def auth_settings() -> dict[str, Any]:
    """Eight tries a minute, of which each of two workers allows four; addresses are told by a proxy."""
    return {"stranger_requests_per_minute": 2 * TRIES, "workers": 2, "trusted_proxies": "127.0.0.1"}


def coming_from(number: int) -> dict[str, str]:
    return {"X-Forwarded-For": f"203.0.113.{number}"}


@pytest.mark.parametrize(
    "number, method, url, status",
    [
        (1, "GET", "/Patient", 401),
        (2, "GET", "/metadata", 200),
        (3, "GET", "/Nothing/1", 404),
        (4, "PUT", "/metadata", 405),
        (5, "GET", "/Patient?x=" + "x" * 20_000, 400),
    ],
)
async def test_each_kind_of_request_without_a_token_is_counted(
    workers: Workers, number: int, method: str, url: str, status: int
) -> None:
    here = coming_from(number)
    answers = [await workers.one.request(method, url, headers=here) for _ in range(TRIES + 1)]
    assert [each.status_code for each in answers] == [status] * TRIES + [429]
    assert_outcome(answers[-1], 429, "throttled")
    assert answers[-1].headers["retry-after"] == "15"
    assert (await workers.one.request(method, url, headers=coming_from(number + 100))).status_code == status


async def test_preflights_are_not_counted(workers: Workers) -> None:
    answers = [await workers.one.options("/Patient", headers=coming_from(20)) for _ in range(TRIES * 2)]
    assert {each.status_code for each in answers} == {204}


async def test_assertions_that_do_not_hold_are_counted_and_good_ones_are_not(workers: Workers) -> None:
    await workers.register("good", "system/Task.rs")
    here = coming_from(30)
    good = {"grant_type": "client_credentials", "scope": "system/Task.rs"}
    for _ in range(TRIES * 2):
        answered = await workers.one.post(TOKEN, data=good | workers.form("good"), headers=here)
        assert answered.status_code == 200
    for _ in range(TRIES * 2):
        answered = await workers.one.post(TOKEN, data={**good, "scope": "x", **workers.form("good")}, headers=here)
        assert answered.json()["error"] == "invalid_scope"
    forged = Signer("good-key").sign(claims_of("good", now=workers.clock.seconds))
    for _ in range(TRIES):
        answered = await workers.one.post(
            TOKEN, data={**good, **workers.form("good"), "client_assertion": forged}, headers=here
        )
        assert answered.json()["error"] == "invalid_client"
    answered = await workers.one.post(TOKEN, data=good | workers.form("good"), headers=here)
    assert (answered.status_code, answered.json()["error"]) == (429, "slow_down")
    assert answered.headers["retry-after"] == "15"
    workers.clock.seconds += 15
    answered = await workers.one.post(TOKEN, data=good | workers.form("good"), headers=here)
    assert answered.status_code == 200


async def test_a_known_token_is_let_in_whatever_its_neighbours_send(workers: Workers) -> None:
    await workers.register("known", "system/Task.rs")
    here = coming_from(40)
    bearer = await workers.bearer("known", "system/Task.rs")
    assert (await workers.one.get("/Task", headers=bearer | here)).status_code == 200
    for _ in range(TRIES * 2):
        await workers.one.get("/Task", headers=here)
    assert (await workers.one.get("/Task", headers=here)).status_code == 429
    assert (await workers.one.get("/Task", headers=bearer | here)).status_code == 200


async def test_many_records_of_one_who_is_told_to_wait_are_one(workers: Workers) -> None:
    await workers.register("office", role="administrator", organisation=None)
    here = coming_from(50)
    for _ in range(TRIES + 5):
        await workers.one.get("/Patient/watched", headers=here)
    answered = await workers.one.get("/AuditEvent?entity=Patient/watched", headers=await workers.bearer("office"))
    told = [entry["resource"]["outcomeDesc"].partition(":")[0] for entry in answered.json()["entry"]]
    assert sorted(told) == ["throttled"] + ["unauthenticated"] * TRIES
    assert answered.json()["entry"][0]["resource"]["agent"][0]["network"]["address"] == "203.0.113.50"
