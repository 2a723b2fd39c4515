"""date: https://hl7.org/fhir/R4/search.html#date

A date, a dateTime and a search value stand for all the time that their precision leaves open. "An instant is considered
a fixed point in time [...] with an effective width of 0". A Period has the ends that it states ("a missing lower
boundary is less than any actual date"), a Timing the outer limits of all that it lists.

Time zones: "Dates do not have time zones, and time zones should not be considered." R4 does not say how a date without
a zone compares with a time that has one; it is read as a date of the server's zone, which is UTC here.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from tests.search.evaluator.interval import Interval, compares, point, split_prefix

if TYPE_CHECKING:
    from tests.search.evaluator.values import Value

TYPES: Final = frozenset({"date", "dateTime", "instant", "Period", "Timing"})

_FORM: Final = re.compile(
    r"(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d)"
    r"(T(?P<hour>\d\d):(?P<minute>\d\d)(:(?P<second>\d\d)(\.(?P<fraction>\d{1,6}))?)?(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?"
)
_APPROXIMATION: Final = 10
"""`ap`: "for a date, 10% of the gap between now and the date"."""


def matches(text: str, value: Value, now: datetime) -> bool:
    """Whether a value compares with a search value, prefix included."""
    prefix, date = split_prefix(text)
    search = range_of(date)
    if prefix == "ap":
        search = _approximately(search, now)
    target = target_of(value)
    return target is not None and compares(prefix, search, target)


def target_of(value: Value) -> Interval | None:
    """The time that a value takes; None for a Timing that names no date."""
    match value.type:
        case "instant":
            return point(range_of(value.content).low)
        case "Period":
            return _period(value.content)
        case "Timing":
            return _timing(value.content)
    return range_of(value.content)


def range_of(text: str) -> Interval:
    """The time that a date of any precision stands for; its end does not belong to it."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(text)
    year, month, day = int(match["year"]), int(match["month"] or 1), int(match["day"] or 1)
    if match["hour"] is None:
        low = datetime(year, month, day, tzinfo=UTC)
        return Interval(low=low, high=_end_of(low, match), high_open=True)
    clock = f"{match['hour']}:{match['minute']}:{match['second'] or '00'}.{(match['fraction'] or '').ljust(6, '0')}"
    low = datetime.fromisoformat(f"{text[:10]}T{clock}{(match['zone'] or 'Z').replace('Z', '+00:00')}")
    return Interval(low=low, high=low + _precision(match), high_open=True)


def _end_of(low: datetime, match: re.Match[str]) -> datetime:
    if match["day"]:
        return low + timedelta(days=1)
    if match["month"] and low.month < 12:
        return low.replace(month=low.month + 1)
    return low.replace(year=low.year + 1, month=1)


def _precision(match: re.Match[str]) -> timedelta:
    if match["second"] is None:
        return timedelta(minutes=1)
    return timedelta(microseconds=10 ** (6 - len(match["fraction"] or "")))


def _approximately(search: Interval, now: datetime) -> Interval:
    gap = max(search.low - now, now - search.high, timedelta(0)) / _APPROXIMATION
    return Interval(low=search.low - gap, high=search.high + gap, high_open=True)


def _period(period: dict[str, Any]) -> Interval:
    first = range_of(period["start"]) if "start" in period else Interval()
    last = range_of(period["end"]) if "end" in period else Interval()
    return Interval(low=first.low, low_open=first.low_open, high=last.high, high_open=last.high_open)


def _timing(timing: dict[str, Any]) -> Interval | None:
    """The hull of all times, as "only the outer limits matter"; None if there are none."""
    times = [range_of(event) for event in timing.get("event", ())]
    bounds = timing.get("repeat", {}).get("boundsPeriod")
    times += [_period(bounds)] if bounds else []
    if not times:
        return None
    lows, highs = [each.low for each in times], [each.high for each in times]
    low = None if None in lows else min(lows)
    high = None if None in highs else max(highs)
    return Interval(low=low, high=high, high_open=True)
