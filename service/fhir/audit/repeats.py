"""What need not be on record again and again: refusals of whoever asks too often, of which a minute leaves one.

Else who is shut out for asking too often would have each of the requests written down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

SECONDS: Final = 60.0
_MOST: Final = 10_000


class Repeats:
    """Remembers when something about somebody was last put on record, of the last ten thousand."""

    def __init__(self) -> None:
        self._last: dict[str, datetime] = {}

    def is_one(self, who: str, at: datetime) -> bool:
        """Whether the same about them is on record already, less than a minute before."""
        last = self._last.get(who)
        if last is not None and 0 <= (at - last).total_seconds() < SECONDS:
            return True
        self._last.pop(who, None)
        if len(self._last) >= _MOST:
            self._last.pop(next(iter(self._last)))
        self._last[who] = at
        return False
