"""One measurement: what of an Observation counts, and why another does not."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import Struct

from service.fhir.code_systems import UCUM
from service.fhir.commensurable import in_unit
from service.fhir.temporal import EARLIEST, range_of, range_of_period

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from service.fhir.resource import Content
    from service.fhir.temporal import Range
    from service.massage.catalogue.rows import Unit
    from service.massage.outcome.measures import Measure

Reason = Literal["status", "value", "unit", "range", "time", "early"]

COUNTED: Final = frozenset({"final", "amended", "corrected"})
"""The states of an Observation whose value stands."""


class Reading(Struct, frozen=True, kw_only=True):
    """A value in one of the measure's units; `moment` is when it was measured, `effective` as it was sent."""

    observation: str
    measure: Measure
    value: Decimal
    unit: str
    moment: Range
    effective: str
    issued: datetime = EARLIEST
    site: str = ""
    method: str = ""
    performers: frozenset[str] = frozenset()


class LeftOut(Struct, frozen=True, kw_only=True):
    """A measurement that does not count; `text` says why, without the value."""

    observation: str
    measure: Measure
    reason: Reason
    text: str


def read(observation: Content, measure: Measure, zone: tzinfo) -> Reading | LeftOut:
    """The measurement of an Observation by this measure; `zone` is that of times without one."""
    name = f"Observation/{observation.get('id', '')}"
    status = observation.get("status")
    if status not in COUNTED:
        return LeftOut(observation=name, measure=measure, reason="status", text=f"Its status is {status}.")
    if "modifierExtension" in observation:
        text = "What its modifier extension makes of it is not known."
        return LeftOut(observation=name, measure=measure, reason="value", text=text)
    given = _given(observation)
    if given is None:
        return LeftOut(observation=name, measure=measure, reason="value", text="It has no exact number.")
    found = _in_a_unit(*given, measure.row.values)
    if found is None:
        known = " or ".join(each.unit for each in measure.row.values)
        return LeftOut(observation=name, measure=measure, reason="unit", text=f"Its unit is none of {known}, in UCUM.")
    value, unit = found
    if problem := _out_of_range(value, unit):
        return LeftOut(observation=name, measure=measure, reason="range", text=problem)
    when = _when(observation, zone)
    if when is None:
        return LeftOut(observation=name, measure=measure, reason="time", text="It does not say when it was measured.")
    issued = range_of(observation["issued"], zone) if "issued" in observation else None
    return Reading(
        observation=name,
        measure=measure,
        value=value,
        unit=unit.unit,
        moment=when[0],
        effective=when[1],
        issued=issued.low if issued else EARLIEST,
        site=_concept(observation.get("bodySite")),
        method=_concept(observation.get("method")),
        performers=frozenset(each["reference"] for each in observation.get("performer", ()) if "reference" in each),
    )


def _given(observation: Content) -> tuple[Decimal, str | None] | None:
    """The number and its UCUM code, None without any unit, "" with one that is not coded in UCUM."""
    if "valueInteger" in observation:
        return Decimal(observation["valueInteger"]), None
    return number_of(observation.get("valueQuantity", {}))


def number_of(quantity: Content) -> tuple[Decimal, str | None] | None:
    """The number of a Quantity and its unit as above; None where it has none, or only a bound."""
    if "value" not in quantity or "comparator" in quantity:
        return None
    return Decimal(str(quantity["value"])), unit_of(quantity)


def unit_of(quantity: Content) -> str | None:
    """The UCUM code of a Quantity, None without any unit, "" with one that is not coded in UCUM."""
    if "code" in quantity and quantity.get("system") == UCUM:
        return str(quantity["code"])
    return "" if quantity.keys() & {"code", "unit"} else None


def fitting(value: Decimal, code: str | None, units: tuple[str, ...]) -> tuple[Decimal, str] | None:
    """The number in the first unit that it fits; one without a unit fits where there is only one, a score."""
    if code is None:
        alone = len(units) == 1 and units[0].startswith("{")
        return (value, units[0]) if alone else None
    if code in units:
        return value, code
    for unit in units if code else ():
        converted = in_unit(value, code, unit)
        if converted is not None:
            return converted, unit
    return None


def _in_a_unit(value: Decimal, code: str | None, units: tuple[Unit, ...]) -> tuple[Decimal, Unit] | None:
    for unit in units:
        if unit.unit == code:
            return value, unit
    found = fitting(value, code, tuple(each.unit for each in units))
    return None if found is None else (found[0], next(each for each in units if each.unit == found[1]))


def _out_of_range(value: Decimal, unit: Unit) -> str:
    low = unit.low is not None and value < Decimal(str(unit.low))
    high = unit.high is not None and value > Decimal(str(unit.high))
    if low or high:
        bounds = [
            f"from {unit.low:g}" if unit.low is not None else "",
            f"to {unit.high:g}" if unit.high is not None else "",
        ]
        return f"It is outside of the measure's range, {' '.join(each for each in bounds if each)} {unit.unit}."
    return "The measure counts in whole numbers." if unit.whole and value != value.to_integral_value() else ""


def _when(observation: Content, zone: tzinfo) -> tuple[Range, str] | None:
    period = observation.get("effectivePeriod")
    if period is not None:
        moment, text = range_of_period(period, zone), period.get("end") or period.get("start")
    else:
        text = observation.get("effectiveDateTime") or observation.get("effectiveInstant")
        moment = range_of(text, zone) if text else None
    return (moment, text) if moment is not None and text else None


def _concept(concept: Any) -> str:
    """A text by which equal concepts are equal; empty where nothing is said."""
    if not concept:
        return ""
    codings = sorted(f"{each.get('system', '')}|{each['code']}" for each in concept.get("coding", ()) if "code" in each)
    return " ".join(codings) or str(concept.get("text", ""))
