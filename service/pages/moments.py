"""Dates and times in words, in the service's time zone, as exact as they are given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.temporal import range_of

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

_YEAR, _MONTH, _DAY = len("2026"), len("2026-01"), len("2026-01-09")
_MONTHS: Final = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def told(text: str, zone: tzinfo) -> str:
    """A FHIR date, dateTime or instant as ``9 Jan 2026, 09:30 CET``; what is none of these as it is."""
    found = range_of(text, zone)
    if found is None:
        return text
    if len(text) == _YEAR:
        return text
    if len(text) == _MONTH:
        return f"{_MONTHS[int(text[5:7])]} {text[:4]}"
    if len(text) == _DAY:
        return f"{int(text[8:10])} {_MONTHS[int(text[5:7])]} {text[:4]}"
    return at(found.low, zone)


def day(moment: datetime, zone: tzinfo) -> str:
    """The day of an instant, as ``9 Jan 2026``."""
    there = _there(moment, zone)
    return f"{there.day} {_MONTHS[there.month]} {there.year:04}"


def at(moment: datetime, zone: tzinfo) -> str:
    """An instant to the minute, as ``9 Jan 2026, 09:30 CET``."""
    there = _there(moment, zone)
    return f"{day(moment, zone)}, {there:%H:%M} {there.tzname()}"


def clock(moment: datetime, zone: tzinfo) -> str:
    """The time of day of an instant, as ``09:30``."""
    return f"{_there(moment, zone):%H:%M}"


def between(start: str | None, end: str | None, zone: tzinfo) -> str:
    """A Period in words; of one day, the day once."""
    if start is None or end is None:
        known = [f"from {told(start, zone)}"] if start else []
        return " ".join([*known, *([f"until {told(end, zone)}"] if end else [])])
    first, last = range_of(start, zone), range_of(end, zone)
    if first and last and len(start) > _DAY and len(end) > _DAY and day(first.low, zone) == day(last.low, zone):
        return f"{day(first.low, zone)}, {clock(first.low, zone)} to {at(last.low, zone).rpartition(', ')[2]}"
    return f"{told(start, zone)} to {told(end, zone)}"


def _there(moment: datetime, zone: tzinfo) -> datetime:
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment
