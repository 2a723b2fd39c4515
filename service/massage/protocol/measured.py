"""The latest measurement of each outcome measure, as a goal starts from it; only what a trend would count does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.massage.outcome.reading import Reading, read
from service.massage.protocol.goals import aim_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import tzinfo
    from decimal import Decimal

    from service.fhir.resource import Content
    from service.massage.outcome.measures import Measures


def latest(
    observations: Iterable[Content], codes: Collection[str], measures: Measures, zone: tzinfo
) -> dict[str, Decimal]:
    """Code of a measure → the latest value in the first of its units; without those that were not measured so.

    Raw scores and percentages are never converted; `zone` is that of times without one.
    """
    found: dict[str, Reading] = {}
    for each in observations:
        measure = measures.of(each.get("code", {}))
        if measure is None or measure.code not in codes:
            continue
        reading = read(each, measure, zone)
        if not isinstance(reading, Reading) or reading.unit != aim_of(measure.code, measure.row).unit:
            continue
        if measure.code not in found or found[measure.code].moment.low <= reading.moment.low:
            found[measure.code] = reading
    return {code: reading.value for code, reading in found.items()}


def is_measured(observation: Content, codes: Collection[str], measures: Measures) -> bool:
    """Whether an Observation is of one of the measures."""
    measure = measures.of(observation.get("code", {}))
    return measure is not None and measure.code in codes
