"""Clients whose keys are at a URL: fetched from a web server on loopback, which the settings allow."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.api.auth.signing import Signer, claims_of, key_set

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.api.auth.conftest import Workers


@dataclass
class KeyServer:
    """A web server that publishes JSON by path, and how often each was fetched."""

    documents: dict[str, Any] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    cache_control: str = "max-age=60"
    port: int = 0

    def url(self, path: str) -> str:
        """Where a document is."""
        return f"http://127.0.0.1:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
        self.fetched.append(path)
        body = json.dumps(self.documents.get(path)).encode()
        status = "200 OK" if path in self.documents else "404 Not Found"
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nCache-Control: {self.cache_control}\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@pytest.fixture(scope="module")
def auth_settings() -> dict[str, Any]:
    return {"private_networks": "127.0.0.0/8"}


@pytest.fixture(scope="module")
async def key_server() -> AsyncIterator[KeyServer]:
    published = KeyServer()
    async with await asyncio.start_server(published.serve, "127.0.0.1", 0) as server:
        published.port = server.sockets[0].getsockname()[1]
        yield published


async def test_a_client_changes_its_keys_by_itself(workers: Workers, key_server: KeyServer) -> None:
    """The set is fetched once, kept, and fetched again for a key that is not in it."""
    old, new = Signer("old"), Signer("new")
    key_server.documents["/rotating"] = key_set(old)
    await workers.register("rotating", jwks_url=key_server.url("/rotating"), signer=old)
    for _ in range(3):
        assert (await workers.ask("rotating")).status_code == 200
    assert key_server.fetched.count("/rotating") == 1
    key_server.documents["/rotating"] = key_set(new)
    workers.signers["rotating"] = new
    workers.clock.seconds += 5
    assert (await workers.ask("rotating")).status_code == 200
    assert key_server.fetched.count("/rotating") == 2
    workers.signers["rotating"] = old
    assert (await workers.ask("rotating")).status_code == 401


async def test_a_key_that_was_withdrawn_ends_when_the_set_is_outdated(workers: Workers, key_server: KeyServer) -> None:
    """No later than its Cache-Control says."""
    signer = Signer("k")
    key_server.documents["/withdrawn"] = key_set(signer)
    await workers.register("withdrawn", jwks_url=key_server.url("/withdrawn"), signer=signer)
    assert (await workers.ask("withdrawn")).status_code == 200
    key_server.documents["/withdrawn"] = key_set(Signer("other"))
    workers.clock.seconds += 59
    assert (await workers.ask("withdrawn")).status_code == 200
    workers.clock.seconds += 1
    assert (await workers.ask("withdrawn")).status_code == 401


@pytest.mark.parametrize(
    "document",
    [{"keys": []}, {"keys": "x"}, [], "x", None, {"keys": [Signer("k").private]}],
    ids=["no key", "no list of keys", "a list", "a text", "nothing", "a private key"],
)
async def test_a_url_with_no_set_of_public_keys_opens_nothing(
    workers: Workers, key_server: KeyServer, document: Any
) -> None:
    signer, path = Signer("k"), f"/bad-{len(key_server.documents)}"
    key_server.documents[path] = document
    await workers.register(path[1:], jwks_url=key_server.url(path), signer=signer)
    assert (await workers.ask(path[1:])).status_code == 401


async def test_two_keys_of_one_kid_at_the_url_verify_nothing(workers: Workers, key_server: KeyServer) -> None:
    first = Signer("same")
    key_server.documents["/double"] = key_set(first, Signer("same"))
    await workers.register("double", jwks_url=key_server.url("/double"), signer=first)
    assert (await workers.ask("double")).status_code == 401


async def test_a_server_that_is_gone_is_told_apart_from_a_wrong_key_in_the_log(
    workers: Workers, key_server: KeyServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever runs the service learns that the URL was the trouble; a stranger, not even that there is one."""
    await workers.register("gone", jwks_url=key_server.url("/gone"))
    with caplog.at_level(logging.INFO):
        refused = await workers.ask("gone")
    assert refused.status_code == 401
    assert "URL" in refused.json()["error_description"]
    reasons = [each.__dict__.get("fields", {}).get("reason", "") for each in caplog.records]
    assert any(each.startswith("gone: ") and "could not be read" in each for each in reasons)


async def test_a_jku_counts_only_if_it_is_the_registered_one(workers: Workers, key_server: KeyServer) -> None:
    """And then nothing else is fetched than what is registered anyway."""
    signer = Signer("k")
    key_server.documents["/jku"] = key_server.documents["/evil"] = key_set(signer)
    await workers.register("jku", jwks_url=key_server.url("/jku"), signer=signer)
    for path, status in (("/evil", 401), ("/jku", 200)):
        form = workers.form("jku")
        form["client_assertion"] = signer.sign(claims_of("jku", now=workers.clock.seconds), jku=key_server.url(path))
        form |= {"grant_type": "client_credentials", "scope": "system/Task.r"}
        assert (await workers.one.post("http://testserver/auth/token", data=form)).status_code == status
    assert "/evil" not in key_server.fetched
