"""The periods that are told of: a grid without overlaps, so that no two answers differ by a part of a period."""

from __future__ import annotations

from datetime import date
from typing import Final, Literal

Period = Literal["month", "quarter", "half-year", "year"]

_MONTHS: Final[dict[Period, int]] = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}
_YEAR: Final = 12


def period_of(day: date, period: Period) -> tuple[date, date]:
    """The first day of the period that a day is in, and the first one after it."""
    months = _MONTHS[period]
    first = (day.month - 1) // months * months
    end = first + months
    return date(day.year, first + 1, 1), date(day.year + end // _YEAR, end % _YEAR + 1, 1)
