"""Moments, days and durations as resources write them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from service.fhir.temporal import range_of

if TYPE_CHECKING:
    from datetime import tzinfo


_DAY: Final = len("2026-01-12")


def start_of(value: Any) -> datetime | None:
    """The first instant that a dateTime, or the start of a Period, may mean; None where it says none."""
    found = range_of(_text(value, "start"))
    return found.low if found else None


def end_of(value: Any) -> datetime | None:
    """The first instant after a dateTime, or after the end of a Period; None where it says none."""
    found = range_of(_text(value, "end"))
    return found.high if found else None


def day_of(value: Any) -> str:
    """The calendar day of a dateTime or of the start of a Period, as written where it happens; empty for none."""
    return _text(value, "start")[:10]


def is_of_day(value: Any, moment: Any, zone: tzinfo) -> bool:
    """Whether a dateTime is of the day of another, or of the start of a Period.

    The day is that of the offset in which the other is written, which is where it happens; `zone` is that of those that
    are written in UTC.
    """
    there = _offset_of(moment) or zone
    day = _day_there(moment, there)
    return bool(day) and _day_there(value, there) == day


def _day_there(value: Any, zone: tzinfo) -> str:
    """The calendar day there, empty for what is no day."""
    text = _text(value, "start")
    if len(text) <= _DAY:
        return text if len(text) == _DAY else ""
    found = range_of(text, zone)
    try:
        return found.low.astimezone(zone).date().isoformat() if found else ""
    except OverflowError:  # a day that no calendar has there
        return ""


def _offset_of(value: Any) -> tzinfo | None:
    """The offset in which a moment is written, None where it is none, or that of UTC."""
    try:
        written = datetime.fromisoformat(_text(value, "start"))
    except ValueError:
        return None
    return written.tzinfo if written.utcoffset() else None


def minutes_between(start: Any, end: Any) -> int | None:
    """Whole minutes from one instant to another; None where one is missing or is no more than a day."""
    if not (_is_instant(start) and _is_instant(end)):
        return None
    first, last = range_of(start), range_of(end)
    return int((last.low - first.low).total_seconds() // 60) if first and last else None


def _text(value: Any, element: str) -> str:
    found = value.get(element, "") if isinstance(value, dict) else value
    return found if isinstance(found, str) else ""


def _is_instant(value: Any) -> bool:
    return isinstance(value, str) and "T" in value
