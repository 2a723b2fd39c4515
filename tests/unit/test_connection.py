"""A connection whose request never ends to begin: closed when its head is too large or too slow."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.server import ServerState

from service.connection import MOST_HEAD_BYTES, BoundedHead

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def answer(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


class Impatient(BoundedHead):
    """One that waits only a moment."""

    head_seconds = 0.05


@asynccontextmanager
async def connected(protocol: type[BoundedHead]) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to an application that answers everything with ok."""
    config = uvicorn.Config(answer, http=protocol, ws="none", log_config=None, interface="asgi3")
    config.load()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: protocol(config=config, server_state=ServerState(), app_state={}, _loop=loop), "127.0.0.1", 0
    )
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        try:
            yield reader, writer
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):  # it was cut off
                await writer.wait_closed()


HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"


async def test_a_request_in_many_pieces_is_answered_and_the_next_one_too() -> None:
    async with connected(BoundedHead) as (reader, writer):
        for _ in range(2):
            for piece in (HEAD, b"X-A: " + b"a" * 20_000, b"\r\n", b"\r\n"):
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")


async def test_a_large_body_is_no_head() -> None:
    async with connected(BoundedHead) as (reader, writer):
        body = b"x" * (3 * MOST_HEAD_BYTES)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
        writer.write(HEAD + b"\r\n")
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")


async def test_a_head_without_end_is_cut_off() -> None:
    """One endless header, or endlessly many."""
    for beginning in (HEAD + b"X-A: ", b"GET /"):
        async with connected(BoundedHead) as (reader, writer):
            writer.write(beginning)
            sent = 0
            while sent < 100 * MOST_HEAD_BYTES and not writer.is_closing() and not reader.at_eof():
                writer.write(b"a" * 8192)
                sent += 8192
                try:
                    await writer.drain()
                except ConnectionError:
                    break
                await asyncio.sleep(0)
            assert sent < 100 * MOST_HEAD_BYTES


async def test_a_head_that_trickles_is_given_up() -> None:
    async with connected(Impatient) as (reader, writer):
        writer.write(HEAD)
        assert (await reader.read()).startswith(b"HTTP/1.1 408")


async def test_a_connection_that_sends_nothing_is_given_up() -> None:
    async with connected(Impatient) as (reader, _):
        assert (await reader.read()).startswith(b"HTTP/1.1 408")


async def test_the_second_head_of_a_connection_has_the_same_time() -> None:
    async with connected(Impatient) as (reader, writer):
        writer.write(HEAD + b"\r\n")
        await reader.readuntil(b"ok")
        writer.write(b"GET / HT")
        assert (await reader.read()).startswith(b"HTTP/1.1 408")
