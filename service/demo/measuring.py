"""Values of outcome measures that nobody measured: in the range of each, on a course that can be told apart."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from random import Random

    from service.demo.scenarios import Course
    from service.massage.catalogue.rows import OutcomeMeasure

_UNBOUNDED: Final[dict[str, tuple[float, float]]] = {
    "headache-days": (10, 18),
    "limb-circumference": (29, 35),
    "maximal-mouth-opening": (25, 33),
    "midas": (10, 22),
    "promis-pain-interference": (60, 70),
    "promis-sleep-disturbance": (56, 64),
    "rom-ankle-dorsiflexion": (4, 9),
    "rom-cervical": (30, 45),
    "rom-knee-extension": (6, 14),
    "rom-knee-flexion": (70, 100),
    "rom-lumbar": (28, 42),
}
"""First values where a range of the catalogue says nothing of what is usual: made up, to look at only."""

_BEGINS: Final = (0.5, 0.75)
_SHARE: Final = 0.18
"""The change that shows, of the first value, where the catalogue has no change that counts."""
_SIZE: Final[dict[Course, tuple[float, float]]] = {"better": (1.2, 2.0), "worse": (-1.4, -1.05), "plateau": (-0.2, 0.3)}
_NOISE: Final = 0.12


class Trajectory(Struct, frozen=True, kw_only=True):
    """The course of one measure: `values` at the first measurement, then after each visit that measures it."""

    code: str
    values: tuple[Decimal, ...]


def trajectory(code: str, measure: OutcomeMeasure, course: Course, times: int, random: Random) -> Trajectory:
    """As many values as `times`; the last is on the course by more than the change that counts, if one is known."""
    unit = measure.values[0]
    low, high = _first_range(code, unit.low, unit.high, measure.direction)
    first = random.uniform(low, high)
    counts = measure.change or abs(first) * _SHARE
    towards = -1 if measure.direction == "lower" else 1
    last = first + towards * counts * random.uniform(*_SIZE[course])
    found = []
    for number in range(times):
        share = number / (times - 1) if times > 1 else 0.0
        wave = random.uniform(-_NOISE, _NOISE) * counts if 0 < number < times - 1 else 0.0
        found.append(_within(first + (last - first) * share + wave, unit.low, unit.high, whole=unit.whole))
    return Trajectory(code=code, values=tuple(found))


def _first_range(code: str, low: float | None, high: float | None, direction: str | None) -> tuple[float, float]:
    known = _UNBOUNDED.get(code)
    if known is not None:
        return known
    bottom, top = low or 0.0, 100.0 if high is None else high
    begins = _BEGINS if direction == "lower" else (1 - _BEGINS[1], 1 - _BEGINS[0])
    return bottom + begins[0] * (top - bottom), bottom + begins[1] * (top - bottom)


def _within(value: float, low: float | None, high: float | None, *, whole: bool) -> Decimal:
    value = max(value, 0.0 if low is None else low)
    value = value if high is None else min(value, high)
    return Decimal(f"{value:.0f}") if whole else Decimal(f"{value:.1f}")
