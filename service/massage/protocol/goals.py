"""Goals by the catalogue's measures: how much better, in which unit, and how that is said in words."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.code_systems import LOINC, UCUM
from service.massage.systems import OUTCOME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from service.fhir.resource import Content
    from service.massage.catalogue.rows import OutcomeMeasure, Source


_SHOWN: Final = {"{score}": "points", "deg": "degrees", "d": "days", "d/wk": "days a week"}


class Aim(Struct, frozen=True, kw_only=True):
    """What a goal is about: `by` is the change that it takes (None: none is known), after `sources`.

    `is_of_measuring`: less than that may be the measuring alone, and more is not known.
    """

    code: str
    display: str
    unit: str
    sign: int
    low: Decimal | None
    high: Decimal | None
    by: Decimal | None
    sources: tuple[str, ...]
    is_of_measuring: bool = False

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
        return f"{self.display}: {way} than at the first measurement by {self.by} {unit} or more"

    def reason(self, sources: Mapping[str, Source]) -> str:
        """Why that much, with who says so; empty where no change is known."""
        if self.by is None:
            return ""
        change = f"A change of {self.by} {_SHOWN.get(self.unit, self.unit)}"
        why = "less may be the measuring alone" if self.is_of_measuring else "the change that counts as meaningful"
        return f"{change}: {why} {cited(sources, self.sources)}"

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
    by, said_by = measure.change, measure.changes[0].sources if measure.changes else ()
    is_of_measuring = by is None and measure.precision is not None and measure.precision.same_rater is not None
    if is_of_measuring and measure.precision is not None:
        by, said_by = measure.precision.same_rater, measure.precision.sources
    return Aim(
        code=code,
        display=measure.display,
        unit=unit.unit if unit else "{score}",
        sign=-1 if measure.direction == "lower" else 1,
        low=_decimal(unit.low) if unit else None,
        high=_decimal(unit.high) if unit else None,
        by=_decimal(by),
        sources=said_by,
        is_of_measuring=is_of_measuring,
    )


def cited(sources: Mapping[str, Source], keys: Iterable[str]) -> str:
    """Where something was read, in brackets, for whoever reads a plan."""
    return f"({'; '.join(sources[each].display for each in keys)})"


def measure_concept(code: str, measure: OutcomeMeasure) -> dict[str, Any]:
    """The measure as a CodeableConcept: ours, and LOINC where there is one code for all of its forms."""
    coding = [{"system": OUTCOME, "code": code, "display": measure.display}]
    coding += [{"system": LOINC, "code": each} for each, form in measure.loinc.items() if not form]
    return {"coding": coding, "text": measure.display}


def _decimal(number: float | None) -> Decimal | None:
    return None if number is None else Decimal(f"{number:g}")
