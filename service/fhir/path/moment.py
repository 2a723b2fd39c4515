"""Dates and times of partial precision, and how two of them compare.

A moment of precision below the second is an interval; one without a time zone may lie up to 14 hours off. Two
moments compare when their intervals decide it; otherwise the answer is unknown, which FHIRPath writes as empty.
https://hl7.org/fhirpath/N1/#datetime-comparison
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal

MomentKind = Literal["date", "dateTime", "time"]
TEMPORAL: Final = frozenset({"date", "dateTime", "instant", "time"})
"""FHIR's primitive types that hold a moment."""

_CLOCK: Final = r"(?P<hour>\d\d)(?::(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d+))?)?)?"
_DATE_TIME: Final = re.compile(
    rf"(?P<year>\d{{4}})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d))?)?"
    rf"(?P<mark>T(?:{_CLOCK}(?P<zone>Z|[+-]\d\d:\d\d)?)?)?",
    re.ASCII,
)
_TIME: Final = re.compile(rf"T?{_CLOCK}", re.ASCII)

_SECOND: Final = 1_000_000_000  # in nanoseconds, the unit of `Moment.low`
_MINUTE: Final = 60 * _SECOND
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_ZONE_MARGIN: Final = 14 * _HOUR
"""No time zone is further from UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A date, dateTime or time: the interval of nanoseconds from `low` to before `high` (one wide for a full time).

    `precision` counts the components given: 1 the year, 3 the day, 6 the second and its fraction.
    """

    text: str
    kind: MomentKind
    precision: int
    low: int
    high: int
    zoned: bool


def parse_moment(text: str, *, literal: bool = False) -> Moment | None:
    """The moment that a FHIR date, dateTime, instant or time writes (or, without its ``@``, a literal), or None."""
    match = _DATE_TIME.fullmatch(text)
    if match is not None and (literal or text[-1] != "T"):
        return _date_time(text, match)
    match = _TIME.fullmatch(text)
    if match is not None and (text[0] == "T") is literal:
        return _time(text.removeprefix("T"), match)
    return None


def compare_moments(left: Moment, right: Moment) -> int | None:
    """-1, 0 or 1 as `left` is before, equal to or after `right`; None where their precision leaves it open."""
    if (left.kind == "time") is not (right.kind == "time"):
        return None
    if left.zoned is right.zoned:
        if left.precision == right.precision:
            return (left.low > right.low) - (left.low < right.low)
        margin = 0
    else:
        margin = _ZONE_MARGIN
    if left.high + margin <= right.low:
        return -1
    if right.high + margin <= left.low:
        return 1
    return None


def compare_texts(left: str, right: str) -> int | None:
    """`compare_moments` of two written moments; None also where either is not a moment."""
    if len(left) == len(right) and (len(left) <= 10 or left[-1] == right[-1] == "Z"):
        return (left > right) - (left < right)
    if 20 <= len(left) <= 32 >= len(right) >= 20:  # most likely two instants with different zones
        try:
            one, other = datetime.fromisoformat(left), datetime.fromisoformat(right)
            if one != other and one.tzinfo is not None and other.tzinfo is not None:
                return 1 if one > other else -1
        except ValueError:
            pass  # a leap second, or no instant
    first, second = parse_moment(left), parse_moment(right)
    return None if first is None or second is None else compare_moments(first, second)


def _date_time(text: str, match: re.Match[str]) -> Moment | None:
    year, month, day = int(match["year"]), int(match["month"] or 1), int(match["day"] or 1)
    try:
        midnight = date(year, month, day).toordinal() * _DAY
    except ValueError:
        return None
    if match["hour"] is None:
        precision = 1 + (match["month"] is not None) + (match["day"] is not None)
        kind: MomentKind = "dateTime" if match["mark"] else "date"
        high = midnight + _days(year, month, precision) * _DAY
        return Moment(text=text, kind=kind, precision=precision, low=midnight, high=high, zoned=False)
    clock = _clock(match)
    if clock is None:
        return None
    offset, width, precision = clock
    low = midnight + offset - _zone(match["zone"])
    return Moment(
        text=text, kind="dateTime", precision=precision, low=low, high=low + width, zoned=match["zone"] is not None
    )


def _time(text: str, match: re.Match[str]) -> Moment | None:
    clock = _clock(match)
    if clock is None:
        return None
    low, width, precision = clock
    return Moment(text=text, kind="time", precision=precision, low=low, high=low + width, zoned=False)


def _clock(match: re.Match[str]) -> tuple[int, int, int] | None:
    """The nanoseconds since midnight, the width of the interval and the precision of a time of day."""
    hour, minute, second = int(match["hour"]), int(match["minute"] or 0), int(match["second"] or 0)
    if hour > 24 or minute > 59 or second > 60:
        return None
    fraction = int((match["fraction"] or "0").ljust(9, "0")[:9])
    low = hour * _HOUR + minute * _MINUTE + second * _SECOND + fraction
    if match["second"] is not None:
        return low, 1, 6
    return (low, _MINUTE, 5) if match["minute"] is not None else (low, _HOUR, 4)


def _zone(zone: str | None) -> int:
    if zone is None or zone == "Z":
        return 0
    offset = int(zone[1:3]) * _HOUR + int(zone[4:6]) * _MINUTE
    return offset if zone[0] == "+" else -offset


def _days(year: int, month: int, precision: int) -> int:
    """How many days a year (precision 1), a month (2) or a day (3) has; years and months reach into year 10000."""
    if precision == 3:
        return 1
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if precision == 1:
        return 366 if leap else 365
    return (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]
