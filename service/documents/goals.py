"""Goals as a reader sees them: what each asks for, where the measurements stand, and how far it is reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.documents import words
from service.documents.charts import in_words, plain
from service.documents.paper import Table
from service.massage.outcome import compared, targets_of, unit_in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.documents.case import Case
    from service.fhir.resource import Content
    from service.massage.outcome import Series, Target


def goal_table(case: Case) -> Table:
    """One row for each goal and measure that it is about."""
    head = ("Goal", "Measure", "Target", "Baseline", "Latest", "Reached")
    rows = [row for goal in case.goals for row in _rows(case, goal)]
    return Table("Goals of the plan", head, tuple(rows))


def targets_in_words(targets: Sequence[Target]) -> str:
    """What goals ask of a measure."""
    return " ".join(f"{each[:1].upper()}{each[1:]}." for each in map(in_words, targets))


def _rows(case: Case, goal: Content) -> list[tuple[str, ...]]:
    name = words.concept(goal.get("description")) or words.UNKNOWN
    achieved = (case.achievement(goal) or words.UNKNOWN).replace("-", " ")
    measured = [(series, targets_of(goal, series, case.measures, case.zone)) for series in case.series]
    rows = [_row(name, series, targets, achieved) for series, targets in measured if targets]
    if rows:
        return rows
    wanted = [case.measures.of(each.get("measure", {})) for each in goal.get("target", ())]
    displays = ", ".join(each.display for each in wanted if each is not None)
    return [(name, displays or "none named", "", "not measured", "not measured", achieved)]


def _row(name: str, series: Series, targets: Sequence[Target], achieved: str) -> tuple[str, ...]:
    comparison = compared(series)
    unit = unit_in_words(series.unit)
    wanted = "; ".join(in_words(each).removeprefix("goal: ") for each in targets)
    ends = (comparison.baseline, comparison.latest)
    return (name, f"{series.measure.display}, in {unit}", wanted, *(plain(each.value) for each in ends), achieved)
