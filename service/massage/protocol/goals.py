"""Goals by the catalogue's measures: how much better, in which unit, and how that is said in words."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.massage.catalogue.published import LOINC, canonical

if TYPE_CHECKING:
    from service.fhir.resource import Content
    from service.massage.catalogue.rows import OutcomeMeasure

UCUM: Final = "http://unitsofmeasure.org"
MEASURES: Final = canonical("CodeSystem", "massage-outcome")

_SHOWN: Final = {"{score}": "points", "deg": "degrees", "d": "days", "d/wk": "days a week"}


class Aim(Struct, frozen=True, kw_only=True):
    """What a goal is about: `by` is the change that it takes (None: none is known), after `source`."""

    code: str
    display: str
    unit: str
    sign: int
    low: Decimal | None
    high: Decimal | None
    by: Decimal | None
    source: str

    def wanted(self, first: Decimal) -> Decimal | None:
        """The value to reach from a first measurement, within the range of the measure; None where none is known."""
        if self.by is None:
            return None
        value = first + self.sign * self.by
        if self.low is not None:
            value = max(value, self.low)
        return value if self.high is None else min(value, self.high)

    def words(self, wanted: Decimal | None = None) -> str:
        """The goal in plain words, with the value where it is known."""
        unit = _SHOWN.get(self.unit, self.unit)
        if wanted is not None:
            limit = "at most" if self.sign < 0 else "at least"
            return f"{self.display}: {limit} {wanted} {unit}"
        way = "lower" if self.sign < 0 else "higher"
        if self.by is None:
            return f"{self.display}: {way} than at the first measurement (no meaningful change is known)"
        return f"{self.display}: {way} than at the first measurement by {self.by} {unit} or more ({self.source})"

    def quantity(self, wanted: Decimal) -> Content:
        """The value to reach as a Quantity with a comparator."""
        return {
            "value": wanted,
            "comparator": "<=" if self.sign < 0 else ">=",
            "unit": _SHOWN.get(self.unit, self.unit),
            "system": UCUM,
            "code": self.unit,
        }


def aim_of(code: str, measure: OutcomeMeasure) -> Aim:
    """What a goal by a measure is about, in the first of its units."""
    unit = measure.values[0] if measure.values else None
    by, source = measure.change, measure.changes[0].sources[0] if measure.changes else ""
    if by is None and measure.precision is not None and measure.precision.same_rater is not None:
        # less than that may be the measuring alone
        by, source = measure.precision.same_rater, measure.precision.sources[0]
    return Aim(
        code=code,
        display=measure.display,
        unit=unit.unit if unit else "{score}",
        sign=-1 if measure.direction == "lower" else 1,
        low=_decimal(unit.low) if unit else None,
        high=_decimal(unit.high) if unit else None,
        by=_decimal(by),
        source=source,
    )


def measure_concept(code: str, measure: OutcomeMeasure) -> dict[str, Any]:
    """The measure as a CodeableConcept: ours, and LOINC where there is one code for all of its forms."""
    coding = [{"system": MEASURES, "code": code, "display": measure.display}]
    coding += [{"system": LOINC, "code": each} for each, form in measure.loinc.items() if not form]
    return {"coding": coding, "text": measure.display}


def _decimal(number: float | None) -> Decimal | None:
    return None if number is None else Decimal(f"{number:g}")
