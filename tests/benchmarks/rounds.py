"""Interleaved rounds: service, yardstick, yardstick, service ..., because a shared machine is faster now than later.

What is compared was measured next to each other; the median over the rounds is reported.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count
from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.benchmarks.generator import Generator, Load, Measured

_NUMBERS_PER_LOAD: Final = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A load on the service, and the load on the yardstick that it is held against."""

    name: str
    service: Load
    yardstick: Load


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The rounds of one pair, in the order in which they were run."""

    name: str
    clients: int
    service: Sequence[Measured]
    yardstick: Sequence[Measured]

    @property
    def ratio(self) -> float:
        """Requests per second of the service for one of the yardstick."""
        return median(one.rate / other.rate for one, other in zip(self.service, self.yardstick, strict=True))

    @property
    def extra(self) -> float:
        """Milliseconds by which the service's p50 exceeds the yardstick's."""
        return median(one.p50 - other.p50 for one, other in zip(self.service, self.yardstick, strict=True))

    @property
    def generator_share(self) -> float:
        """The load generator's part of one core while the service was measured."""
        return median(one.generator_share for one in self.service)


def measure(generator: Generator, pairs: Sequence[Pair], *, rounds: int, done: Callable[[], None]) -> list[Row]:
    """Run every pair `rounds` times after a warm-up; `done` is called after each load."""
    numbers = count(_NUMBERS_PER_LOAD, _NUMBERS_PER_LOAD)

    def run(load: Load) -> Measured:
        measured = generator.run(replace(load, first_number=next(numbers)))
        done()
        return measured

    for pair in pairs:
        for load in (pair.service, pair.yardstick):
            run(replace(load, seconds=load.seconds / 3))
    results: dict[str, list[tuple[Measured, Measured]]] = {pair.name: [] for pair in pairs}
    for turn in range(rounds):
        for pair in pairs:
            results[pair.name].append(_both(run, pair, service_first=turn % 2 == 0))
    return [_row(pair, results[pair.name]) for pair in pairs]


def loads_of(pairs: Sequence[Pair], rounds: int) -> int:
    """How often `measure` calls `done`."""
    return 2 * len(pairs) * (rounds + 1)


def _both(run: Callable[[Load], Measured], pair: Pair, *, service_first: bool) -> tuple[Measured, Measured]:
    if service_first:
        first = run(pair.service)
        return first, run(pair.yardstick)
    first = run(pair.yardstick)
    return run(pair.service), first


def _row(pair: Pair, results: Sequence[tuple[Measured, Measured]]) -> Row:
    return Row(
        name=pair.name,
        clients=pair.service.clients,
        service=[service for service, _ in results],
        yardstick=[yardstick for _, yardstick in results],
    )


def requests_of(rows: Sequence[Row]) -> int:
    """How many requests the service has answered in `rows`."""
    return sum(measured.requests for row in rows for measured in row.service)
