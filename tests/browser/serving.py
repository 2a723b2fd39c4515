"""The service on a port of its own within this process, so that a browser can visit it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import uvicorn

from tests.benchmarks.serving import free_port
from tests.conftest import application_on, settings_for

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator

    from service.assembly import Standard


class _Server(uvicorn.Server):
    """Tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()


@asynccontextmanager
async def site_on(url: str, standard: Standard, **chosen: Any) -> AsyncIterator[str]:
    """The address of the service on a database, with the rules of the loop, as long as the block lasts."""
    port = free_port()
    settings = settings_for(url, referral_rules="on", port=port, **chosen)
    async with application_on(settings, standard) as running:
        config = uvicorn.Config(
            running, host="127.0.0.1", port=port, lifespan="off", log_config=None, access_log=False, interface="asgi3"
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve())
        await server.listens.wait()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            await serving
