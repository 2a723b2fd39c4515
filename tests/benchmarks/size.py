"""How large a run of the benchmarks is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is loaded and how long is measured; `requests` replaces `seconds` where given."""

    patients: int
    observations: int
    updated: int
    seconds: float
    rounds: int
    starts: int
    validations: int
    referrals: int = 6
    """In progress, in each round: each gets six sessions."""
    requests: int | None = None
