"""What time does to referrals: those that nobody started in time expire, and reports fall due.

One worker looks at a time, at so many referrals with work under way as one look takes; the next look goes on behind
them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from service.fhir.interaction import Context
from service.fhir.sight import EVERYTHING
from service.interactions.adding import add
from service.store.change import Conflict
from service.store.lease import LapsedError
from service.store.referrals import referrals_with_tasks

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.interactions.current import CurrentParts
    from service.loop.rules import ReferralRules
    from service.store.store import Store

SECONDS: Final = 60.0
_MOST: Final = 600
_UNDER_WAY: Final = ("requested", "received", "accepted", "in-progress", "on-hold")
_ONE_WORKER: Final = 0x6D617373_61676505


class Clock:
    """Looks at referrals by the rules; `store` has connections of its own."""

    def __init__(
        self,
        current: CurrentParts,
        store: Store,
        rules: ReferralRules,
        *,
        base: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._current = current
        self._store = store
        self._rules = rules
        self._base = base
        self._now = now
        self._passed = 0

    async def look(self) -> int:
        """How many resources were written; 0 also where another worker looks."""
        (source,) = self._current.parts.registry.parameters("Task")["status"].source_numbers
        async with self._store.alone(_ONE_WORKER) as session:
            if session is None:
                return 0
            found = await referrals_with_tasks(session, _UNDER_WAY, source, after=self._passed, most=_MOST)
            written = 0
            for logical_id, _ in found:
                written += await self._settle(logical_id)
            self._passed = found[-1][1] if len(found) == _MOST else 0
            return written

    async def _settle(self, logical_id: str) -> int:
        parts = await self._current.current()
        store = self._store.under(parts.lease).within(EVERYTHING)
        context = Context(base=self._base, request_id="clock", received_at=self._now())
        try:
            async with store.transaction() as session:
                ruling = await self._rules.expired(session, context, logical_id)
                return await add(replace(parts, store=store), context, session, ruling)
        except (Conflict, LapsedError):
            return 0  # somebody works on it, or it took too long; the next look sees what came of that
