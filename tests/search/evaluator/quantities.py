"""quantity: https://hl7.org/fhir/R4/search.html#quantity

``5.4`` is irrespective of the unit; ``5.4||mg`` is where "either the code or the stated human unit" are mg;
``5.4|http://unitsofmeasure.org|mg`` is "any value where the units can be converted to a value in mg". A quantity with a
comparator is all that it says it may be, and a Range "has arbitrarily high precision" and both of its ends
(https://hl7.org/fhir/R4/datatypes.html#Range).
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from tests.search.evaluator.interval import Interval, compares, point, split_prefix
from tests.search.evaluator.numbers import search_range
from tests.search.evaluator.separators import split, unescape
from tests.search.evaluator.units import UCUM, factor

if TYPE_CHECKING:
    from tests.search.evaluator.values import Value

TYPES: Final = frozenset({"Quantity", "Age", "Duration", "Distance", "Count", "Money", "Range", "SampledData"})

_UNIT: Final = ("system", "code", "unit")
_CURRENCIES: Final = "urn:iso:std:iso:4217"


def matches(text: str, value: Value) -> bool:
    """Whether a value compares with a search value: prefix, number and unit."""
    number, system, code = _parts(text)
    prefix, number = split_prefix(number)
    target = _target(value, system, code)
    return target is not None and compares(prefix, search_range(prefix, number), target)


def has_number(value: Value) -> bool:
    """Whether there is anything to compare with."""
    quantities = (
        [value.content.get("low", {}), value.content.get("high", {})] if value.type == "Range" else [value.content]
    )
    return any("value" in each for each in quantities)


def _parts(text: str) -> tuple[str, str, str]:
    match [unescape(part) for part in split(text, "|")]:
        case [number]:
            return number, "", ""
        case [number, system, code] if code:
            return number, system, code
    raise ValueError(text)


def beginning(value: Value) -> dict[str, Any] | None:
    """A quantity that has a number from which on it may be; None for others."""
    quantity: dict[str, Any] = value.content
    return quantity if "value" in quantity and quantity.get("comparator") not in {"<", "<="} else None


def scale(one: dict[str, Any], other: dict[str, Any]) -> Fraction | None:
    """What to multiply a quantity with to have it in the unit of another; None where nobody knows."""
    if one.get("system") == other.get("system") == UCUM and "code" in one and "code" in other:
        return factor(one["code"], other["code"])
    return Fraction(1) if [one.get(each) for each in _UNIT] == [other.get(each) for each in _UNIT] else None


def _target(value: Value, system: str, code: str) -> Interval | None:
    """The range of a value in the unit that is searched for; None if it is of another unit, or has no number."""
    match value.type:
        case "Range":
            low, high = (_quantity(value.content.get(end), system, code) for end in ("low", "high"))
            if low is None or high is None or low == high == Interval():
                return None
            return Interval(low=low.low, high=high.high)
        case "Money":
            money = value.content
            return _quantity({"system": _CURRENCIES, "code": money.get("currency")} | money, system, code)
        case "SampledData":
            raise NotImplementedError("R4 does not say which of the numbers of a SampledData is searched")
    found = _quantity(value.content, system, code)
    return None if found == Interval() else found


def _quantity(quantity: dict[str, Any] | None, system: str, code: str) -> Interval | None:
    """The range of a quantity; without limits if there is no number, None if it is of another unit."""
    if quantity is None or "value" not in quantity:
        return Interval()
    scale = _scale(quantity, system, code)
    return None if scale is None else _compared(quantity.get("comparator"), Fraction(quantity["value"]) * scale)


def _scale(quantity: dict[str, Any], system: str, code: str) -> Fraction | None:
    """What to multiply a quantity with to have it in the unit searched for; None if that is another one."""
    if not code:
        return Fraction(1)
    if not system:
        return Fraction(1) if code in (quantity.get("code"), quantity.get("unit")) else None
    if quantity.get("system") != system:
        return None
    own = quantity.get("code")
    if system == UCUM and own is not None:
        return factor(own, code)
    return Fraction(1) if own == code else None


def _compared(comparator: str | None, number: Fraction) -> Interval:
    """https://hl7.org/fhir/R4/datatypes-definitions.html#Quantity.comparator: "<: the actual value is less"."""
    match comparator:
        case "<":
            return Interval(high=number, high_open=True)
        case "<=":
            return Interval(high=number)
        case ">":
            return Interval(low=number, low_open=True)
        case ">=":
            return Interval(low=number)
    return point(number)
