"""The clock of the service, when some time has passed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.jobs.clock import Clock
from service.store.store import Store
from tests.loop.story import now

if TYPE_CHECKING:
    from datetime import timedelta

    from tests.api.auth.conftest import Workers


async def look(workers: Workers, later: timedelta) -> int:
    """What the clock of the service writes when this time has passed."""
    beside = workers.application._beside
    rules: Any = beside.current.parts.rules
    clock = Clock(beside.current, Store(beside.pool), rules, base="http://testserver/fhir", now=lambda: now() + later)
    return await clock.look()
