"""A chart of one measure: its course, its goals, and the band of what is too near to the baseline to be a change.

A self-contained SVG for a page, an <img> or a PDF: without scripts, styles or links, so that the strictest policy for
content takes it. Nothing in it is told by colour alone: points carry their values, the goal is a dashed line, the band
is hatched and bounded, and all of it is in words in the description.
https://www.w3.org/TR/SVG2/struct.html#DescriptionAndTitleElements
"""

from __future__ import annotations

import textwrap
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.documents.scale import Scale, drawable, value_scale
from service.documents.templating import rendered
from service.documents.words import capital
from service.massage.outcome import compared, unit_in_words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from service.massage.outcome import Comparison, Reading, Series, Target

WIDTH: Final = 640
_LEFT: Final = 52
_RIGHT: Final = 616
_PLOT: Final = 190
"""The height of the plot; where it begins follows from the lines of the title."""
_LINE: Final = 18
_NARROWEST_DATES: Final = 80
_MOST_LABELLED: Final = 12
_LONGEST_LINE: Final = 88
_FARTHEST_DUE: Final = 4
_MOST_DIGITS: Final = 12
_WEEKS: Final = timedelta(weeks=4)
_WORDS: Final = {"<=": "{} or less", ">=": "{} or more", "<": "less than {}", ">": "more than {}"}


class Band(Struct, frozen=True, kw_only=True):
    """The values about the baseline that are no change yet by the catalogue's source, both ends excluded."""

    low: Decimal
    high: Decimal
    is_of_measuring: bool

    @property
    def text(self) -> str:
        """What a value in the band means."""
        reason = "may be the measuring" if self.is_of_measuring else "is too small to count"
        return f"between {plain(self.low)} and {plain(self.high)} the change since the baseline {reason}"


class _Point(Struct, frozen=True, kw_only=True):
    """A reading on the paper; `label_y` None where its value is not written beside it."""

    x: str
    y: str
    label: str
    label_y: str | None


def chart(series: Series, *, targets: Sequence[Target] = (), name: str = "chart") -> str:
    """The SVG of a series; `name` makes the ids of its parts, so that several charts can stand on one page."""
    comparison = compared(series)
    band = band_of(comparison)
    measure = series.measure
    title = textwrap.wrap(f"{measure.display}, in {unit_in_words(series.unit)}", _LONGEST_LINE)
    top = 14 + _LINE * len(title)
    vertical = _vertical(series, targets, band, top)
    horizontal, ticks = _horizontal(series, targets)
    legend = _legend(comparison, targets, band)
    return rendered(
        "chart.svg",
        name=name,
        width=WIDTH,
        height=top + _PLOT + 40 + _LINE * len(legend) + 8,
        title=title,
        description=described(comparison, targets, band),
        left=_LEFT,
        right=_RIGHT,
        top=top,
        bottom=top + _PLOT,
        values=[(_paper(vertical.at(value)), plain(value)) for value in vertical.ticks],
        days=ticks,
        band=None if band is None else _edges(vertical, band),
        goals=[_paper(vertical.at(each.value)) for each in targets],
        points=_points(comparison, horizontal, vertical),
        legend=[(top + _PLOT + 44 + _LINE * place, *each) for place, each in enumerate(legend)],
    )


def band_of(comparison: Comparison) -> Band | None:
    """What is too near to the baseline to be a change; None where the catalogue has no number for it."""
    threshold, baseline = comparison.threshold, comparison.baseline.value
    if threshold is None or comparison.series.measure.row.direction is None:
        return None
    sizes = [each for each in (threshold.change, threshold.detectable) if each is not None]
    if threshold.percent is not None and baseline > 0:
        sizes.append(threshold.percent * baseline / 100)
    if not sizes:
        return None
    size = min(sizes)
    return Band(low=baseline - size, high=baseline + size, is_of_measuring=threshold.change is None)


def described(comparison: Comparison, targets: Sequence[Target], band: Band | None) -> str:
    """All that the chart shows, in words, for who does not see it."""
    series = comparison.series
    direction = series.measure.row.direction
    sentences = [f"{direction.capitalize()} is better."] if direction else []
    sentences.append("; ".join(f"{each.effective[:10]}: {plain(each.value)}" for each in series.readings) + ".")
    sentences += [f"{capital(in_words(each))}." for each in targets]
    sentences += [f"{capital(band.text)}."] if band else []
    return " ".join(sentences)


def in_words(target: Target) -> str:
    """What a goal asks for."""
    until = f" by {target.due.isoformat()}" if target.due else ""
    return f"goal: {_WORDS[target.comparator].format(plain(target.value))}{until}"


def plain(value: Decimal) -> str:
    """A number without an exponent, and without zeros that say nothing; at most two places."""
    if abs(value.adjusted()) > _MOST_DIGITS and value:
        return f"{value:.2E}"
    return f"{round(value, 2).normalize() + 0:f}"


def _paper(number: float) -> str:
    return f"{number:.1f}"


def _vertical(series: Series, targets: Sequence[Target], band: Band | None, top: float) -> Scale:
    """Values from the bottom up, over all that is shown, within what the measure can be."""
    shown = [*(each.value for each in series.readings), *(each.value for each in targets)]
    if band is not None:
        shown += [band.low, band.high]
    unit = next((each for each in series.measure.row.values if each.unit == series.unit), None)
    limits = (unit.low, unit.high) if unit else (None, None)
    return value_scale([drawable(each) for each in shown], limits, (top + _PLOT, top))


def _horizontal(series: Series, targets: Sequence[Target]) -> tuple[Scale, list[tuple[str, str]]]:
    """Time from left to right, and the days that are named below; the goal's due day too, where it is not far."""
    days = {_of(each): each.effective[:10] for each in series.readings}
    first, last = min(days), max(days)
    reach = _FARTHEST_DUE * max(timedelta(seconds=last - first), _WEEKS)
    zone = series.readings[0].moment.low.tzinfo
    for each in targets:
        due = datetime.combine(each.due, time(), zone).timestamp() if each.due else last
        if last < due <= first + reach.total_seconds():
            days.setdefault(due, str(each.due))
    # one moment alone stands in the middle
    scale = Scale(low=first, high=max(days), start=_LEFT + 24, end=_RIGHT - 24)
    return scale, _apart([(scale.at(moment), text) for moment, text in sorted(days.items())])


def _apart(days: Sequence[tuple[float, str]]) -> list[tuple[str, str]]:
    """The first, the last, and those between that have room for their text."""
    kept = [days[0]]
    for each in days[1:-1]:
        if min(each[0] - kept[-1][0], days[-1][0] - each[0]) >= _NARROWEST_DATES:
            kept.append(each)
    if len(days) > 1 and days[-1][0] - kept[-1][0] >= _NARROWEST_DATES:
        kept.append(days[-1])
    return [(_paper(x), text) for x, text in kept]


def _of(reading: Reading) -> float:
    return reading.moment.low.timestamp()


def _edges(vertical: Scale, band: Band) -> tuple[str, str]:
    """The top of the band and its height, as far as it is within the plot."""
    top, bottom = vertical.within(float(band.high)), vertical.within(float(band.low))
    return _paper(top), _paper(bottom - top)


def _points(comparison: Comparison, horizontal: Scale, vertical: Scale) -> list[_Point]:
    readings = comparison.series.readings
    told = {readings[0].observation, readings[-1].observation}
    told |= {each.observation for each in (comparison.baseline, comparison.best, comparison.worst) if each}
    found = []
    for each in readings:
        x, y = horizontal.at(_of(each)), vertical.at(each.value)
        above = y - vertical.end > _LINE
        is_told = len(readings) <= _MOST_LABELLED or each.observation in told
        label_y = _paper(y - 9 if above else y + 19) if is_told else None
        found.append(_Point(x=_paper(x), y=_paper(y), label=plain(each.value), label_y=label_y))
    return found


def _legend(comparison: Comparison, targets: Sequence[Target], band: Band | None) -> list[tuple[str, str]]:
    direction = comparison.series.measure.row.direction
    found = [("measured", f"measured; {direction} is better" if direction else "measured")]
    found += [("goal", in_words(each)) for each in targets]
    return [*found, ("band", band.text)] if band else found
