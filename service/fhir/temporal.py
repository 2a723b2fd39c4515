"""Dates and times as half-open ranges of instants: what the implicit precision of a FHIR value stands for.

https://hl7.org/fhir/R4/search.html#date and https://hl7.org/fhir/R4/datatypes.html#dateTime. ``2013-01`` is
[2013-01-01T00:00, 2013-02-01T00:00); ``10:00:00.5`` lasts a tenth of a second. A value without an offset is read in the
zone that the caller gives. The store keeps microseconds between the years 1 and 9999: finer digits are cut off, what an
offset moves outside is clamped, and an open end of a Period is the first or last of these instants.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.outcome import failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import tzinfo

EARLIEST: Final = datetime.min.replace(tzinfo=UTC)
LATEST: Final = datetime.max.replace(tzinfo=UTC)

_PATTERN: Final = re.compile(
    r"(?P<year>[0-9]{4})(?:-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2})"
    r"(?:T(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]+))?)?"
    r"(?P<offset>Z|[ +-][0-9]{2}:[0-9]{2})?)?)?)?"
)
_INSTANT: Final = timedelta(microseconds=1)
_LAST: Final = LATEST - _INSTANT
_MINUTE: Final = timedelta(minutes=1)
_MICROSECOND_DIGITS: Final = 6
_LENGTHS: Final = tuple(
    timedelta(microseconds=10 ** (_MICROSECOND_DIGITS - digits)) for digits in range(_MICROSECOND_DIGITS + 1)
)
"""How long a moment lasts, by the digits of its fraction."""
_LEAP_SECOND: Final = 60
_DECEMBER: Final = 12
_LARGEST_OFFSET: Final = timedelta(hours=14)
_APPROXIMATION: Final = 10
"""R4 recommends that `ap` widens a date by 10 % of the gap between now and the date."""


DATE_FORMS: Final = "a date such as 2024, 2024-05, 2024-05-31, 2024-05-31T09:30Z or 2024-05-31T09:30:00.5+02:00"


class Range(Struct, frozen=True):
    """The instants from `low`, included, to `high`, excluded; both in UTC."""

    low: datetime
    high: datetime

    def contains(self, other: Range) -> bool:
        """Whether all of `other` lies within this range."""
        return self.low <= other.low and other.high <= self.high

    def overlaps(self, other: Range) -> bool:
        """Whether the two ranges share an instant."""
        return self.low < other.high and other.low < self.high

    def approximately(self, now: datetime) -> Range:
        """The range widened on both sides by a tenth of its distance from `now`."""
        gap = max(self.low - now, now - self.high, timedelta()) / _APPROXIMATION
        return Range(_shifted(self.low, -gap), _shifted(self.high, gap))


def range_of(text: str, zone: tzinfo = UTC) -> Range | None:
    """The range of a date, dateTime or instant at any precision from the year down; None when it is none of these.

    A blank before the offset is read as the plus sign that an unescaped URL loses.
    """
    match = _PATTERN.fullmatch(text)
    if match is None:
        return None
    try:
        if match["hour"] is None:
            return _days(int(match["year"]), match["month"], match["day"], zone)
        return _instants(match, zone)
    except ValueError:
        return None


def range_of_period(period: Mapping[str, Any], zone: tzinfo = UTC) -> Range | None:
    """The range of a Period, open where it has no start or no end; None when it has neither or one is malformed."""
    start, end = period.get("start"), period.get("end")
    if start is None and end is None:
        return None
    first = range_of(start, zone) if isinstance(start, str) else None
    last = range_of(end, zone) if isinstance(end, str) else None
    if (start is not None and first is None) or (end is not None and last is None):
        return None
    return Range(first.low if first else EARLIEST, last.high if last else LATEST)


def range_of_timing(timing: Mapping[str, Any], zone: tzinfo = UTC) -> Range | None:
    """The outer limits of a Timing's events and bounds; None when it states neither.

    R4 ignores the schedule between the limits. Bounds that are a duration or a range have no place in time.
    """
    ranges = [found for event in timing.get("event", ()) if (found := range_of(event, zone))]
    bounds = timing.get("repeat", {}).get("boundsPeriod")
    if bounds is not None and (found := range_of_period(bounds, zone)):
        ranges.append(found)
    return _hull(ranges)


def parse_instant_range(text: str, zone: tzinfo, parameter: str) -> tuple[datetime, datetime]:
    """The range of a parameter's date as (first instant, first instant after it); FhirError parameter-value."""
    found = range_of(text, zone)
    if found is None:
        raise failure("parameter-value", f"{parameter} takes {DATE_FORMS}.", f"http.{parameter}")
    return found.low, found.high


def _hull(ranges: Iterable[Range]) -> Range | None:
    known = tuple(ranges)
    if not known:
        return None
    return Range(min(each.low for each in known), max(each.high for each in known))


def _days(year: int, month: str | None, day: str | None, zone: tzinfo) -> Range:
    low = datetime(year, int(month or 1), int(day or 1), tzinfo=zone)
    try:
        if day is not None:
            high = low + timedelta(days=1)
        elif month is not None and low.month < _DECEMBER:
            high = low.replace(month=low.month + 1)
        else:
            high = low.replace(year=year + 1, month=1)
    except (OverflowError, ValueError):
        high = datetime.max.replace(tzinfo=zone)
    return Range(_in_utc(low), max(_in_utc(high), EARLIEST + _INSTANT))


def _instants(match: re.Match[str], zone: tzinfo) -> Range:
    year, month, day, hour, minute, whole, fraction, offset = match.groups()
    second, digits = int(whole or 0), (fraction or "")[:_MICROSECOND_DIGITS]
    low = datetime(
        int(year),
        int(month),
        int(day),
        int(hour),
        int(minute),
        0 if second == _LEAP_SECOND else second,
        int(digits.ljust(_MICROSECOND_DIGITS, "0")) if digits else 0,
        tzinfo=_offset(offset) if offset else zone,
    )
    utc = _in_utc(low)
    if second == _LEAP_SECOND:
        utc = _shifted(utc, _MINUTE)
    length = _MINUTE if whole is None else _LENGTHS[len(digits)]
    return Range(min(utc, _LAST), _shifted(utc, length))


@lru_cache(maxsize=256)
def _offset(text: str) -> tzinfo:
    if text == "Z":
        return UTC
    minutes = int(text[4:6])
    offset = timedelta(hours=int(text[1:3]), minutes=minutes)
    if minutes >= 60 or offset > _LARGEST_OFFSET:
        message = "an offset lies between -14:00 and +14:00"
        raise ValueError(message)
    return timezone(-offset if text[0] == "-" else offset)


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    except OverflowError:
        return EARLIEST if moment.year == 1 else LATEST


def _shifted(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        return EARLIEST if by < timedelta() else LATEST
