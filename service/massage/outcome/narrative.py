"""A comparison in words: what was measured, and what the source of the catalogue calls it; nothing beyond that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.massage.catalogue.rows import INTERNAL

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from service.massage.catalogue.rows import Source
    from service.massage.outcome.comparison import Comparison, Threshold
    from service.massage.outcome.goals import Reached
    from service.massage.outcome.reading import Reading

_UNITS: Final = {"{score}": "points", "{visit}": "visits", "deg": "degrees", "d": "days", "d/wk": "days a week"}


def unit_in_words(unit: str) -> str:
    """A UCUM unit as it is said; as it is where there is no other word for it."""
    return _UNITS.get(unit, unit)


_OF_GOALS: Final[Mapping[Reached, str]] = {
    "reached": "By the latest measurement the goal is met.",
    "late": "By the latest measurement the value of the goal is reached, after the due date.",
    "lost": "The goal was met by its due date; by the latest measurement its value is not reached any more.",
    "not-reached": "By the latest measurement the goal is not met.",
}


def told(comparison: Comparison, sources: Mapping[str, Source], *, reached: Reached | None = None) -> str:
    """Two to four sentences; `reached` None where no goal is about the measure."""
    series = comparison.series
    unit = unit_in_words(series.unit)
    latest = comparison.latest
    if comparison.change is None:
        sentences = [
            f"{series.measure.display}: {_at(latest)}, in {unit}.",
            "One measurement alone says nothing of a change.",
        ]
    else:
        count = len(series.readings)
        ends = f"{_at(comparison.baseline)}, then {_at(latest)}, in {unit}"
        sentences = [
            f"{series.measure.display}: {ends}; {count} measurements{_best(comparison)}.",
            _change(comparison, sources, unit),
        ]
    if reached is not None:
        sentences.append(_OF_GOALS[reached])
    return " ".join(sentences)


def _best(comparison: Comparison) -> str:
    direction = comparison.series.measure.row.direction
    if comparison.best is None or direction is None:
        return ""
    return f", the best {_plain(comparison.best.value)} ({direction} is better)"


def _change(comparison: Comparison, sources: Mapping[str, Source], unit: str) -> str:
    change, percent, threshold = comparison.change, comparison.percent, comparison.threshold
    size = "It has not changed"
    if change:
        size = f"It has {'fallen' if change < 0 else 'risen'} by {_plain(abs(change))}"
        size += "" if percent is None else f" ({_plain(abs(percent))} %)"
    match comparison.progress:
        case "improved" | "worse" if threshold:
            word = "an improvement" if comparison.progress == "improved" else "a worsening"
            return f"{size}, which is {word}{_source(threshold, sources)}: {threshold.text}."
        case "no-change" if threshold:
            return f"{size}, which is less than what counts{_source(threshold, sources)}: {threshold.text}."
        case "below-mdc" if threshold:
            said = f"{_source(threshold, sources)}: {threshold.text}"
            return f"{size}, which may be the measuring ({_plain(threshold.detectable)} {unit}{said})."
    return f"{size}. How large a change matters to a patient is not known for this measure and unit."


def _source(threshold: Threshold, sources: Mapping[str, Source]) -> str:
    """By whom it is said, for a reader outside; empty where no source is theirs to know."""
    named = [sources[each].display if each in sources else each for each in threshold.sources if each not in INTERNAL]
    return f" by {', '.join(named)}" if named else ""


def _at(reading: Reading) -> str:
    return f"{_plain(reading.value)} on {reading.effective[:10]}"


def _plain(value: Decimal | None) -> str:
    return "" if value is None else f"{value.normalize():f}"
