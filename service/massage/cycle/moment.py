"""Moments, days and durations as resources write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.fhir.temporal import range_of

if TYPE_CHECKING:
    from datetime import datetime


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
