"""From the first reading to the latest: the change, and what the source of the catalogue calls it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.massage.catalogue.rows import Change, OutcomeMeasure
    from service.massage.outcome.reading import Reading
    from service.massage.outcome.series import Series

Progress = Literal["improved", "worse", "no-change", "below-mdc", "insufficient-data", "unknown"]
"""As DOMAIN names them, and `unknown`: the catalogue has no threshold for the measure in this unit."""

Trend = Literal["improving", "worsening", "level", "unknown"]

_TENTH: Final = Decimal("0.1")
_HUNDREDTH: Final = Decimal("0.01")
_WEEK: Final = timedelta(weeks=1)
_FEWEST: Final = 2
_MOST_DIGITS: Final = 20


class Threshold(Struct, frozen=True, kw_only=True):
    """What is enough to be called a change; `sources` are those that say so, keys of the catalogue's sources.

    `change` and `percent` (of the baseline): either is enough. `detectable`: what is below may be the measuring.
    """

    sources: tuple[str, ...]
    text: str
    change: Decimal | None = None
    percent: Decimal | None = None
    detectable: Decimal | None = None


class Comparison(Struct, frozen=True, kw_only=True):
    """What a series comes to. `change` is latest less baseline, `percent` that of the baseline, to a tenth.

    `best` and `worst` are None where neither direction is the better. `per_week` is the slope of the least squares.
    """

    series: Series
    baseline: Reading
    latest: Reading
    best: Reading | None
    worst: Reading | None
    change: Decimal | None
    percent: Decimal | None
    progress: Progress
    threshold: Threshold | None
    basis: Literal["change", "percent"] | None
    is_same_rater: bool
    trend: Trend
    per_week: Decimal | None


def compared(series: Series) -> Comparison:
    """A series from its first reading to its latest; of angles, by the same person where that is possible."""
    row, readings = series.measure.row, series.readings
    latest = readings[-1]
    ours = [each for each in readings if each.performers & latest.performers]
    baseline = ours[0] if row.precision and len(ours) >= _FEWEST else readings[0]
    is_same = bool(baseline.performers & latest.performers)
    ordered = sorted(readings, key=lambda each: each.value, reverse=row.direction == "higher")
    change = latest.value - baseline.value if len(readings) >= _FEWEST else None
    threshold = _threshold(row, series.unit, is_same_rater=is_same)
    progress, basis = _judged(change, baseline.value, row, threshold)
    per_week = _slope(readings)
    return Comparison(
        series=series,
        baseline=baseline,
        latest=latest,
        best=ordered[0] if row.direction else None,
        worst=_last_of(ordered) if row.direction else None,
        change=change,
        percent=_percent(change, baseline.value),
        progress=progress,
        threshold=threshold,
        basis=basis,
        is_same_rater=is_same,
        trend=_trend(per_week, row),
        per_week=per_week,
    )


def _last_of(ordered: Sequence[Reading]) -> Reading:
    """The first that was measured of those with the last value."""
    return next(each for each in ordered if each.value == ordered[-1].value)


def _threshold(row: OutcomeMeasure, unit: str, *, is_same_rater: bool) -> Threshold | None:
    """What the catalogue says for this unit; None where it says nothing, which is no reason to guess."""
    if row.change is not None and unit == row.values[0].unit:
        said = _said_of(row.change, row.changes)
        return Threshold(
            sources=said.sources,
            text=said.text,
            change=Decimal(str(row.change)),
            percent=None if row.percent is None else Decimal(str(row.percent)),
        )
    precision = row.precision
    detectable = precision and (precision.same_rater if is_same_rater else precision.different_rater)
    if precision is None or detectable is None:
        return None
    return Threshold(sources=precision.sources, text=precision.text, detectable=Decimal(str(detectable)))


def _said_of(change: float, changes: Sequence[Change]) -> Change:
    """The source that names the change which is held to."""
    number = f"{change:g}"
    words = ((each, each.text.replace(",", " ").replace("(", " ").replace(";", " ").split()) for each in changes)
    return next((each for each, said in words if number in said), changes[0])


def _judged(
    change: Decimal | None, baseline: Decimal, row: OutcomeMeasure, threshold: Threshold | None
) -> tuple[Progress, Literal["change", "percent"] | None]:
    """The class of a change, and by which of the thresholds it is one."""
    if change is None:
        return "insufficient-data", None
    if threshold is None or row.direction is None:
        return "unknown", None
    size = abs(change)
    if threshold.detectable is not None:
        return ("below-mdc" if size < threshold.detectable else "unknown"), None
    by_change = threshold.change is not None and size >= threshold.change
    by_percent = threshold.percent is not None and baseline > 0 and size * 100 >= threshold.percent * baseline
    if not (by_change or (by_percent and change)):
        return "no-change", None
    is_better = (change < 0) == (row.direction == "lower")
    return ("improved" if is_better else "worse"), ("change" if by_change else "percent")


def _percent(change: Decimal | None, baseline: Decimal) -> Decimal | None:
    if change is None or baseline <= 0:
        return None
    return _rounded(change * 100 / baseline, _TENTH)


def _rounded(number: Decimal, step: Decimal) -> Decimal | None:
    """To a multiple of the step; None where a number is beyond all measures, as those without a range allow."""
    return number.quantize(step) if number.is_finite() and number.adjusted() < _MOST_DIGITS else None


def _slope(readings: Sequence[Reading]) -> Decimal | None:
    """The change in a week, by the line of least squares; None where all was measured at one moment."""
    weeks = [(each.moment.low - readings[0].moment.low) / _WEEK for each in readings]
    values = [float(each.value) for each in readings]
    middle, mean = sum(weeks) / len(weeks), sum(values) / len(values)
    spread = sum((week - middle) ** 2 for week in weeks)
    if not spread:
        return None
    along = sum((week - middle) * (value - mean) for week, value in zip(weeks, values, strict=True))
    slope = _rounded(Decimal(along / spread), _HUNDREDTH)
    # adding 0 makes a zero of a negative zero
    return None if slope is None else slope + 0


def _trend(per_week: Decimal | None, row: OutcomeMeasure) -> Trend:
    if per_week is None or row.direction is None:
        return "unknown"
    if not per_week:
        return "level"
    return "improving" if (per_week < 0) == (row.direction == "lower") else "worsening"
