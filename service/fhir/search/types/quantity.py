"""quantity: a number with a unit, which compares with other units of UCUM that measure the same.

https://hl7.org/fhir/R4/search.html#quantity. ``5.4|system|code`` asks for a unit: of UCUM by what it measures, of
another system by its code; ``5.4||mg`` for the unit's code or text; ``5.4`` for the number, whatever its unit. A
Quantity with a comparator reaches without limit from its number, which ``<`` and ``>`` leave out, a Range from its low
to its high end, SampledData from the least to the greatest of its points. A quantity without a number has no value to
search.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from service.fhir.code_systems import UCUM
from service.fhir.search.bounded import bounded
from service.fhir.search.query import CanonicalRange, QuantityValue
from service.fhir.search.separators import split, unescape
from service.fhir.search.types.number import EXACT, NUMBER_FORMS, parse_bounds
from service.fhir.search.types.search_type import SearchType, refused
from service.fhir.search.types.token import system_digest
from service.fhir.search.ucum import conversion_of

if TYPE_CHECKING:
    from service.fhir.search.parameter import SearchParameter
    from service.fhir.search.types.number import Bounds
    from service.fhir.search.types.search_type import Rows, Setting

FORMS: Final = f"number, number|system|code or number||unit, where the number is {NUMBER_FORMS}"

CURRENCIES: Final = "urn:iso:std:iso:4217"
"""The system of a Money's currency."""

_POINT: Final = re.compile(r"-?[0-9]{1,32}(?:\.[0-9]{1,32})?")
_LESS: Final = frozenset({"<", "<="})
_GREATER: Final = frozenset({">", ">="})
_NEXT: Final = Decimal((0, (1,), -1200))
"""Between two numbers that the service reads there is more than this: what a bound that is left out is moved by."""


def parse(parameter: SearchParameter, _modifier: str | None, text: str, _setting: Setting) -> QuantityValue:
    """``number``, ``number|system|code`` or ``number||unit``, each after a prefix or without one."""
    number, *unit = split(text, "|")
    bounds = parse_bounds(number)
    match bounds, [unescape(part) for part in unit]:
        case None, _:
            pass
        case found, []:
            return QuantityValue(prefix=found.prefix, low=found.low, high=found.high, form="any-unit")
        case found, ["", code] if code:
            return QuantityValue(prefix=found.prefix, low=found.low, high=found.high, form="code", code=bounded(code))
        case found, [system, code] if code:
            return QuantityValue(
                prefix=found.prefix,
                low=found.low,
                high=found.high,
                form="system-and-code",
                system=system_digest(system),
                code=bounded(code),
                canonical=_canonical_range(found, code) if system == UCUM else None,
            )
    raise refused(parameter, FORMS)


def _canonical_range(bounds: Bounds, code: str) -> CanonicalRange | None:
    conversion = conversion_of(code)
    if conversion is None:
        return None
    return CanonicalRange(unit=conversion.unit, low=conversion.apply(bounds.low), high=conversion.apply(bounds.high))


def _quantity(quantity: dict[str, Any], source: int, rows: Rows) -> None:
    value = quantity.get("value")
    if value is None:
        return
    number = Decimal(value)
    comparator = quantity.get("comparator")
    if comparator is None:
        _add(source, number, number, quantity, rows)
    elif comparator in _LESS:
        _add(source, None, number, quantity, rows, open_by=_NEXT if comparator == "<" else None)
    elif comparator in _GREATER:
        _add(source, number, None, quantity, rows, open_by=_NEXT if comparator == ">" else None)


def _range(value: dict[str, Any], source: int, rows: Rows) -> None:
    """The ends have one unit, which either of them may name."""
    first, last = (_end(value.get(each)) for each in ("low", "high"))
    if first is not None or last is not None:
        low = value.get("low", {})
        _add(source, first, last, low if "code" in low or "unit" in low else value.get("high", {}), rows)


def _end(quantity: dict[str, Any] | None) -> Decimal | None:
    value = None if quantity is None else quantity.get("value")
    return None if value is None else Decimal(value)


def _sampled_data(sampled: dict[str, Any], source: int, rows: Rows) -> None:
    """The points that are numbers; one that lies beyond the device's limits opens the range on that side."""
    origin = sampled["origin"]
    factor, zero = Decimal(sampled.get("factor", 1)), Decimal(origin.get("value", 0))
    points = frozenset(sampled.get("data", "").split())
    numbers = [EXACT.add(zero, EXACT.multiply(factor, Decimal(each))) for each in points if _POINT.fullmatch(each)]
    if numbers:
        low, high = None if "L" in points else min(numbers), None if "U" in points else max(numbers)
        _add(source, low, high, origin, rows)


def _money(money: dict[str, Any], source: int, rows: Rows) -> None:
    value = money.get("value")
    if value is not None:
        number = Decimal(value)
        currency = money.get("currency")
        ordered_by = (_unit_of_its_own(currency), number, number)
        rows.quantity.add(
            (source, rows.element, number, number, system_digest(CURRENCIES), currency, None, *ordered_by)
        )


def _add(
    source: int,
    low: Decimal | None,
    high: Decimal | None,
    unit: dict[str, Any],
    rows: Rows,
    *,
    open_by: Decimal | None = None,
) -> None:
    system, code, text = unit.get("system"), unit.get("code"), unit.get("unit")
    conversion = conversion_of(code) if code and system == UCUM else None
    if conversion is None:
        canonical_unit, canonical_low, canonical_high = _unit_of_its_own(code or text), low, high
    else:
        canonical_unit = conversion.unit
        canonical_low = None if low is None else conversion.apply(low)
        canonical_high = canonical_low if high is low else None if high is None else conversion.apply(high)
    if open_by is not None:
        low, high = _without_end(low, high, open_by)
        canonical_low, canonical_high = _without_end(canonical_low, canonical_high, open_by)
    rows.quantity.add(
        (
            source,
            rows.element,
            low,
            high,
            system_digest(system) if system else None,
            bounded(code) if code else None,
            bounded(text) if text and text != code else None,
            canonical_unit,
            canonical_low,
            canonical_high,
        )
    )


def _unit_of_its_own(unit: str | None) -> str:
    """What stands for a canonical unit where UCUM has none: quantities in one such unit are ordered by their numbers.

    No canonical unit begins like it, so no search by units of UCUM finds it, and it comes behind them.
    """
    return bounded(f"|{unit or ''}")


def _without_end(low: Decimal | None, high: Decimal | None, by: Decimal) -> tuple[Decimal | None, Decimal | None]:
    """The bounds of a half-open range, moved inwards."""
    return None if low is None else EXACT.add(low, by), None if high is None else EXACT.subtract(high, by)


QUANTITY: Final = SearchType(
    kind="quantity",
    modifiers=(),
    extractors={
        "Quantity": _quantity,
        "SimpleQuantity": _quantity,
        "Age": _quantity,
        "Count": _quantity,
        "Distance": _quantity,
        "Duration": _quantity,
        "Money": _money,
        "Range": _range,
        "SampledData": _sampled_data,
    },
    parse=parse,
)
