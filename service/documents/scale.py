"""From numbers to places on the paper."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

_STEPS: Final = 5
"""About as many steps as are drawn."""

_SHORT_RANGE: Final = 100
"""Scores from 0 to 10, or to 100, are drawn on their whole range: on a part of it little looks like much."""

_LARGEST: Final = 1e12
"""No measure comes near it: numbers beyond, which a client may send, are drawn at the edge."""


class Scale(Struct, frozen=True, kw_only=True):
    """Numbers from `low` to `high` lie from `start` to `end`; where both are equal, all of them in the middle."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[Decimal, ...] = ()

    def at(self, value: float | Decimal) -> float:
        """The place of a number."""
        if self.high == self.low:
            return (self.start + self.end) / 2
        return self.start + (drawable(value) - self.low) / (self.high - self.low) * (self.end - self.start)

    def within(self, value: float) -> float:
        """The place of a number, or the nearer end where it is beyond one."""
        return self.at(min(max(value, self.low), self.high))


def value_scale(shown: Sequence[float], limits: tuple[float | None, float | None], paper: tuple[float, float]) -> Scale:
    """Round steps over what is shown, within the limits of the measure; `paper` is where it starts and ends."""
    least, most = limits
    low, high = min(shown), max(shown)
    if least is not None:
        low = max(low, least)
    if most is not None:
        high = min(high, most)
    if least is not None and most is not None and most - least <= max(_SHORT_RANGE, 2 * (high - low)):
        low, high = least, most
    step = _step(high - low if high > low else abs(high) or 1.0)
    first, last = math.floor(low / step), math.ceil(high / step)
    last = max(last, first + 1)
    ticks = tuple(_tick(place, step) for place in range(first, last + 1))
    return Scale(low=first * step, high=last * step, start=paper[0], end=paper[1], ticks=ticks)


def drawable(value: float | Decimal) -> float:
    """A number as far as it can be drawn."""
    return min(max(float(value), -_LARGEST), _LARGEST)


def _step(span: float) -> float:
    """One, two or five times a power of ten, so that there are few of them in the span."""
    power = 10.0 ** math.floor(math.log10(span / _STEPS))
    return next(power * each for each in (1, 2, 5, 10) if power * each * _STEPS >= span)


def _tick(place: int, step: float) -> Decimal:
    return place * Decimal(f"{step:g}")
