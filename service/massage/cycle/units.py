"""Timed units: how many times a quarter of an hour of hands-on time is billed.

A unit that was begun counts from its eighth minute on (HNS: timed codes are for 15 minutes, less than 8 minutes are not
billable); the bands of the units after the first follow from that by arithmetic. A payer may count otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.outcome import CANONICAL
from service.massage.cycle.moment import minutes_between

if TYPE_CHECKING:
    from service.fhir.resource import Content

TIMED_UNITS: Final = f"{CANONICAL}/StructureDefinition/timed-units"
"""The extension of a session that says them."""

UNIT_MINUTES: Final = 15
LEAST_MINUTES: Final = 8
"""Of a unit that was begun, to be billed."""


def timed_units(minutes: int, unit_minutes: int = UNIT_MINUTES, least_minutes: int = LEAST_MINUTES) -> int:
    """Units of whole minutes of hands-on time: 7 are none, 8 to 22 one, 23 to 37 two."""
    whole, begun = divmod(max(minutes, 0), unit_minutes)
    return whole + (begun >= least_minutes)


def minutes_of(procedure: Content) -> int | None:
    """The whole minutes that a session lasted; None where it does not say from when to when."""
    period = procedure.get("performedPeriod", {})
    return minutes_between(period.get("start"), period.get("end"))


def said_units(procedure: Content) -> int | None:
    """The units that a session's extension says; None where it has none."""
    found = (one.get("valueUnsignedInt") for one in procedure.get("extension", ()) if one.get("url") == TIMED_UNITS)
    return next(found, None)


def with_units(procedure: Content, units: int) -> dict[str, Any]:
    """The session with its extension."""
    others = [one for one in procedure.get("extension", ()) if one.get("url") != TIMED_UNITS]
    return {**procedure, "extension": [*others, {"url": TIMED_UNITS, "valueUnsignedInt": units}]}
