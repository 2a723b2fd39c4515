"""Units of measure: what the random data measures in, as multiples of UCUM's base units (http://unitsofmeasure.org)."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

UCUM: Final = "http://unitsofmeasure.org"

_UNITS: Final[dict[str, tuple[str, Fraction]]] = {
    "m": ("m", Fraction(1)),
    "cm": ("m", Fraction(1, 100)),
    "mm": ("m", Fraction(1, 1000)),
    "s": ("s", Fraction(1)),
    "min": ("s", Fraction(60)),
    "h": ("s", Fraction(3600)),
    "d": ("s", Fraction(86400)),
    "g": ("g", Fraction(1)),
    "kg": ("g", Fraction(1000)),
    "mg": ("g", Fraction(1, 1000)),
    "[lb_av]": ("g", Fraction("453.59237")),
}


def factor(unit: str, other: str) -> Fraction | None:
    """How many of the other unit one unit is; None where they measure different things, or one of them is unknown."""
    if unit == other:
        return Fraction(1)
    if unit not in _UNITS or other not in _UNITS or _UNITS[unit][0] != _UNITS[other][0]:
        return None
    return _UNITS[unit][1] / _UNITS[other][1]
