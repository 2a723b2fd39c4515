"""number: https://hl7.org/fhir/R4/search.html#number

"[parameter]=100: Values that equal 100, to 3 significant figures precision, so this is actually searching for values in
the range [99.5 ... 100.5)". With gt, lt, ge, le, sa and eb "the implicit precision of the number is ignored".

Two readings of R4:
- Its section on prefixes gives the value in the resource a range as well (2.0 is 1.95 to 2.05), with which ``=2.00``
  would not find 2.0. The section on numbers searches "for values in the range", and so does this module.
- It counts the digits of a number as its precision, by which ``1e2`` would be [50 ... 150), and yet says that it is
  [95 ... 105). The example is followed: whole digits before a positive exponent count one digit further.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from tests.search.evaluator.interval import Interval, compares, point, split_prefix

if TYPE_CHECKING:
    from tests.search.evaluator.values import Value

TYPES: Final = frozenset({"integer", "positiveInt", "unsignedInt", "decimal"})

_EXACT: Final = frozenset({"gt", "lt", "ge", "le", "sa", "eb"})


def matches(text: str, value: Value) -> bool:
    """Whether a value compares with a search value, prefix included."""
    prefix, number = split_prefix(text)
    return compares(prefix, search_range(prefix, number), point(Fraction(value.content)))


def search_range(prefix: str, text: str) -> Interval:
    """What a number of a search stands for after a prefix."""
    number = Fraction(Decimal(text))
    if prefix in _EXACT:
        return point(number)
    if prefix == "ap":
        tenth = abs(number) / 10
        return Interval(low=number - tenth, high=number + tenth)
    half = _last_digit(text) / 2
    return Interval(low=number - half, high=number + half, high_open=True)


def _last_digit(text: str) -> Fraction:
    """What one more in the last digit of a number would add to it: 0.01 for 5.40, 10 for 1.2e2 and for 1e2."""
    digits, _, exponent = text.lower().partition("e")
    power = int(exponent or "0")
    _, _, places = digits.partition(".")
    return Fraction(10) ** (power - (len(places) or int(power > 0)))
