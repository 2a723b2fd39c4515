"""For how long writers may go by the search parameters that they looked up last.

Who stores a SearchParameter waits for nobody: other workers index by those of before until they look again. They
look every second, and after `LEASE_SECONDS` without an answer they write no more until they have looked. So once that
time is over, and every transaction that began before is (`store.index_rows.none_begun_before`), whatever is written has
rows by the new parameters, and the job that makes the rows of older resources may begin.
"""

from __future__ import annotations

import math
from time import monotonic
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

LEASE_SECONDS: Final = 5.0
GRACE_SECONDS: Final = 5.0
"""More than it takes from looking at the lease until a statement has arrived in the database."""


class LapsedError(Exception):
    """Index rows were to be written that may be those of search parameters of before; nothing was written."""


class Lease:
    """Lasts until a moment of its monotonic clock, in seconds; for ever unless told otherwise.

    `lapses` counts how often it was ended before that moment.
    """

    __slots__ = ("_clock", "_following", "_until", "lapses")

    def __init__(self, until: float = math.inf, clock: Callable[[], float] = monotonic) -> None:
        self._until = until
        self._clock = clock
        self._following: Lease | None = None
        self.lapses = 0

    @property
    def lapsed(self) -> bool:
        """Whether it is over."""
        return self._clock() >= self._until

    def require(self) -> None:
        """LapsedError when it is over."""
        if self._clock() >= self._until:
            raise LapsedError

    def extend(self, until: float) -> None:
        """Let it last until then."""
        self._until = until

    def lapse(self) -> None:
        """End it now, and those that follow it: what they were given for may have changed since."""
        self._until = -math.inf
        self.lapses += 1
        if self._following is not None:
            self._following.lapse()

    def followed(self) -> Lease:
        """One that is over, for what comes after what this one was given for."""
        self._following = Lease(-math.inf, self._clock)
        return self._following
