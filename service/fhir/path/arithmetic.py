"""Arithmetic of numbers, text and quantities. https://hl7.org/fhirpath/N1/#math-2

Integers have 32 bits and decimals 28 digits; what exceeds them, or divides by zero, is empty. Dates are not
calculated with: no expression of R4 does.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from service.fhir.path.error import PathError
from service.fhir.path.quantity import Quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_TEXT: Final = 1_000_000
"""Characters that a path may put together; a longer text is an attack."""
_LARGEST: Final = 2**31
_CONTEXT: Final = Context(prec=28, Emax=999, Emin=-999, traps=[])
"""Decimals with FHIR's precision that never raise: what has no value is not a number, and becomes empty."""

Number = int | Decimal


def bounded(text: str) -> str:
    """A text that was put together; PathError beyond `MAX_TEXT`."""
    if len(text) > MAX_TEXT:
        raise PathError(f"A path puts together at most {MAX_TEXT} characters.")
    return text


def concatenate(one: Any, other: Any) -> str:
    """``one & other``: the texts together, an empty operand counting as no text."""
    if not isinstance(one or "", str) or not isinstance(other or "", str):
        raise PathError("'&' puts texts together.")
    return bounded((one or "") + (other or ""))


def negative(value: Any, *, minus: bool) -> Any:
    """A signed number or quantity."""
    if isinstance(value, Quantity):
        return Quantity(value=-value.value if minus else value.value, unit=value.unit, calendar=value.calendar)
    if not is_number(value):
        raise PathError("A sign belongs to a number.")
    return -value if minus else value


def is_number(value: Any) -> bool:
    """Whether a value is an integer or decimal."""
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def number(value: Decimal | int) -> Number | None:
    """A calculated number, None where it exceeds what FHIRPath can hold."""
    if isinstance(value, int):
        return value if -_LARGEST <= value < _LARGEST else None
    return value if value.is_finite() else None


def calculate(function: Callable[[Context, Decimal], Decimal], value: Number) -> Decimal | None:
    """A function of the decimal context, None where it has no value."""
    found = function(_CONTEXT, Decimal(value))
    return found if found.is_finite() else None


def power(base: Number, exponent: Number) -> Number | None:
    """``base.power(exponent)``, an integer if both are and it is whole."""
    found = _CONTEXT.power(Decimal(base), Decimal(exponent))
    if not found.is_finite():
        return None
    if isinstance(base, int) and isinstance(exponent, int) and exponent >= 0:
        return number(int(found))
    return found


def rounded(value: Number, digits: int) -> Decimal | None:
    """A number rounded to some decimal places, halves away from zero."""
    try:
        return Decimal(value).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP, context=Context(prec=60))
    except InvalidOperation:
        return None


def _add(one: Any, other: Any) -> Any:
    if isinstance(one, str) and isinstance(other, str):
        return bounded(one + other)
    return _sum(one, other, "+", lambda left, right: _CONTEXT.add(Decimal(left), Decimal(right)), 1)


def _subtract(one: Any, other: Any) -> Any:
    return _sum(one, other, "-", lambda left, right: _CONTEXT.subtract(Decimal(left), Decimal(right)), -1)


def _sum(one: Any, other: Any, name: str, decimals: Callable[[Number, Number], Decimal], factor: int) -> Any:
    are_quantities = isinstance(one, Quantity) and isinstance(other, Quantity)
    if are_quantities and (one.unit, one.calendar) == (other.unit, other.calendar):
        return Quantity(value=decimals(one.value, other.value), unit=one.unit, calendar=one.calendar)
    left, right = _numbers(one, other, name)
    if isinstance(left, int) and isinstance(right, int):
        return number(left + factor * right)
    return number(decimals(left, right))


def _multiply(one: Any, other: Any) -> Any:
    left, right = _numbers(one, other, "*")
    if isinstance(left, int) and isinstance(right, int):
        return number(left * right)
    return number(_CONTEXT.multiply(Decimal(left), Decimal(right)))


def _divide(one: Any, other: Any) -> Any:
    left, right = _numbers(one, other, "/")
    return number(_CONTEXT.divide(Decimal(left), Decimal(right)))


def _quotient(one: Any, other: Any) -> Any:
    left, right = _numbers(one, other, "div")
    found = _CONTEXT.divide_int(Decimal(left), Decimal(right))
    return number(int(found)) if found.is_finite() else None


def _remainder(one: Any, other: Any) -> Any:
    left, right = _numbers(one, other, "mod")
    found = _CONTEXT.remainder(Decimal(left), Decimal(right))
    if not found.is_finite():
        return None
    return int(found) if isinstance(left, int) and isinstance(right, int) else found


def _numbers(one: Any, other: Any, name: str) -> tuple[Number, Number]:
    if not is_number(one) or not is_number(other):
        raise PathError(f"'{name}' takes two numbers{' or two texts' if name == '+' else ''}.")
    return one, other


ARITHMETIC: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "+": _add, "-": _subtract, "*": _multiply, "/": _divide, "div": _quotient, "mod": _remainder,
}  # fmt: skip
"""The arithmetic operators on two single values, None for a result that is empty."""
