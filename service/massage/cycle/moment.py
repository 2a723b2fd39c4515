"""Moments, days and durations as resources write them."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from service.fhir.temporal import range_of

if TYPE_CHECKING:
    from datetime import date, datetime, tzinfo


_DAY: Final = len("2026-01-12")


def start_of(value: Any, zone: tzinfo = UTC) -> datetime | None:
    """The first instant that a dateTime, or the start of a Period, may mean; None where it says none.

    `zone` is that of days, here and below.
    """
    found = range_of(_text(value, "start"), zone)
    return found.low if found else None


def end_of(value: Any, zone: tzinfo = UTC) -> datetime | None:
    """The first instant after a dateTime, or after the end of a Period; None where it says none."""
    found = range_of(_text(value, "end"), zone)
    return found.high if found else None


def day_in(value: Any, zone: tzinfo) -> str:
    """The calendar day of a dateTime or of the start of a Period, whatever its offset; empty for what is no day."""
    text = _text(value, "start")
    if len(text) <= _DAY:
        return text if len(text) == _DAY else ""
    found = range_of(text, zone)
    return date_in(found.low, zone).isoformat() if found else ""


def date_in(instant: datetime, zone: tzinfo) -> date:
    """The calendar day of an instant."""
    try:
        return instant.astimezone(zone).date()
    except OverflowError:  # the end of the calendar elsewhere
        return instant.date()


def noon_or_start(value: Any, zone: tzinfo) -> datetime | None:
    """When something is counted as having begun: noon where only the day is known, None for less than a day."""
    text = _text(value, "start")
    found = range_of(text, zone) if len(text) >= _DAY else None
    if found is None:
        return None
    return found.low + (found.high - found.low) / 2 if len(text) == _DAY else found.low


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
