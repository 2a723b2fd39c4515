"""A number of one unit in another, by UCUM, and only where nobody has to guess: https://ucum.org/ucum

Millimetres become centimetres. A percentage and a raw score are both plain numbers to UCUM, one the hundredth part of
the other, but 40 % of a score's range is not 0.4 of its points: such numbers are kept apart.
"""

from __future__ import annotations

from decimal import Context, Decimal
from typing import Final

from service.fhir.search.ucum import conversion_of

_NUMBER: Final = "1"
_DIGITS: Final = Context(prec=28)


def in_unit(value: Decimal, code: str, unit: str) -> Decimal | None:
    """A number with the UCUM `code` in the UCUM `unit`; None where it does not convert, or only by a guess."""
    if code == unit:
        return value
    source, target = conversion_of(code), conversion_of(unit)
    if source is None or target is None or source.unit != target.unit:
        return None
    if source == target:
        return value
    if source.unit == _NUMBER:
        return None
    number = source.apply(value) - (target.offset or Decimal(0))
    number = number if target.divisor is None else _DIGITS.multiply(number, target.divisor)
    return _DIGITS.divide(number, target.factor).normalize(_DIGITS)
