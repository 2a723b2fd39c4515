"""date: ranges of instants compared by the letter of R4, for values of any precision and for Periods and Timings.

https://hl7.org/fhir/R4/search.html#date and https://hl7.org/fhir/R4/search.html#prefix.
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, get_args

from service.fhir.search.query import DateValue, Prefix
from service.fhir.search.types.search_type import SearchType, refused
from service.fhir.temporal import DATE_FORMS, LATEST, range_of, range_of_period, range_of_timing

if TYPE_CHECKING:
    from datetime import tzinfo

    from service.fhir.search.parameter import SearchParameter
    from service.fhir.search.types.search_type import Rows, Setting
    from service.fhir.temporal import Range

SHORTEST: Final = timedelta(microseconds=1)
_LONGEST: Final = len("2024-05-31T09:30:00.000000+02:00")
"""The longest text of a date that is remembered: a fraction may have any number of digits."""

PREFIXES: Final[tuple[Prefix, ...]] = get_args(Prefix)


def parse(parameter: SearchParameter, _modifier: str | None, text: str, setting: Setting) -> DateValue:
    """A prefix, `eq` when there is none, and a date."""
    prefix = next((each for each in PREFIXES if text.startswith(each)), None)
    found = range_of(text.removeprefix(prefix or ""), setting.zone)
    if found is None:
        raise refused(parameter, f"{DATE_FORMS}, alone or after one of the prefixes {', '.join(PREFIXES)}")
    if prefix == "ap" and setting.now is not None:
        found = found.approximately(setting.now)
    return DateValue(prefix=prefix or "eq", range=found)


_remembered: Final = lru_cache(maxsize=4096)(range_of)
"""What is written at one time repeats the same few dates."""


def _range_of(value: str, zone: tzinfo) -> Range | None:
    return _remembered(value, zone) if len(value) <= _LONGEST else range_of(value, zone)


def _moment(value: str, source: int, rows: Rows) -> None:
    found = _range_of(value, rows.zone)
    if found is not None:
        rows.date.add((source, rows.element, found.low, found.high))


def _instant(value: str, source: int, rows: Rows) -> None:
    """R4: "a fixed point in time", the shortest range that the store knows, however few digits it is written with."""
    found = _range_of(value, rows.zone)
    if found is not None:
        low = min(found.low, LATEST - SHORTEST)
        rows.date.add((source, rows.element, low, low + SHORTEST))


def _period(period: dict[str, Any], source: int, rows: Rows) -> None:
    found = range_of_period(period, rows.zone)
    if found is not None:
        rows.date.add((source, rows.element, found.low, found.high))


def _timing(timing: dict[str, Any], source: int, rows: Rows) -> None:
    found = range_of_timing(timing, rows.zone)
    if found is not None:
        rows.date.add((source, rows.element, found.low, found.high))


DATE: Final = SearchType(
    kind="date",
    modifiers=(),
    extractors={"date": _moment, "dateTime": _moment, "instant": _instant, "Period": _period, "Timing": _timing},
    parse=parse,
)
