"""number: decimals and integers, compared with the implicit precision of what was asked.

https://hl7.org/fhir/R4/search.html#number and https://hl7.org/fhir/R4/search.html#prefix. ``100`` stands for
[99.5, 100.5), ``100.00`` for [99.995, 100.005), ``5.40e-3`` for [0.005395, 0.005405). R4 reads ``1e2`` as [95, 105):
whole digits before a positive exponent count one digit further. A number in a resource is a point.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.fhir.search.query import NumberValue, Prefix
from service.fhir.search.types.date import PREFIXES
from service.fhir.search.types.search_type import SearchType, refused

if TYPE_CHECKING:
    from service.fhir.search.parameter import SearchParameter
    from service.fhir.search.types.search_type import Rows, Setting

NUMBER_FORMS: Final = (
    f"a number such as 5, 5.40 or 5.4e-3, alone or after one of the prefixes {', '.join(PREFIXES)}; "
    "at most 64 characters, between 1e-308 and 1e308"
)

_NUMBER: Final = re.compile(
    rf"(?P<prefix>{'|'.join(PREFIXES)})?"
    r"(?P<digits>-?[0-9]+(?P<fraction>\.[0-9]+)?)(?:[eE](?P<exponent>[+ -]?[0-9]{1,3}))?"
)
NO_UNIT: Final = (None, None, None, None, None, None)
"""The columns of a quantity that a number leaves empty."""

_LONGEST: Final = 64
_LARGEST_EXPONENT: Final = 308
_HALF: Final = Decimal("0.5")
_TENTH: Final = Decimal("0.1")
EXACT: Final = Context(prec=4000)
"""Arithmetic that loses no digit of numbers that are read."""

_ROUNDED_BY: Final[frozenset[Prefix]] = frozenset({"eq", "ne", "ap"})


class Bounds(Struct, frozen=True):
    """The bounds that a number with its prefix asks for: both the number itself, or half-open around it."""

    prefix: Prefix
    low: Decimal
    high: Decimal


def parse_bounds(text: str) -> Bounds | None:
    """The bounds of a number, which may follow a prefix; None when it is none, or too long or too large to hold.

    A blank in an exponent is the plus sign that an unescaped URL loses. Approximately is within 10 %, ends included.
    """
    match = _NUMBER.fullmatch(text)
    if match is None or len(text) > _LONGEST:
        return None
    exponent = int((match["exponent"] or "0").replace(" ", "+"))
    number = Decimal(match["digits"]).scaleb(exponent, EXACT)
    if number and abs(number.adjusted()) > _LARGEST_EXPONENT:
        return None
    prefix: Prefix = next((each for each in PREFIXES if each == match["prefix"]), "eq")
    if prefix not in _ROUNDED_BY:
        return Bounds(prefix, number, number)
    if prefix == "ap":
        margin = EXACT.multiply(abs(number), _TENTH)
    else:
        fraction = match["fraction"]
        places = len(fraction) - 1 if fraction else int(exponent > 0)
        margin = _HALF.scaleb(exponent - places, EXACT)
    return Bounds(prefix, EXACT.subtract(number, margin), EXACT.add(number, margin))


def parse(parameter: SearchParameter, _modifier: str | None, text: str, _setting: Setting) -> NumberValue:
    """A prefix, `eq` when there is none, and a number."""
    bounds = parse_bounds(text)
    if bounds is None:
        raise refused(parameter, NUMBER_FORMS)
    return NumberValue(prefix=bounds.prefix, low=bounds.low, high=bounds.high)


def _number(value: Decimal | int, source: int, rows: Rows) -> None:
    number = Decimal(value)
    rows.quantity.add((source, rows.element, number, number, *NO_UNIT))


NUMBER: Final = SearchType(
    kind="number",
    modifiers=(),
    extractors={
        "decimal": _number,
        "integer": _number,
        "positiveInt": _number,
        "unsignedInt": _number,
    },
    parse=parse,
)
