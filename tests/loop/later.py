"""The clock of the service, when some time has passed."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from service.jobs.clock import Clock
from service.store.store import Store
from tests.loop.story import now

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import timedelta

    from service.store.pool import Pool
    from service.store.session import Session
    from tests.api.auth.conftest import Workers


class Queue(Store):
    """Where one waits to be alone: the clocks of the workers look every minute, and whoever comes then goes away."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self._connections = pool

    @asynccontextmanager
    async def alone(self, key: int) -> AsyncIterator[Session | None]:
        """A session, as soon as nobody else is inside."""
        while True:
            async with super().alone(key) as session:
                if session is not None:
                    yield session
                    return
            async with self._connections.acquire() as connection:
                await connection.execute("SELECT pg_advisory_xact_lock($1)", key)


async def look(workers: Workers, later: timedelta) -> int:
    """What the clock of the service writes when this time has passed."""
    beside = workers.application._beside
    rules: Any = beside.current.parts.rules
    clock = Clock(beside.current, Queue(beside.pool), rules, base="http://testserver/fhir", now=lambda: now() + later)
    return await clock.look()
