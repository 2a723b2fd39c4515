"""What is done again and again beside answering: quiet when the database is lost, it goes on when it is back."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from service.fhir.outcome import FhirError
from service.store.change import Conflict

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_LOG: Final = logging.getLogger(__name__)


async def again_and_again(what: Callable[[], Awaitable[None]], seconds: float, told: str) -> None:
    """Do it `quietly` after every pause, until cancelled."""
    while True:
        await asyncio.sleep(seconds)
        await quietly(what, told)


async def quietly(what: Callable[[], Awaitable[None]], told: str) -> None:
    """Once; what goes wrong is tried again the next time, and logged as `told` unless the database is lost."""
    with suppress(FhirError, Conflict):
        try:
            await what()
        except (FhirError, Conflict):
            raise
        except Exception:  # noqa: BLE001 - whatever it is, the worker goes on
            _LOG.exception(told)
