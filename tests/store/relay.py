"""A way to a database on which its word that it ends a connection arrives, and the end does not, or later."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_FIELDS: Final = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
_ENDING: Final = b"E" + (len(_FIELDS) + 4).to_bytes(4) + _FIELDS


class Relay:
    """Passes on what clients of `url` and the database say to each other."""

    def __init__(self, database_url: str) -> None:
        parts = urlsplit(database_url)
        self._database = parts.path
        self._socket = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"
        self._clients: list[asyncio.StreamWriter] = []
        self.url = ""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            self.url = f"postgresql://postgres@127.0.0.1:{port}{self._database}?sslmode=disable"
            try:
                yield
            finally:
                for client in self._clients:
                    client.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, asks = await asyncio.open_unix_connection(self._socket)
        self._clients.append(writer)
        async with asyncio.TaskGroup() as both:
            both.create_task(_pass_on(reader, asks))
            both.create_task(_pass_on(answers, writer))

    async def say_that_all_end(self) -> None:
        """As the database does before it ends connections."""
        for client in self._clients:
            client.write(_ENDING)
            await client.drain()
        await asyncio.sleep(0.05)  # the loop reads it


async def _pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while some := await source.read(65536):
        target.write(some)
    target.close()
