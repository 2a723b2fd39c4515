"""Criteria that were seen to match: a hint, kept by each worker, about which need no lock."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class RecentlyMatched:
    """The lock keys of the last `most` criteria that matched something.

    What matches is not created again, so it need not be locked: the referrals of one practice all name its
    organisation, and would queue for that lock. A hint that is out of date costs one round trip, nothing else.
    """

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._keys: OrderedDict[int, None] = OrderedDict()

    def __contains__(self, key: int) -> bool:
        return key in self._keys

    def add(self, keys: Iterable[int]) -> None:
        """Remember the keys, forgetting the oldest ones beyond the limit."""
        for key in keys:
            self._keys[key] = None
            self._keys.move_to_end(key)
        while len(self._keys) > self._most:
            self._keys.popitem(last=False)
