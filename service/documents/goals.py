"""Goals as a reader sees them: what each asks for, where the measurements stand, and how far it is reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.documents import words
from service.documents.charts import in_words, plain
from service.documents.paper import Table
from service.massage.outcome import compared, is_about, targets_of, unit_in_words
from service.massage.outcome.goals import due_of, last_day

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
    rows = [_row(name, series, _in_numbers(targets), achieved) for series, targets in measured if targets]
    if rows:
        return rows
    about = [each for each in case.series if is_about(goal, each, case.measures)]
    if about:
        return [_row(name, series, _without_numbers(goal, case), achieved) for series in about]
    measures = [case.measures.of(each.get("measure", {})) for each in goal.get("target", ())]
    displays = ", ".join(dict.fromkeys(each.display for each in measures if each is not None))
    return [(name, displays or "none named", _without_numbers(goal, case), "not measured", "not measured", achieved)]


def _in_numbers(targets: Sequence[Target]) -> str:
    return "; ".join(in_words(each).removeprefix("goal: ") for each in targets)


def _without_numbers(goal: Content, case: Case) -> str:
    """What the targets ask for in words, and by when; empty where they do not say."""
    found = []
    for target in goal.get("target", ()):
        quantity = target.get("detailQuantity", {})
        number = f"{quantity.get('value', '')} {quantity.get('unit', quantity.get('code', ''))}".strip()
        said = str(target.get("detailString") or words.concept(target.get("detailCodeableConcept")) or number)
        due = due_of(goal, target, case.zone)
        by = f"by {last_day(due, case.zone).isoformat()}" if due is not None else ""
        found.append(" ".join(filter(None, (said, by))))
    return "; ".join(dict.fromkeys(filter(None, found)))


def _row(name: str, series: Series, wanted: str, achieved: str) -> tuple[str, ...]:
    comparison = compared(series)
    unit = unit_in_words(series.unit)
    ends = (comparison.baseline, comparison.latest)
    return (name, f"{series.measure.display}, in {unit}", wanted, *(plain(each.value) for each in ends), achieved)
