"""Statistics of numbers, by the codes of R4: https://hl7.org/fhir/R4/valueset-observation-statistics.html

Deviation and variance are those of a sample (n - 1); percentiles lie on the line between the two nearest numbers.
"""

from __future__ import annotations

from decimal import Context, Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SYSTEM: Final = "http://terminology.hl7.org/CodeSystem/observation-statistics"

COUNTS: Final = frozenset({"count", "total-count"})
"""The codes that count and are in no unit."""

UNSUPPORTED: Final = frozenset({"kurtosis", "regression", "skew"})
"""R4's codes that are not computed."""

_EXACT: Final = Context(prec=50)
_DIGITS: Final = Context(prec=12)
_FEWEST: Final = 2


def statistic(code: str, numbers: Sequence[Decimal]) -> Decimal | None:
    """One of `COMPUTED` to 12 digits; None where there are too few numbers for it."""
    if not numbers:
        return None
    found = COMPUTED[code](sorted(numbers))
    if found is None:
        return None
    rounded = _DIGITS.normalize(found)
    is_whole = rounded == rounded.to_integral_value() and rounded.adjusted() < _DIGITS.prec
    return rounded.quantize(Decimal(1)) if is_whole else rounded


def _sum(numbers: Sequence[Decimal]) -> Decimal:
    total = Decimal(0)
    for each in numbers:
        total = _EXACT.add(total, each)
    return total


def _average(numbers: Sequence[Decimal]) -> Decimal:
    return _EXACT.divide(_sum(numbers), Decimal(len(numbers)))


def _variance(numbers: Sequence[Decimal]) -> Decimal | None:
    if len(numbers) < _FEWEST:
        return None
    mean = _average(numbers)
    squares = [_EXACT.power(_EXACT.subtract(each, mean), 2) for each in numbers]
    return _EXACT.divide(_sum(squares), Decimal(len(numbers) - 1))


def _deviation(numbers: Sequence[Decimal]) -> Decimal | None:
    variance = _variance(numbers)
    return None if variance is None else _EXACT.sqrt(variance)


def _percentile(share: str) -> Callable[[Sequence[Decimal]], Decimal]:
    def found(numbers: Sequence[Decimal]) -> Decimal:
        place = Decimal(share) * (len(numbers) - 1)
        below = int(place)
        above = min(below + 1, len(numbers) - 1)
        step = _EXACT.subtract(numbers[above], numbers[below])
        return _EXACT.add(numbers[below], _EXACT.multiply(step, place - below))

    return found


_LOWER: Final = _percentile("0.25")
_UPPER: Final = _percentile("0.75")

COMPUTED: Final[Mapping[str, Callable[[Sequence[Decimal]], Decimal | None]]] = {
    "average": _average,
    "maximum": lambda numbers: numbers[-1],
    "minimum": lambda numbers: numbers[0],
    "median": _percentile("0.5"),
    "std-dev": _deviation,
    "sum": _sum,
    "variance": _variance,
    "20-percent": _percentile("0.2"),
    "80-percent": _percentile("0.8"),
    "4-lower": _LOWER,
    "4-upper": _UPPER,
    "4-dev": lambda numbers: (_UPPER(numbers) - _LOWER(numbers)) / 2,
    "5-1": _percentile("0.2"),
    "5-2": _percentile("0.4"),
    "5-3": _percentile("0.6"),
    "5-4": _percentile("0.8"),
}
"""Code → what computes it of sorted numbers, at least one."""
