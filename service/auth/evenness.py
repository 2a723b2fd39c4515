"""How long it takes to refuse somebody who does not prove who he is: as long, whatever it was that did not hold.

A key set that is fetched, or a signature that is verified, takes time which an unknown client does not cost. So every
refusal waits until it has taken as long as the slowest look at an assertion of late.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_LEAST_SECONDS: Final = 0.02
_MOST_SECONDS: Final = 2.0
"""Longer waits would keep connections open for the sake of one slow key set."""
_LATE_SECONDS: Final = 600.0


class Evenness:
    """What looks at assertions took in a worker; `now` is in seconds and never goes back."""

    def __init__(self, now: Callable[[], float], sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._now = now
        self._sleep = sleep
        self._slowest = self._slowest_before = _LEAST_SECONDS
        self._until = float("-inf")

    def start(self) -> float:
        """When a look begins."""
        return self._now()

    def note(self, began: float) -> float:
        """Keep in mind what a look took that began then; for how many seconds a refusal has yet to wait."""
        now = self._now()
        if now >= self._until:
            self._slowest_before, self._slowest = self._slowest, _LEAST_SECONDS
            self._until = now + _LATE_SECONDS
        took = now - began
        self._slowest = max(self._slowest, min(took, _MOST_SECONDS))
        return max(self._slowest, self._slowest_before) - took

    async def wait(self, began: float) -> None:
        """Return when a refusal may be told, of a look that began then."""
        await self._sleep(max(self.note(began), 0.0))
