"""What is to be reached, and the lines of the report that say whether it is."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.benchmarks.rounds import Row

READ: Final = "read"
CREATE_ALONE: Final = "create"
CREATE: Final = "create, many"
UPDATE: Final = "update"
TRANSACTION: Final = "referral transaction"
TRANSACTION_MANY: Final = "referral transaction, many"
HISTORY: Final = "history of an instance"
SEARCH: Final = "search, two criteria"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What `standing` measured."""

    validation_microseconds: float
    start_existing_seconds: float
    start_from_nothing_seconds: float
    worker_megabytes: float
    observation_bytes: float
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One line: what was measured, in `unit`, and the limit that it must not pass."""

    name: str
    value: float
    unit: str
    limit: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the value keeps to the limit."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit


def goals(rows: Mapping[str, Row], standing: Standing) -> list[Goal]:
    """Every goal with what was measured for it."""
    transaction = median(
        bundle.p50 / single.p50
        for bundle, single in zip(rows[TRANSACTION].service, rows[CREATE_ALONE].service, strict=True)
    )
    return [
        Goal(name="read / bare select, requests per second", value=rows[READ].ratio, unit="", limit=0.8, at_least=True),
        Goal(
            name="create / bare insert, requests per second, many clients",
            value=rows[CREATE].ratio,
            unit="",
            limit=0.6,
            at_least=True,
        ),
        Goal(name="referral transaction / create, p50 of one client", value=transaction, unit="", limit=4),
        Goal(name="create - bare insert, p50 of one client", value=rows[CREATE_ALONE].extra, unit="ms", limit=1.5),
        Goal(name="validation of a referral", value=standing.validation_microseconds, unit="µs", limit=50),
        Goal(name="start to first answer, existing database", value=standing.start_existing_seconds, unit="s", limit=2),
        Goal(name="start to first answer, from nothing", value=standing.start_from_nothing_seconds, unit="s", limit=5),
        Goal(
            name=f"memory of the largest worker, after {standing.requests} requests to all",
            value=standing.worker_megabytes,
            unit="MB",
            limit=150,
        ),
        Goal(
            name="disk per 1 KB Observation with index rows",
            value=standing.observation_bytes / 1024,
            unit="KB",
            limit=2.5,
        ),
    ]
