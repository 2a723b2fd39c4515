"""Timed units: how many times a quarter of an hour of hands-on time is billed.

A unit that was begun counts from its eighth minute on (HNS: timed codes are for 15 minutes, less than 8 minutes are not
billable); the bands of the units after the first follow from that by arithmetic.
"""

from __future__ import annotations

from typing import Any, Final

from service.fhir.outcome import CANONICAL

TIMED_UNITS: Final = f"{CANONICAL}/StructureDefinition/timed-units"
"""The extension of a session that says them."""

UNIT_MINUTES: Final = 15
LEAST_MINUTES: Final = 8
"""Of a unit, to be billed."""


def timed_units(minutes: int, unit_minutes: int = UNIT_MINUTES, least_minutes: int = LEAST_MINUTES) -> int:
    """Units of whole minutes of hands-on time: 7 are none, 8 to 22 one, 23 to 37 two."""
    whole, begun = divmod(max(minutes, 0), unit_minutes)
    return whole + (begun >= least_minutes)


def said_units(procedure: dict[str, Any]) -> int | None:
    """The units that a session's extension says; None where it has none."""
    found = (one.get("valueUnsignedInt") for one in procedure.get("extension", ()) if one.get("url") == TIMED_UNITS)
    return next(found, None)
