"""The token endpoint, as SMART Backend Services has it; the attacks on it are in `test_attacks.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api.auth.signing import Signer, key_set

if TYPE_CHECKING:
    from tests.api.auth.conftest import Workers


@pytest.mark.parametrize("kind", ["EC", "RSA"])
async def test_a_client_gets_a_token_for_its_signed_assertion(workers: Workers, kind: str) -> None:
    """ES384 and RS384; five minutes, and nothing to renew it with."""
    client_id = f"good-{kind}"
    signer = Signer("k", "EC" if kind == "EC" else "RSA")
    await workers.register(client_id, "system/Task.rs", signer=signer)
    answered = await workers.ask(client_id, "system/Task.rs")
    assert answered.status_code == 200, answered.text
    assert answered.headers["cache-control"] == "no-store"
    told = answered.json()
    assert len(told.pop("access_token")) == 43
    assert told == {"token_type": "bearer", "expires_in": 300, "scope": "system/Task.rs"}


async def test_the_scopes_are_narrowed_to_those_registered(workers: Workers) -> None:
    """In the spelling of version 2, whatever was asked for."""
    await workers.register("narrow", "system/Task.crus system/Patient.rs")
    answered = await workers.ask("narrow", "system/*.read launch system/Patient.write user/Task.r")
    assert answered.json()["scope"] == "system/Task.rs system/Patient.rs"


async def test_a_token_opens_fhir_and_nothing_else_does(workers: Workers) -> None:
    await workers.register("reader", "system/Patient.rs")
    headers = await workers.bearer("reader")
    assert (await workers.one.get("Patient", headers=headers)).status_code == 200
    assert (await workers.other.get("Patient", headers=headers)).status_code == 200
    assert (await workers.one.get("Patient")).status_code == 401


async def test_two_keys_serve_while_a_client_changes_from_one_to_the_other(workers: Workers) -> None:
    """No request fails during a rotation of keys, and the old key ends with it."""
    old = await workers.register("rotating")
    new = Signer("new")
    await workers.clients.set_keys("rotating", jwks=_json(key_set(old, new)))
    for signer in (old, new):
        workers.signers["rotating"] = signer
        assert (await workers.ask("rotating")).status_code == 200
    await workers.clients.set_keys("rotating", jwks=_json(key_set(new)))
    assert (await workers.ask("rotating")).status_code == 200
    workers.signers["rotating"] = old
    assert (await workers.ask("rotating")).status_code == 401


def _json(content: object) -> bytes:
    import msgspec

    return msgspec.json.encode(content)
