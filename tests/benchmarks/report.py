"""The tables that people read and the JSON that programs compare."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.generator import Measured
    from tests.benchmarks.goals import Goal
    from tests.benchmarks.rounds import Row


TITLE: Final = "Medians over the rounds; `bare` is FastAPI + asyncpg with one row and no FHIR"


def loads_table(rows: Sequence[Row], title: str = TITLE) -> Table:
    """Requests per second and latencies of every row, beside the yardstick's."""
    table = Table(title=title)
    table.add_column("interaction")
    for heading in ("clients", "requests/s", "p50 ms", "p99 ms", "bare /s", "bare p50", "bare p99", "ratio", "spread"):
        table.add_column(heading, justify="right")
    table.add_column("load generator", justify="right")
    for row in rows:
        ratios = sorted(one.rate / other.rate for one, other in zip(row.service, row.yardstick, strict=True))
        table.add_row(
            row.name,
            str(row.clients),
            *_numbers(row.service),
            *_numbers(row.yardstick),
            f"{row.ratio:.2f}",
            f"{ratios[0]:.2f}-{ratios[-1]:.2f}",
            f"{100 * row.generator_share:.0f} % of a core",
        )
    return table


def goals_table(goals: Sequence[Goal]) -> Table:
    """Every goal, and whether it is met."""
    table = Table(title="Goals")
    table.add_column("measured")
    table.add_column("value", justify="right")
    table.add_column("goal", justify="right")
    table.add_column("met")
    for goal in goals:
        sign = "≥" if goal.at_least else "≤"
        met = "[green]yes[/green]" if goal.met else "[red]NO[/red]"
        table.add_row(goal.name, f"{goal.value:.2f} {goal.unit}", f"{sign} {goal.limit:g} {goal.unit}", met)
    return table


def as_json(rows: Sequence[Row], goals: Sequence[Goal]) -> dict[str, Any]:
    """Everything that the tables show, with every round."""
    return {
        "loads": [
            {
                "name": row.name,
                "clients": row.clients,
                "ratio": row.ratio,
                "generator_share": row.generator_share,
                "service": [_as_json(measured) for measured in row.service],
                "yardstick": [_as_json(measured) for measured in row.yardstick],
            }
            for row in rows
        ],
        "goals": [
            {"name": goal.name, "value": goal.value, "unit": goal.unit, "limit": goal.limit, "met": goal.met}
            for goal in goals
        ],
    }


def _numbers(measured: Sequence[Measured]) -> tuple[str, str, str]:
    return (
        f"{median(one.rate for one in measured):,.0f}",
        f"{median(one.p50 for one in measured):.2f}",
        f"{median(one.p99 for one in measured):.2f}",
    )


def _as_json(measured: Measured) -> dict[str, float]:
    return {
        "requests": measured.requests,
        "requests_per_second": measured.rate,
        "p50_milliseconds": measured.p50,
        "p99_milliseconds": measured.p99,
    }
