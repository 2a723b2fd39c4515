"""How often a network address may send what proves nothing: no token, a bad one, an assertion that does not hold.

Each costs a look into the database, a signature or a record, and who sends it is nobody who could be disabled. Known
tokens never come here, so that a clinic is not shut out by a machine of its network that has lost its key; new ones are
not looked at where an address has used up its share.
"""

from __future__ import annotations

from typing import Final

from service.access.network import who_calls
from service.auth.throttle import Bucket

_MOST: Final = 10_000
"""Callers that are remembered in a worker, some 200 bytes each; the one heard of longest ago is forgotten first."""


class Strangers:
    """The buckets of one worker out of `workers`."""

    def __init__(self, *, per_minute: int, workers: int) -> None:
        self._share = per_minute / workers
        self._buckets: dict[str, Bucket] = {}

    def take(self, address: str | None, now: float) -> Bucket:
        """Count a request from an address; FhirError throttled. Who then proves who it is gives it back."""
        caller = who_calls(address)
        bucket = self._buckets.pop(caller, None)
        if bucket is None:
            if len(self._buckets) >= _MOST:
                self._buckets.pop(next(iter(self._buckets)))
            bucket = Bucket(self._share, now, of="An address that does not prove who it is")
        self._buckets[caller] = bucket
        bucket.take(now)
        return bucket
