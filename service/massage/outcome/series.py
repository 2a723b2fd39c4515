"""Measurements that may be compared with each other: of one measure, in one unit, at one site, by one method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from service.massage.outcome.reading import LeftOut, read

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, tzinfo
    from decimal import Decimal

    from service.fhir.resource import Content
    from service.massage.outcome.measures import Measure, Measures
    from service.massage.outcome.reading import Reading


class Series(Struct, frozen=True, kw_only=True):
    """At least one reading, in the order in which they were measured."""

    measure: Measure
    unit: str
    site: str
    method: str
    readings: tuple[Reading, ...]


def collect(
    observations: Iterable[Content],
    measures: Measures,
    zone: tzinfo,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> tuple[list[Series], list[LeftOut]]:
    """The series of Observations, in the order of the catalogue, and what does not count.

    What was measured before `since` does not count, as a referral has its baseline on the day of the order or later;
    what was measured after `until` is passed over. What they come to does not depend on the order of `observations`.
    """
    groups: dict[tuple[int, str, str, str, str], list[Reading]] = {}
    left_out: list[LeftOut] = []
    for observation in observations:
        measure = measures.of(observation.get("code", {}))
        if measure is None:
            continue
        found = read(observation, measure, zone)
        if isinstance(found, LeftOut):
            left_out.append(found)
        elif since is not None and found.moment.high <= since:
            text = "It was measured before the referral."
            left_out.append(LeftOut(observation=found.observation, measure=measure, reason="early", text=text))
        elif until is None or found.moment.low <= until:
            key = (measures.place(measure), measure.variant, found.unit, found.site, found.method)
            groups.setdefault(key, []).append(found)
    series = [_series(groups[key]) for key in sorted(groups)]
    return series, sorted(left_out, key=lambda each: (measures.place(each.measure), each.observation))


def _series(readings: list[Reading]) -> Series:
    one = readings[0]
    ordered = tuple(sorted(readings, key=_order))
    return Series(measure=one.measure, unit=one.unit, site=one.site, method=one.method, readings=ordered)


def _order(reading: Reading) -> tuple[datetime, datetime, datetime, Decimal, str]:
    """By time; of two at the same time the better first, so that neither end of a series flatters."""
    better_first = reading.value if reading.measure.row.direction == "lower" else -reading.value
    return reading.moment.low, reading.moment.high, reading.issued, better_first, reading.observation
