"""Fetching from a server that may wish us ill: rebinding, redirects, size, time, and what is no JSON."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest

from service.outgoing.error import OutgoingError
from service.outgoing.fetch import Fetch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LOOPBACK = (ip_network("127.0.0.0/8"),)


@dataclass
class Server:
    """A web server on loopback that answers everything with the same bytes, and keeps the heads that it was sent."""

    answer: bytes
    port: int = 0
    heads: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Server]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(self.answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


def http(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@dataclass
class Names:
    """A resolver that answers with each of the lists in turn, the last one for ever."""

    answers: list[list[str]]
    asked: list[str] = field(default_factory=list)

    async def __call__(self, host: str, _port: int) -> list[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def test_a_document_comes_with_the_headers_of_its_answer() -> None:
    """The connection goes to the address; the request names the host."""
    async with Server(http(b'{"keys":[]}', "200 OK", "Cache-Control: max-age=60")).running() as server:
        fetch = Fetch(allowed=LOOPBACK, resolve=Names([["127.0.0.1"]]))
        document = await fetch(f"http://keys.example:{server.port}/jwks?x=1")
    assert document.content == {"keys": []}
    assert document.headers["cache-control"] == "max-age=60"
    assert server.heads[0].startswith("GET /jwks?x=1 HTTP/1.1\r\n")
    assert f"keys.example:{server.port}" in server.heads[0]


async def test_a_name_is_looked_up_once_and_the_connection_goes_where_it_was_checked() -> None:
    """DNS rebinding: a second look-up would lead to another address."""
    names = Names([["127.0.0.1"], ["10.0.0.1"]])
    async with Server(http(b"{}")).running() as server:
        await Fetch(allowed=LOOPBACK, resolve=names)(f"http://rebinding.example:{server.port}/")
    assert names.asked == ["rebinding.example"]
    assert len(server.heads) == 1


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.0.0.1"],
        ["8.8.8.8", "127.0.0.1"],
        ["2606:4700::1111", "127.0.0.1"],
        ["::1"],
        ["169.254.169.254"],
        ["::ffff:127.0.0.1"],
        [],
    ],
)
async def test_a_name_with_any_address_that_is_not_public_is_not_connected_to(addresses: list[str]) -> None:
    """All of them are looked at: which one is taken must not decide."""
    async with Server(http(b"{}")).running() as server:
        with pytest.raises(OutgoingError, match=r"not a public one|no address"):
            await Fetch(resolve=Names([addresses]))(f"https://inside.example:{server.port}/")
    assert server.heads == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.1", "2130706433", "0x7f000001", "0177.0.0.1"])
async def test_our_own_addresses_are_refused_in_any_notation(host: str) -> None:
    """Those that the system's resolver takes for an address, too."""
    async with Server(http(b"{}")).running() as server:
        with pytest.raises(OutgoingError):
            await Fetch()(f"https://{host}:{server.port}/")
    assert server.heads == []


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_a_redirect_is_not_followed(status: str) -> None:
    """Where it leads was not checked."""
    async with Server(http(b"{}")).running() as inner:
        moved = http(b"", status, f"Location: http://127.0.0.1:{inner.port}/")
        async with Server(moved).running() as server:
            with pytest.raises(OutgoingError, match="redirects"):
                await Fetch(allowed=LOOPBACK)(f"http://127.0.0.1:{server.port}/")
    assert inner.heads == []


@pytest.mark.parametrize(
    "answer",
    [
        http(b"{}", "404 Not Found"),
        http(b"{}", "500 Oops"),
        http(b"not json"),
        http(b"\xff\xfe"),
        http(b"[" * 100_000),
        http(b""),
        b"garbage\r\n\r\n",
        b"",
        http(b"\x1f\x8b\x08\x00", "200 OK", "Content-Encoding: gzip"),
    ],
)
async def test_an_answer_that_is_no_json_document_is_refused(answer: bytes) -> None:
    async with Server(answer).running() as server:
        with pytest.raises(OutgoingError):
            await Fetch(allowed=LOOPBACK)(f"http://127.0.0.1:{server.port}/")


async def test_an_answer_without_end_is_cut_off() -> None:
    """Whatever length it announces."""
    async with Server(http(b'"' + b"x" * 5000)).running() as server:
        with pytest.raises(OutgoingError, match="larger"):
            await Fetch(allowed=LOOPBACK, max_bytes=1000)(f"http://127.0.0.1:{server.port}/")


async def test_a_server_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole of it takes no longer than was said, however it trickles; here time is up once the server is asked."""
    left = asyncio.Event()
    limits: list[asyncio.Timeout] = []
    limit = asyncio.timeout

    def limited(seconds: float | None) -> asyncio.Timeout:
        limits.append(limit(seconds))
        return limits[-1]

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        limits[0].reschedule(asyncio.get_running_loop().time())
        await reader.read()
        writer.close()
        await writer.wait_closed()
        left.set()

    async with await asyncio.start_server(hang, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with monkeypatch.context() as patch:
            patch.setattr(asyncio, "timeout", limited)
            with pytest.raises(OutgoingError, match="within 60 seconds"):
                await Fetch(allowed=LOOPBACK, timeout_seconds=60)(f"http://127.0.0.1:{port}/")
        async with asyncio.timeout(30):
            await left.wait()


async def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would look the name up by itself."""
    async with Server(http(b"{}")).running() as proxy, Server(http(b'{"a":1}')).running() as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        document = await Fetch(allowed=LOOPBACK)(f"http://127.0.0.1:{server.port}/")
    assert document.content == {"a": 1}
    assert proxy.heads == []
