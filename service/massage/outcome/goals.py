"""Whether a Goal is reached: https://hl7.org/fhir/R4/goal.html, and the codes of its achievement."""

from __future__ import annotations

import calendar
import operator
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import Struct

from service.fhir.temporal import range_of
from service.massage.outcome.comparison import compared
from service.massage.outcome.reading import fitting, number_of, unit_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime, tzinfo

    from service.fhir.resource import Content
    from service.massage.outcome.comparison import Progress
    from service.massage.outcome.measures import Measures
    from service.massage.outcome.reading import Reading
    from service.massage.outcome.series import Series

Achievement = Literal["in-progress", "improving", "worsening", "no-change", "achieved", "not-achieved"]
"""Codes of http://terminology.hl7.org/CodeSystem/goal-achievement, those that follow from measurements."""

Reached = Literal["reached", "late", "lost", "not-reached"]
"""Of the values that goals ask for: `late` is after a due date, `lost` is by the due date and not by the latest."""

DROPPED: Final = frozenset({"cancelled", "entered-in-error", "rejected"})
"""The life cycle's states of a goal that nobody works towards."""

_LEAST_FAVOURABLE: Final[tuple[Achievement, ...]] = (
    "not-achieved",
    "worsening",
    "no-change",
    "in-progress",
    "improving",
    "achieved",
)
_BY_PROGRESS: Final[Mapping[Progress, Achievement]] = {
    "improved": "improving",
    "worse": "worsening",
    "no-change": "no-change",
    "below-mdc": "no-change",
    "insufficient-data": "in-progress",
    "unknown": "in-progress",
}
_DAYS: Final = {"d": 1, "wk": 7}
_MONTHS: Final = {"mo": 1, "a": 12}
_COMPARATORS: Final[Mapping[str, Callable[[Decimal, Decimal], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">=": operator.ge,
    ">": operator.gt,
}
_INSTANT: Final = timedelta(microseconds=1)


class _Wanted(Struct, frozen=True):
    """A number to be reached, in the unit of a series: where `comparator` holds for what is measured."""

    value: Decimal
    comparator: str


class Target(Struct, frozen=True, kw_only=True):
    """What a goal asks of a series, in its unit: `comparator` is of ``< <= >= >``, `due` the last day of its time."""

    goal: str
    value: Decimal
    comparator: str
    due: date | None = None


def measured_achievement(
    goal: Content, series: Sequence[Series], measures: Measures, *, as_of: datetime, zone: tzinfo
) -> Achievement | None:
    """What the measurements say of a goal; None where none of its targets is measured by the catalogue.

    A target is judged by the latest reading, after its due date by the latest one until then. Of several targets the
    least favourable counts. One that was never measured is in progress, and after its due date not achieved.
    """
    found = [_achieved(goal, target, series, measures, as_of, zone) for target in goal.get("target", ())]
    known = [each for each in found if each is not None]
    return min(known, key=_LEAST_FAVOURABLE.index, default=None)


def is_met(goal: Content, series: Series, measures: Measures) -> bool | None:
    """Whether the latest reading meets every target that is about the series; None where none is, or none is clear."""
    wanted = [_wanted(each, series) for each in goal.get("target", ()) if _is_about(each, series, measures)]
    clear = [each for each in wanted if each is not None]
    return all(_reaches(series.readings[-1], each) for each in clear) if clear else None


def reached_of(goals: Iterable[Content], series: Series, measures: Measures, zone: tzinfo) -> Reached | None:
    """What became of the values that goals ask of the series; None where none does, or none is clear."""
    found: list[tuple[bool, bool]] = []
    for goal in goals:
        for target in goal.get("target", ()):
            wanted = _wanted(target, series) if _is_about(target, series, measures) else None
            if wanted is not None:
                in_time = _in_time(series, due_of(goal, target, zone))
                found.append((_reaches(series.readings[-1], wanted), bool(in_time) and _reaches(in_time[-1], wanted)))
    if not found:
        return None
    is_now, was_in_time = (all(each) for each in zip(*found, strict=True))
    if is_now:
        return "reached" if was_in_time else "late"
    return "lost" if was_in_time else "not-reached"


def is_about(goal: Content, series: Series, measures: Measures) -> bool:
    """Whether a target of the goal is about the series, with a number or without."""
    return any(_is_about(each, series, measures) for each in goal.get("target", ()))


def targets_of(goal: Content, series: Series, measures: Measures, zone: tzinfo) -> tuple[Target, ...]:
    """What the goal's targets ask of the series; those that are about another, or not clear, are left out."""
    about = [each for each in goal.get("target", ()) if _is_about(each, series, measures)]
    clear = [(each, wanted) for each in about if (wanted := _wanted(each, series)) is not None]
    found = []
    for target, wanted in clear:
        due = due_of(goal, target, zone)
        day = None if due is None else last_day(due, zone)
        name = f"Goal/{goal.get('id', '')}"
        found.append(Target(goal=name, value=wanted.value, comparator=wanted.comparator, due=day))
    return tuple(found)


def _achieved(
    goal: Content, target: Content, series: Sequence[Series], measures: Measures, as_of: datetime, zone: tzinfo
) -> Achievement | None:
    if measures.of(target.get("measure", {})) is None:
        return None
    due = due_of(goal, target, zone)
    is_over = due is not None and as_of >= due
    about = [each for each in series if _is_about(target, each, measures)]
    clear = [(each, wanted) for each in about if (wanted := _wanted(target, each)) is not None]
    if not about:
        return "not-achieved" if is_over else "in-progress"
    if len(clear) != 1:
        # in no unit that was measured, or at several sites of which the target names none
        return None
    ((one, wanted),) = clear
    in_time = _in_time(one, due)
    if in_time and _reaches(in_time[-1], wanted):
        return "achieved"
    return "not-achieved" if is_over else _BY_PROGRESS[compared(one).progress]


def _in_time(series: Series, due: datetime | None) -> list[Reading]:
    return [each for each in series.readings if due is None or each.moment.low < due]


def _is_about(target: Content, series: Series, measures: Measures) -> bool:
    measure = measures.of(target.get("measure", {}))
    if measure is None or measure.code != series.measure.code:
        return False
    return not measure.variant or measure.variant == series.measure.variant


def _reaches(reading: Reading, wanted: _Wanted) -> bool:
    return _COMPARATORS[wanted.comparator](reading.value, wanted.value)


def _wanted(target: Content, series: Series) -> _Wanted | None:
    """The number that a target asks for; None where it has none, or none in the unit of the series."""
    direction = series.measure.row.direction
    if direction is None:
        return None
    towards = "<=" if direction == "lower" else ">="
    given: tuple[Decimal, str | None] | None
    if "detailInteger" in target:
        given = Decimal(target["detailInteger"]), None
    elif "detailQuantity" in target:
        quantity = target["detailQuantity"]
        if "value" not in quantity:
            return None
        given = Decimal(str(quantity["value"])), unit_of(quantity)
        said = quantity.get("comparator")
        towards = said if said in _COMPARATORS else towards
    else:
        # the end of a range that is the nearer to where the measure comes from
        end = target.get("detailRange", {}).get("high" if direction == "lower" else "low", {})
        given = number_of(end)
    if given is None:
        return None
    units = tuple(each.unit for each in series.measure.row.values)
    found = fitting(given[0], given[1], units)
    return _Wanted(found[0], towards) if found is not None and found[1] == series.unit else None


def due_of(goal: Content, target: Content, zone: tzinfo) -> datetime | None:
    """The instant at which a target's time is over: the end of its due date; None where it has none that is known."""
    text = target.get("dueDate")
    if text is None:
        text = _after(goal.get("startDate"), target.get("dueDuration", {}))
    due = range_of(text, zone) if text else None
    return due.high if due else None


def last_day(due: datetime, zone: tzinfo) -> date:
    """The day that ends at the instant at which a target's time is over."""
    return (due - _INSTANT).astimezone(zone).date()


def _after(start: Any, duration: Content) -> str | None:
    """The date that is a duration of days, weeks, months or years after a full date."""
    count = duration.get("value")
    if not isinstance(start, str) or len(start) != len("2026-01-12") or count is None or count != int(count):
        return None
    began, code = date.fromisoformat(start), str(duration.get("code"))
    try:
        if code in _DAYS:
            return (began + timedelta(days=int(count) * _DAYS[code])).isoformat()
        if code in _MONTHS:
            years, month = divmod(began.month - 1 + int(count) * _MONTHS[code], 12)
            year = began.year + years
            return date(year, month + 1, min(began.day, calendar.monthrange(year, month + 1)[1])).isoformat()
    except (OverflowError, ValueError):
        # beyond the calendar
        return None
    return None
