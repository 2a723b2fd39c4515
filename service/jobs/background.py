"""What a worker does beside answering requests, from its start to its end.

It looks up the search parameters before their lease is over, does reindexes that are asked for, and keeps house. All of
it is quiet when the database is lost, and goes on when it is back.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from service.jobs.clock import SECONDS
from service.jobs.periodic import again_and_again, quietly
from service.store.claims import BATCH, prune_claims
from service.store.reindex_job import prune_jobs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from service.interactions.current import CurrentParts
    from service.jobs.clock import Clock
    from service.jobs.reindexing import Reindexing
    from service.store.store import Store

_FAILED: Final = "background work failed"
LOOK_SECONDS: Final = 1.0
"""How long other workers may take to learn of a search parameter."""
HOUSEKEEPING_SECONDS: Final = 600.0
_ONE_WORKER: Final = 0x6D617373_61676504


class Background:
    """The tasks of a worker; `store` has connections of its own, so that no request waits for one."""

    def __init__(self, current: CurrentParts, reindexing: Reindexing, store: Store, clock: Clock | None = None) -> None:
        self._clock = clock
        self._current = current
        self._reindexing = reindexing
        self._store = store

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """They run within the block, which begins when the search parameters have been looked up for the first time."""
        await quietly(self._look, _FAILED)
        tasks = [
            asyncio.create_task(again_and_again(what, seconds, _FAILED))
            for what, seconds in (
                (self._look, LOOK_SECONDS),
                (self._reindex, LOOK_SECONDS),
                (self._keep_house, HOUSEKEEPING_SECONDS),
                (self._let_time_pass, SECONDS),
            )
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self) -> None:
        await self._current.renewed()

    async def _reindex(self) -> None:
        if self._current.has_jobs:
            await self._reindexing.work()

    async def _let_time_pass(self) -> None:
        if self._clock is not None:
            await self._clock.look()

    async def _keep_house(self) -> None:
        async with self._store.alone(_ONE_WORKER) as session:
            if session is None:
                return
            while await prune_claims(session) == BATCH:
                pass
            await prune_jobs(session)
