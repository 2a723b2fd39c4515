"""The latest measurement of each outcome measure, as a goal starts from it; units are never converted."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from service.massage.catalogue.published import LOINC
from service.massage.cycle.moment import start_of
from service.massage.cycle.terms import codes_of
from service.massage.protocol.goals import MEASURES, aim_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from service.fhir.resource import Content
    from service.massage.catalogue.rows import OutcomeMeasure

_MEASURED: Final = frozenset({"final", "amended", "corrected"})


def latest(observations: Iterable[Content], measures: Mapping[str, OutcomeMeasure]) -> dict[str, Decimal]:
    """Code of a measure → the latest value in the first of its units; without those that were not measured so."""
    found: dict[str, tuple[Any, Decimal]] = {}
    units = {code: aim_of(code, measure).unit for code, measure in measures.items()}
    for each in observations:
        if each.get("status") not in _MEASURED:
            continue
        codes = codes_of(each.get("code"))
        of_these = [code for code, measure in measures.items() if _measures(codes, code, measure)]
        moment = start_of(each.get("effectiveDateTime") or each.get("effectivePeriod")) if of_these else None
        for code in of_these if moment is not None else ():
            value = _value(each, units[code])
            if value is not None and (code not in found or found[code][0] <= moment):
                found[code] = (moment, value)
    return {code: value for code, (_, value) in found.items()}


def is_measured(observation: Content, measures: Mapping[str, OutcomeMeasure]) -> bool:
    """Whether an Observation is of one of the measures."""
    codes = codes_of(observation.get("code"))
    return any(_measures(codes, code, measure) for code, measure in measures.items())


def _measures(codes: frozenset[tuple[str, str]], code: str, measure: OutcomeMeasure) -> bool:
    return (MEASURES, code) in codes or any((LOINC, each) in codes for each in measure.loinc)


def _value(observation: Content, unit: str) -> Decimal | None:
    if unit == "{score}" and "valueInteger" in observation:
        return Decimal(observation["valueInteger"])
    quantity = observation.get("valueQuantity", {})
    if "value" not in quantity or "comparator" in quantity or quantity.get("code") != unit:
        return None
    return Decimal(str(quantity["value"]))
