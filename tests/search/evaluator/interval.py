"""Ranges, and how a prefix compares two of them: https://hl7.org/fhir/R4/search.html#prefix

R4 says that the range above a value is "the specified value and up". For a value that is itself a range, such as a day,
that is read as what follows the whole of it: were the day part of what is above it, the second half of the rule for
`ge` ("or the range of the search value fully contains the range of the target value") would have nothing to add.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

PREFIXES: Final = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")

_Edge = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """All values between two of a kind; None is no limit. An end belongs to the range unless it is said to be open."""

    low: Any = None
    high: Any = None
    low_open: bool = False
    high_open: bool = False

    @property
    def _start(self) -> _Edge:
        return (-1,) if self.low is None else (0, self.low, int(self.low_open))

    @property
    def _end(self) -> _Edge:
        return (1,) if self.high is None else (0, self.high, -int(self.high_open))

    def contains(self, other: Interval) -> bool:
        """Whether all of the other range lies in this one."""
        return self._start <= other._start and other._end <= self._end

    def overlaps(self, other: Interval) -> bool:
        """Whether the ranges share a value."""
        return self._start <= other._end and other._start <= self._end

    def above(self) -> Interval:
        """What follows the range."""
        return Interval(low=self.high, low_open=not self.high_open)

    def below(self) -> Interval:
        """What precedes the range."""
        return Interval(high=self.low, high_open=not self.low_open)


def point(value: Any) -> Interval:
    """The range of a single value."""
    return Interval(low=value, high=value)


def split_prefix(text: str) -> tuple[str, str]:
    """A search value as prefix and rest: "if no prefix is present, the prefix `eq` is assumed"."""
    return (text[:2], text[2:]) if text[:2] in PREFIXES else ("eq", text)


def compares(prefix: str, search: Interval, target: Interval) -> bool:
    """R4's table of prefixes, line by line; for `ap` the range of the search value has been widened before."""
    match prefix:
        case "eq":
            return search.contains(target)
        case "ne":
            return not search.contains(target)
        case "gt":
            return search.above().overlaps(target)
        case "lt":
            return search.below().overlaps(target)
        case "ge":
            return search.above().overlaps(target) or search.contains(target)
        case "le":
            return search.below().overlaps(target) or search.contains(target)
        case "sa":
            return not search.overlaps(target) and search.above().contains(target)
        case "eb":
            return not search.overlaps(target) and search.below().contains(target)
        case "ap":
            return search.overlaps(target)
    raise ValueError(prefix)
