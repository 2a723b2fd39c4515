"""An outcome summary as Parameters: one `instrument` for each series, in the catalogue's order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from service.fhir.code_systems import GOAL_ACHIEVEMENT, LOINC
from service.fhir.stamp import instant_text
from service.massage.outcome import achievement_of, compared, is_met, reached_of, told
from service.massage.outcome.achievement import measured_by
from service.massage.systems import OUTCOME

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, tzinfo
    from decimal import Decimal

    from service.fhir.resource import Content
    from service.massage.catalogue.rows import Source
    from service.massage.outcome import Comparison, LeftOut, Measures, Reading, Series
    from service.massage.outcome.comparison import Threshold

Part = dict[str, Any]


class Summary(Struct, frozen=True, kw_only=True):
    """What is told: series, what does not count, the goals that somebody works towards, numbers of sessions.

    `unread` are the types that the client may not read, and that were not looked at.
    """

    as_of: datetime
    zone: tzinfo
    series: tuple[Series, ...]
    left_out: tuple[LeftOut, ...]
    goals: tuple[Content, ...]
    sessions: Mapping[str, int]
    unread: tuple[str, ...]


def parameters(summary: Summary, measures: Measures) -> Content:
    """The Parameters resource of a summary."""
    found: list[Part] = [{"name": "asOf", "valueInstant": instant_text(summary.as_of)}]
    narratives = []
    for series in summary.series:
        instrument, narrative = _instrument(series, summary, measures)
        found.append(instrument)
        narratives.append(narrative)
    found += [each for goal in summary.goals if (each := _goal(goal, summary, measures)) is not None]
    if summary.sessions:
        part = [{"name": name, "valueInteger": count} for name, count in summary.sessions.items()]
        found.append({"name": "sessions", "part": part})
    found += [_left_out(each) for each in summary.left_out]
    found += [{"name": "unread", "valueCode": name} for name in summary.unread]
    text = " ".join(narratives) or "Nothing that counts was measured in this episode."
    return {"resourceType": "Parameters", "parameter": [*found, {"name": "narrative", "valueString": text}]}


def _instrument(series: Series, summary: Summary, measures: Measures) -> tuple[Part, str]:
    comparison = compared(series)
    goals = [(goal, is_reached) for goal in summary.goals if (is_reached := is_met(goal, series, measures)) is not None]
    goal_met = all(each for _, each in goals) if goals else None
    reached = reached_of(summary.goals, series, measures, summary.zone)
    narrative = told(comparison, measures.sources, reached=reached)
    part: list[Part] = [
        *_what(series),
        _reading("baseline", comparison.baseline),
        _reading("latest", comparison.latest),
        *([_reading("best", comparison.best)] if comparison.best else []),
        *([_reading("worst", comparison.worst)] if comparison.worst else []),
        *_decimal("change", comparison.change),
        *_decimal("percentChange", comparison.percent),
        *([_threshold(comparison, comparison.threshold, measures.sources)] if comparison.threshold else []),
        {"name": "class", "valueCode": comparison.progress},
        {"name": "trend", "valueCode": comparison.trend},
        *_decimal("changePerWeek", comparison.per_week),
        *({"name": "goal", "valueReference": _reference(f"Goal/{goal['id']}")} for goal, _ in goals),
        *([{"name": "goalMet", "valueBoolean": goal_met}] if goal_met is not None else []),
        *(_point(each) for each in series.readings),
        {"name": "narrative", "valueString": narrative},
    ]
    return {"name": "instrument", "part": part}, narrative


def _what(series: Series) -> list[Part]:
    """Which measure it is, in which unit, at which site and by which method."""
    measure = series.measure
    part: list[Part] = [
        {"name": "code", "valueCoding": {"system": OUTCOME, "code": measure.code, "display": measure.display}}
    ]
    if measure.loinc:
        part.append({"name": "loinc", "valueCoding": {"system": LOINC, "code": measure.loinc}})
    if measure.row.direction:
        part.append({"name": "direction", "valueCode": measure.row.direction})
    part.append({"name": "unit", "valueCode": series.unit})
    part += [{"name": "bodySite", "valueString": series.site}] if series.site else []
    part += [{"name": "method", "valueString": series.method}] if series.method else []
    return part


def _reading(name: str, reading: Reading) -> Part:
    return {"name": name, "part": _measured(reading, "effective")}


def _point(reading: Reading) -> Part:
    return {"name": "series", "part": _measured(reading, "date")}


def _measured(reading: Reading, when: str) -> list[Part]:
    return [
        {"name": "value", "valueDecimal": reading.value},
        {"name": when, "valueDateTime": reading.effective},
        {"name": "observation", "valueReference": _reference(reading.observation)},
    ]


def _threshold(comparison: Comparison, threshold: Threshold, sources: Mapping[str, Source]) -> Part:
    part = [
        *_decimal("value", threshold.change),
        *_decimal("percent", threshold.percent),
        *_decimal("detectable", threshold.detectable),
        *([{"name": "basis", "valueCode": comparison.basis}] if comparison.basis else []),
        {"name": "text", "valueString": threshold.text},
        *(
            {"name": "source", "valueString": sources[each].display if each in sources else each}
            for each in threshold.sources
        ),
    ]
    return {"name": "threshold", "part": part}


def _goal(goal: Content, summary: Summary, measures: Measures) -> Part | None:
    """A goal of the catalogue's measures; without `achievement` where nothing says how far it is."""
    achieved = achievement_of(goal, summary.series, measures, as_of=summary.as_of, zone=summary.zone)
    if achieved is None and not measured_by(goal, measures):
        return None
    part: list[Part] = [{"name": "reference", "valueReference": _reference(f"Goal/{goal['id']}")}]
    if achieved is not None:
        part.append({"name": "achievement", "valueCoding": {"system": GOAL_ACHIEVEMENT, "code": achieved}})
    return {"name": "goal", "part": part}


def _left_out(each: LeftOut) -> Part:
    part = [
        {"name": "observation", "valueReference": _reference(each.observation)},
        {"name": "code", "valueCoding": {"system": OUTCOME, "code": each.measure.code}},
        {"name": "reason", "valueCode": each.reason},
        {"name": "text", "valueString": each.text},
    ]
    return {"name": "leftOut", "part": part}


def _decimal(name: str, value: Decimal | None) -> list[Part]:
    return [] if value is None else [{"name": name, "valueDecimal": value}]


def _reference(reference: str) -> dict[str, str]:
    return {"reference": reference}
