"""The statements that a service sends to its database: round trips are what an interaction costs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import asyncpg

    from service.app import Application


def statements_of(application: Application) -> list[str]:
    """What the service sends from now on, BEGIN and COMMIT included; it grows, see `logged`."""
    texts: list[str] = []
    watched: list[Any] = []
    pool: Any = application._pool
    take: Callable[[], Any] = pool.take

    async def watching() -> asyncpg.Connection[Any]:
        connection = await take()
        if connection not in watched:
            watched.append(connection)
            connection.add_query_logger(lambda record: texts.append(record.query))
        return connection

    pool.take = watching
    return texts


async def logged() -> None:
    """Wait until connections have told of their statements, which they do when the event loop comes round."""
    for _ in range(3):
        await asyncio.sleep(0)
