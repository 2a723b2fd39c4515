"""Introspection and revocation: a client asks about its own tokens, an administrator about all, others about none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx

    from tests.api.auth.conftest import Workers

INTROSPECT, REVOKE = "http://testserver/auth/introspect", "http://testserver/auth/revoke"


@pytest.fixture(scope="module")
async def three(workers: Workers) -> Workers:
    """An owner of tokens, another client, an administrator."""
    await workers.register("owner", "system/Task.rs")
    await workers.register("other", "system/Task.rs")
    await workers.register("admin", role="administrator", organisation=None)
    return workers


async def token(workers: Workers, client_id: str = "owner") -> str:
    answered = await workers.ask(client_id, "system/Task.rs")
    return str(answered.json()["access_token"])


async def introspected(workers: Workers, client_id: str, about: str) -> dict[str, Any]:
    answered = await workers.other.post(INTROSPECT, data={"token": about, **workers.form(client_id)})
    assert answered.status_code == 200, answered.text
    return dict(answered.json())


async def test_a_client_learns_what_its_own_token_stands_for(three: Workers) -> None:
    now = int(three.clock.seconds)
    assert await introspected(three, "owner", await token(three)) == {
        "active": True,
        "scope": "system/Task.rs",
        "client_id": "owner",
        "sub": "owner",
        "iss": "http://testserver/fhir",
        "token_type": "bearer",
        "iat": now,
        "exp": now + 300,
        "organisation": "Organization/clinic",
    }


async def test_another_one_learns_nothing_of_it_and_an_administrator_does(three: Workers) -> None:
    """The same answer as for a token that does not exist."""
    about = await token(three)
    assert await introspected(three, "other", about) == {"active": False}
    assert await introspected(three, "other", "made-up") == {"active": False}
    assert (await introspected(three, "admin", about))["active"]


async def test_a_bearer_token_is_enough_to_ask(three: Workers) -> None:
    about = await token(three)
    answered = await three.one.post(INTROSPECT, data={"token": about}, headers={"Authorization": f"Bearer {about}"})
    assert answered.json()["active"]


async def test_an_expired_token_is_not_active(three: Workers) -> None:
    about = await token(three)
    three.clock.seconds += 300
    assert await introspected(three, "owner", about) == {"active": False}


async def test_a_revoked_token_is_not_active_and_may_be_revoked_again(three: Workers) -> None:
    about = await token(three)
    for _ in range(2):
        answered = await three.one.post(REVOKE, data={"token": about, **three.form("owner")})
        assert (answered.status_code, answered.content) == (200, b"")
    assert await introspected(three, "owner", about) == {"active": False}


async def test_nobody_revokes_another_ones_token(three: Workers) -> None:
    """And the answer does not tell whether there was one."""
    about = await token(three)
    answered = await three.one.post(REVOKE, data={"token": about, **three.form("other")})
    assert (answered.status_code, answered.content) == (200, b"")
    assert (await introspected(three, "owner", about))["active"]


@pytest.mark.parametrize("target", [INTROSPECT, REVOKE])
async def test_who_does_not_prove_who_it_is_is_refused(three: Workers, target: str) -> None:
    about = await token(three)
    assert_refused(await three.one.post(target, data={"token": about}), 401, "invalid_client")
    assert_refused(
        await three.one.post(target, data={"token": about}, headers={"Authorization": "Bearer made-up"}),
        401,
        "invalid_token",
    )


@pytest.mark.parametrize("target", [INTROSPECT, REVOKE])
async def test_a_token_must_be_named(three: Workers, target: str) -> None:
    assert_refused(await three.one.post(target, data=three.form("owner")), 400, "invalid_request")


def assert_refused(answered: httpx.Response, status: int, code: str) -> None:
    assert (answered.status_code, answered.json()["error"]) == (status, code)
