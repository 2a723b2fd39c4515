"""How often a client may ask: a bucket of requests for each, which refills steadily.

Each worker has its own buckets and its share of the limit, because asking the others would cost more than a request.
https://www.rfc-editor.org/rfc/rfc6585#section-4
"""

from __future__ import annotations

import math
from typing import Final

from service.fhir.outcome import failure

_MINUTE: Final = 60.0


class Bucket:
    """The requests that somebody has left in this worker; full, it holds those of a minute. `of` begins a sentence."""

    __slots__ = ("_filled_at", "_left", "_of", "_per_minute")

    def __init__(self, per_minute: float, now: float, *, of: str = "The client") -> None:
        self._per_minute = per_minute
        self._of = of
        self._left = max(per_minute, 1.0)
        self._filled_at = now

    def take(self, now: float) -> None:
        """Take one request out of the bucket; FhirError throttled where there is none."""
        passed = now - self._filled_at
        self._filled_at = now
        self._left = min(self._left + max(passed, 0.0) * self._per_minute / _MINUTE, max(self._per_minute, 1.0))
        if self._left < 1:
            wait = math.ceil((1 - self._left) * _MINUTE / self._per_minute)
            told = f"{self._of} may send {self._per_minute:g} requests a minute to this worker."
            raise failure("throttled", told, retry_after_seconds=max(wait, 1))
        self._left -= 1

    def give_back(self) -> None:
        """Put a request back that was not meant to count."""
        self._left = min(self._left + 1, max(self._per_minute, 1.0))

    def resize(self, per_minute: float) -> None:
        """Another limit from now on."""
        self._per_minute = per_minute


class Throttle:
    """The buckets of one worker out of `workers`; `per_minute` holds for clients without a limit of their own."""

    def __init__(self, *, per_minute: int, workers: int) -> None:
        self._per_minute = per_minute
        self._workers = workers
        self._buckets: dict[str, Bucket] = {}

    def bucket(self, client_id: str, own_limit: int | None, now: float) -> Bucket:
        """The bucket of a registered client."""
        share = (own_limit or self._per_minute) / self._workers
        bucket = self._buckets.get(client_id)
        if bucket is None:
            bucket = self._buckets[client_id] = Bucket(share, now)
        bucket.resize(share)
        return bucket
