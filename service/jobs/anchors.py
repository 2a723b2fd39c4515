"""Anchors: records of where all chains of audit records stand, by which a tail that is cut off is missed.

A worker puts one on record at its start, every minute in which it has kept something, and at a clean stop.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from service.jobs.periodic import again_and_again, quietly

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from service.store.audit.journal import Journal

SECONDS: Final = 60.0

_FAILED: Final = "the heads of audit records cannot be put on record"


@asynccontextmanager
async def anchored(journal: Journal | None) -> AsyncIterator[None]:
    """Anchors are put on record within the block; without a journal nothing is."""
    if journal is None:
        yield
        return
    await quietly(journal.anchor, _FAILED)
    task = asyncio.create_task(again_and_again(journal.anchor, SECONDS, _FAILED))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await quietly(journal.anchor, _FAILED)
