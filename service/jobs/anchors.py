"""Anchors: records of where all chains of audit records stand, by which a tail that is cut off is missed.

A worker puts one on record at its start, every minute in which it has kept something, and at a clean stop.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from service.fhir.outcome import FhirError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from service.store.audit.journal import Journal

SECONDS: Final = 60.0

_LOG: Final = logging.getLogger(__name__)


@asynccontextmanager
async def anchored(journal: Journal | None) -> AsyncIterator[None]:
    """Anchors are put on record within the block; without a journal nothing is."""
    if journal is None:
        yield
        return
    await _anchor(journal)
    task = asyncio.create_task(_again_and_again(journal))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await _anchor(journal)


async def _again_and_again(journal: Journal) -> None:
    while True:
        await asyncio.sleep(SECONDS)
        await _anchor(journal)


async def _anchor(journal: Journal) -> None:
    """Once; what goes wrong is tried again the next time, and logged unless it is the database that is lost."""
    with suppress(FhirError):
        try:
            await journal.anchor()
        except FhirError:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, the worker goes on
            _LOG.exception("the heads of audit records cannot be put on record")
