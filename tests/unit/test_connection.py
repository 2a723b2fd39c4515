"""A connection: closed when a request never ends to begin; what is answered leaves in one piece."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import pytest
import uvicorn
from uvicorn.server import ServerState

from service.connection import MOST_HEAD_BYTES, BoundedHead, Joining

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


async def answered_at_once(data: bytes) -> bytes:
    """What is sent, and whether it was cut off, where all data is received in one piece."""
    config = uvicorn.Config(answer, http=BoundedHead, ws="none", log_config=None, interface="asgi3")
    config.load()
    protocol = BoundedHead(config=config, server_state=ServerState(), app_state={}, _loop=asyncio.get_running_loop())
    wire = Wire()
    protocol.connection_made(cast("asyncio.Transport", wire))
    protocol.data_received(data)
    await asyncio.gather(*protocol.tasks)
    protocol.connection_lost(None)
    return b"".join(wire.sent)


@pytest.mark.parametrize("following", [b"", b"body of the request"])
async def test_a_large_head_is_refused_where_it_arrives_at_once(following: bytes) -> None:
    head = HEAD + b"Content-Length: %d\r\n" % len(following) + b"X-A: " + b"a" * MOST_HEAD_BYTES + b"\r\n\r\n"
    sent = await answered_at_once(head + following)
    assert sent.startswith(b"HTTP/1.1 431")
    assert sent.count(b"HTTP/1.1 ") == 1


async def test_a_connection_that_sends_nothing_is_given_up() -> None:
    async with connected(Impatient) as (reader, _):
        assert (await reader.read()).startswith(b"HTTP/1.1 408")


class Wire:
    """A transport that keeps what each of its system calls sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.closed = asyncio.Event()

    def is_closing(self) -> bool:
        return self.closed.is_set()

    def get_extra_info(self, _name: str) -> None:
        """It leads nowhere."""

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def writelines(self, pieces: tuple[bytes, ...]) -> None:
        self.sent.append(b"".join(pieces))

    def close(self) -> None:
        self.closed.set()


def impatient() -> tuple[Impatient, Wire]:
    """A connection that nothing can delay what is received on."""
    config = uvicorn.Config(answer, http=Impatient, ws="none", log_config=None, interface="asgi3")
    config.load()
    protocol = Impatient(config=config, server_state=ServerState(), app_state={}, _loop=asyncio.get_running_loop())
    wire = Wire()
    protocol.connection_made(cast("asyncio.Transport", wire))
    return protocol, wire


async def test_a_head_that_trickles_is_given_up() -> None:
    protocol, wire = impatient()
    protocol.data_received(HEAD)
    await wire.closed.wait()
    assert wire.sent[0].startswith(b"HTTP/1.1 408")


async def test_the_second_head_of_a_connection_has_the_same_time() -> None:
    protocol, wire = impatient()
    protocol.data_received(HEAD + b"\r\n")
    await asyncio.gather(*protocol.tasks)
    protocol.data_received(b"GET / HT")
    await wire.closed.wait()
    assert [each[:12] for each in wire.sent] == [b"HTTP/1.1 200", b"HTTP/1.1 408"]


def joined() -> tuple[Joining, Wire]:
    wire = Wire()
    return Joining(cast("asyncio.Transport", wire)), wire


ANSWER = b"HTTP/1.1 200 OK\r\n\r\n"


def test_head_and_body_leave_in_one_piece() -> None:
    transport, wire = joined()
    transport.write(ANSWER)
    transport.write(b"body")
    assert wire.sent == [ANSWER + b"body"]


def test_what_follows_the_beginning_of_a_body_leaves_at_once() -> None:
    transport, wire = joined()
    for piece in (ANSWER, b"one", b"two"):
        transport.write(piece)
    assert wire.sent == [ANSWER + b"one", b"two"]


def test_a_head_without_a_body_leaves_when_the_answer_ends() -> None:
    transport, wire = joined()
    transport.write(ANSWER)
    transport.flush()
    transport.flush()
    assert wire.sent == [ANSWER]


def test_a_head_leaves_before_the_connection_closes() -> None:
    transport, wire = joined()
    transport.write(ANSWER)
    transport.close()
    assert (wire.sent, transport.is_closing()) == ([ANSWER], True)


def test_a_client_is_told_at_once_to_continue() -> None:
    transport, wire = joined()
    transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert wire.sent == [b"HTTP/1.1 100 Continue\r\n\r\n"]


async def test_a_head_is_answered_with_a_head() -> None:
    """And the connection is good for the next request."""
    async with connected(BoundedHead) as (reader, writer):
        writer.write(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        writer.write(HEAD + b"\r\n")
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
