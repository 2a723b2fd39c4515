"""An HTTP/1.1 client over raw sockets, so that the load generator does not measure itself.

It speaks what the servers here speak: keep-alive, one request at a time per connection, bodies with a Content-Length.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

HOST: Final = "127.0.0.1"
_LENGTH: Final = b"\r\ncontent-length:"
_NO_BODY: Final = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; `head` is the status line and the headers as they came."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        for line in self.head.split(b"\r\n")[1:]:
            found, _, value = line.partition(b":")
            if found.strip().lower() == name.lower().encode():
                return value.strip().decode()
        return None

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def render(method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """The bytes of a request; a body is announced as FHIR JSON."""
    lines = [f"{method} {target} HTTP/1.1", f"host: {HOST}"]
    if body or method in {"POST", "PUT", "PATCH"}:
        lines += ["content-type: application/fhir+json", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Connection(asyncio.Protocol):
    """One keep-alive connection; `ConnectionError` when the other side goes away."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Reply] | None = None
        self._buffer = b""
        self.lost = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def open(self) -> None:
        """Connect."""
        self._transport, _ = await asyncio.get_running_loop().create_connection(lambda: self, HOST, self._port)

    def close(self) -> None:
        """Disconnect, whatever is under way."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    async def request(
        self, method: str, target: str, content: Any = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """The answer to one request; `content` is sent as JSON unless it is bytes. Reconnects where needed."""
        body = content if isinstance(content, bytes) else b"" if content is None else json.dumps(content).encode()
        return await self.exchange(render(method, target, body, headers))

    async def exchange(self, request: bytes) -> Reply:
        """The answer to a rendered request. Reconnects where the other side has closed the connection before."""
        if self._transport is None or self._transport.is_closing():
            await self.open()
        return await self.send(request)

    def send(self, request: bytes) -> asyncio.Future[Reply]:
        """Write a rendered request; the future holds its answer."""
        self._buffer = b""
        self._answer = asyncio.get_running_loop().create_future()
        if self._transport is None:
            self._answer.set_exception(ConnectionResetError("not connected"))
        else:
            self._transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        """Collect an answer (called by asyncio)."""
        buffer = self._buffer = self._buffer + data if self._buffer else data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        status = int(buffer[9:12])
        length = 0 if status in _NO_BODY else _content_length(buffer[: end + 2])
        if len(buffer) - end - 4 >= length and self._answer is not None and not self._answer.done():
            self._answer.set_result(Reply(status, buffer[:end], buffer[end + 4 : end + 4 + length]))

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what is under way (called by asyncio)."""
        self._transport = None
        self.lost.set()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionResetError(str(exc or "closed by the other side")))


def _content_length(head: bytes) -> int:
    start = head.find(_LENGTH)
    if start < 0:
        start = head.lower().find(_LENGTH)
    if start < 0:
        raise ValueError(f"an answer without Content-Length: {head!r}")
    start += len(_LENGTH)
    return int(head[start : head.index(b"\r\n", start)])
