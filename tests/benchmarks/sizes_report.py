"""The tables of the searches at several sizes, their goals, and their part of the JSON file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.table import Table

from tests.benchmarks.goals import Goal
from tests.benchmarks.questions import TWO_CRITERIA
from tests.benchmarks.sizes import BARE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.sizes import Answered, Sized

_COMPARED_TO: Final = 10_000
"""The size whose p50 is the measure of the largest one's."""
_MOST_TIMES: Final = 1.5
_MOST_MILLISECONDS: Final = 100
_LEAST_OF_BARE: Final = 0.6
_LEAST_LOADED: Final = 2500


def sizes_table(sized: Sequence[Sized]) -> Table:
    """Every question at every size: entries, p50 and p99 of one client in ms, requests per second of many."""
    table = Table(
        title="Searches by number of resources: entries of an answer: p50 / p99 in ms of one client, requests/s of many"
    )
    table.add_column("search")
    for one in sized:
        table.add_column(f"{one.count:,}", justify="right")
    table.add_column("growth", justify="right")
    for name in _names(sized):
        found = [one.answers.get(name) for one in sized]
        growth = _growth(sized, name)
        table.add_row(name, *map(_cell, found), "" if growth is None else f"{growth:.2f}")
    table.add_row("loading, resources/s", *(f"{one.load_rate:,.0f}" for one in sized))
    table.add_row("database, MB", *(f"{one.megabytes:,.0f}" for one in sized))
    scanned = [", ".join(sorted({table for plan in one.plans for table in plan.scanned})) for one in sized]
    table.add_row("read from end to end", *(tables or "nothing" for tables in scanned))
    return table


def sizes_goals(sized: Sequence[Sized]) -> list[Goal]:
    """What the searches are to reach; growth only where the sizes to compare were measured."""
    largest = sized[-1]
    found: list[Goal] = []
    for name in _names(sized):
        growth = _growth(sized, name)
        if growth is not None and name != BARE:
            found.append(Goal(name=f"{name}: p50, largest / 10,000", value=growth, unit="", limit=_MOST_TIMES))
    answered = {name: one for name, one in largest.answers.items() if not one.refused}
    slowest = max((max(one.p99, one.first_p99) for name, one in answered.items() if name != BARE), default=0.0)
    name = "slowest p99 of one client, first answers included"
    found.append(Goal(name=name, value=slowest, unit="ms", limit=_MOST_MILLISECONDS))
    if TWO_CRITERIA in answered:
        of_bare = answered[TWO_CRITERIA].of(answered[BARE])
        found.append(Goal(name=f"{TWO_CRITERIA} / {BARE}", value=of_bare, unit="", limit=_LEAST_OF_BARE, at_least=True))
    found.append(Goal(name="loading", value=largest.load_rate, unit="resources/s", limit=_LEAST_LOADED, at_least=True))
    scans = float(sum(len(plan.scanned) for one in sized for plan in one.plans))
    found.append(Goal(name="sequential scans in the plans", value=scans, unit="", limit=0))
    refused = float(sum(bool(one.refused) for one in largest.answers.values()))
    found.append(Goal(name="searches that are not answered", value=refused, unit="", limit=0))
    return found


def sizes_json(sized: Sequence[Sized]) -> list[dict[str, Any]]:
    """Everything that the table shows, with every plan."""
    return [
        {
            "resources": one.count,
            "load_resources_per_second": one.load_rate,
            "megabytes": one.megabytes,
            "searches": {name: _as_json(answered) for name, answered in one.answers.items()},
            "plans": {plan.question: plan.text for plan in one.plans},
            "scanned": sorted({table for plan in one.plans for table in plan.scanned}),
        }
        for one in sized
    ]


def _names(sized: Sequence[Sized]) -> list[str]:
    return list(dict.fromkeys(name for one in sized for name in one.answers))


def _growth(sized: Sequence[Sized], name: str) -> float | None:
    """How many times the p50 at 10,000 the p50 at the largest size is."""
    small = next((one.answers.get(name) for one in sized if one.count == _COMPARED_TO), None)
    large = sized[-1].answers.get(name) if sized[-1].count > _COMPARED_TO else None
    if small is None or large is None or small.refused or large.refused:
        return None
    return large.times(small)


def _cell(answered: Answered | None) -> str:
    if answered is None:
        return ""
    if answered.refused:
        return f"refused: {answered.refused}"
    return f"{answered.entries:.0f}: {answered.p50:.2f} / {answered.p99:.2f}  {answered.rate:,.0f}/s"


def _as_json(answered: Answered) -> dict[str, Any]:
    if answered.refused:
        return {"refused": answered.refused}
    return {
        "entries": answered.entries,
        "p50_milliseconds": answered.p50,
        "round_p50_milliseconds": [one.p50 for one in answered.alone],
        "p99_milliseconds": answered.p99,
        "first_p99_milliseconds": answered.first_p99,
        "requests_per_second": answered.rate,
    }
