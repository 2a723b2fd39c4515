"""Quantities, and how two of them compare when their units do.

There is no UCUM library behind this: the units that clinics write durations, lengths and masses in convert into each
other; any other unit compares with itself only. https://hl7.org/fhirpath/N1/#quantity
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

CALENDAR: Final[Mapping[str, str]] = {
    word + plural: word
    for word in ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
    for plural in ("", "s")
}
"""FHIRPath's calendar units, singular and plural, with their singular."""

_SCALES: Final[Mapping[str, tuple[str, Decimal]]] = {
    "ms": ("s", Decimal("0.001")), "millisecond": ("s", Decimal("0.001")),
    "s": ("s", Decimal(1)), "second": ("s", Decimal(1)),
    "min": ("s", Decimal(60)), "minute": ("s", Decimal(60)),
    "h": ("s", Decimal(3600)), "hour": ("s", Decimal(3600)),
    "d": ("s", Decimal(86400)), "day": ("s", Decimal(86400)),
    "wk": ("s", Decimal(604800)), "week": ("s", Decimal(604800)),
    "mm": ("m", Decimal("0.001")), "cm": ("m", Decimal("0.01")), "m": ("m", Decimal(1)), "km": ("m", Decimal(1000)),
    "ug": ("g", Decimal("0.000001")), "mg": ("g", Decimal("0.001")), "g": ("g", Decimal(1)), "kg": ("g", Decimal(1000)),
    "uL": ("L", Decimal("0.000001")), "mL": ("L", Decimal("0.001")), "L": ("L", Decimal(1)),
}  # fmt: skip
"""Unit → the unit it converts to, and by which factor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A quantity: a decimal with a UCUM unit ("1" for none), or with a calendar duration's unit."""

    value: Decimal
    unit: str
    calendar: bool = False

    def __str__(self) -> str:
        if not self.calendar:
            return f"{self.value} '{self.unit}'"
        return f"{self.value} {self.unit if self.value == 1 else self.unit + 's'}"


def quantity_of(content: Any) -> Quantity | None:
    """A FHIR Quantity (or a number) as a quantity; None for what has no value or is something else."""
    match content:
        case Quantity():
            return content
        case bool():
            return None
        case int() | Decimal():
            return Quantity(value=Decimal(content), unit="1")
        case {"value": (int() | Decimal()) as value} if not isinstance(value, bool):
            unit = content.get("code") or content.get("unit") or "1"
            return Quantity(value=Decimal(value), unit=unit) if isinstance(unit, str) else None
        case _:
            return None


def compare_quantities(left: Quantity, right: Quantity) -> int | None:
    """-1, 0 or 1 as `left` is less than, equal to or more than `right`; None where their units do not compare.

    A calendar year or month compares with itself only, because it has no fixed length.
    """
    if left.unit == right.unit and (left.calendar is right.calendar or left.unit in _SCALES):
        return (left.value > right.value) - (left.value < right.value)
    (one, unit), (other, same) = scaled(left), scaled(right)
    if unit != same or left.unit not in _SCALES or right.unit not in _SCALES:
        return None
    return (one > other) - (one < other)


def scaled(quantity: Quantity) -> tuple[Decimal, str]:
    """The value and unit of a quantity in the unit that its own converts to, if there is one."""
    unit, factor = _SCALES.get(quantity.unit, (quantity.unit, Decimal(1)))
    return quantity.value * factor, unit
