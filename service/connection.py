"""One HTTP connection: uvicorn's, with bounds on the head of a request, which nobody else could hold it to.

The parser keeps what it has of a request line and headers until they are complete, however long that takes and however
much it is. A body has its own bounds, see `rest.body`.

What is answered leaves in one piece, head and body, where uvicorn writes them one after the other: a packet and a
system call less for either side of every request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio

MOST_HEAD_BYTES: Final = 64 << 10
"""Of a request line and headers; a URL has 16 KB, a token 8 KB."""

HEAD_SECONDS: Final = 30.0
"""How long a head may take to arrive, and a connection to send its first."""

_TOO_LARGE: Final = b"431 Request Header Fields Too Large"
_TOO_SLOW: Final = b"408 Request Timeout"


_HEAD: Final = b"HTTP/1.1 "
_CONTINUE: Final = b"HTTP/1.1 100 "


class Joining:
    """A transport that holds the head of an answer back until its body begins, as ASGI wants it, or the answer ends.

    https://asgi.readthedocs.io/en/latest/specs/www.html#response-start-send-event
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""
        self.is_closing = transport.is_closing

    def __getattr__(self, name: str) -> Any:
        """Everything else is the transport's own."""
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send data, with the head that is held back if there is one."""
        if self._head:
            head, self._head = self._head, b""
            self._transport.writelines((head, data))
        elif data.startswith(_HEAD) and not data.startswith(_CONTINUE):
            self._head = data
        else:
            self._transport.write(data)

    def flush(self) -> None:
        """Send the head of an answer without a body."""
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)

    def close(self) -> None:
        """Send what is held back, then close."""
        self.flush()
        self._transport.close()


class _HeadTooLargeError(Exception):
    """Stops the parser: what follows a head that was refused is not read."""


class BoundedHead(HttpToolsProtocol):
    """A connection that is closed, with 431 or 408, when a head grows too large or takes too long."""

    head_seconds = HEAD_SECONDS

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._is_in_head = True
        self._head_bytes = 0
        self._piece_bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        self._joining = Joining(transport)
        super().connection_made(cast("asyncio.Transport", self._joining))
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what belongs to a head that is not complete yet."""
        self._piece_bytes = len(data)
        super().data_received(data)
        if self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES:
                self._refuse(_TOO_LARGE)
            elif self._timer is None:
                self._wait()

    def on_message_begin(self) -> None:
        """A head begins."""
        self._is_in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A head is complete; a piece with a large body or many requests is measured, as it may hold a large head."""
        if self._head_bytes + self._piece_bytes > MOST_HEAD_BYTES and self._kept_bytes() > MOST_HEAD_BYTES:
            self._refuse(_TOO_LARGE)
            raise _HeadTooLargeError
        self._is_in_head = False
        self._head_bytes = 0
        self._stop_waiting()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """An answer is complete: it had no body if its head has not left yet."""
        self._joining.flush()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, unless it is refused already."""
        if not self.transport.is_closing():
            super().send_400_response(msg)

    def _kept_bytes(self) -> int:
        """Those of the head that the parser has read, without the spaces that it leaves out."""
        line = len(self.parser.get_method()) + len(self.url) + len(b"  HTTP/1.1\r\n")
        return line + sum(len(name) + len(value) + len(b": \r\n") for name, value in self.headers)

    def _wait(self) -> None:
        self._timer = self.loop.call_later(self.head_seconds, self._refuse, _TOO_SLOW)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, status: bytes) -> None:
        self._stop_waiting()
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            self.transport.close()
