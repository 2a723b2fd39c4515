"""Conversions and mathematics. https://hl7.org/fhirpath/N1/#conversion, https://hl7.org/fhirpath/N1/#math"""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import TYPE_CHECKING, Any, Final

from service.fhir.path.arithmetic import calculate, is_number, number, power, rounded
from service.fhir.path.code import Code, of_scalar, of_truth
from service.fhir.path.error import PathError
from service.fhir.path.functions.invocation import Function, Invocation, integer_of
from service.fhir.path.item import value_of
from service.fhir.path.moment import Moment, parse_moment
from service.fhir.path.quantity import CALENDAR, Quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from service.fhir.path.code import Scope

_INTEGER: Final = re.compile(r"[+-]?\d{1,10}", re.ASCII)
_DECIMAL: Final = re.compile(r"[+-]?\d{1,64}(?:\.\d{1,64})?", re.ASCII)
_QUANTITY: Final = re.compile(rf"(?P<value>{_DECIMAL.pattern})\s*(?:'(?P<unit>[^']+)'|(?P<word>[a-z]+))?", re.ASCII)
_TRUE: Final = frozenset({"true", "t", "yes", "y", "1", "1.0"})
_FALSE: Final = frozenset({"false", "f", "no", "n", "0", "0.0"})


def to_boolean(value: Any) -> bool | None:
    """A boolean, a number that is 0 or 1, or a text that says so; None for anything else."""
    if isinstance(value, bool):
        return value
    if is_number(value) and value in (0, 1):
        return bool(value)
    if isinstance(value, str) and (word := value.lower()) in _TRUE | _FALSE:
        return word in _TRUE
    return None


def to_integer(value: Any) -> int | None:
    """An integer, a boolean, or a text that writes an integer; None for anything else."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        found = number(int(value))
        return found if isinstance(found, int) else None
    return None


def to_decimal(value: Any) -> Decimal | None:
    """A number, a boolean, or a text that writes a number; None for anything else."""
    if isinstance(value, int | Decimal):
        return Decimal(value)
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Decimal(value)
    return None


def to_string(value: Any) -> str | None:
    """Any primitive value as text; None for a complex one."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() if abs(value) >= 10**100:
            return None
        case int() | Decimal() | Quantity():
            return str(value)
        case Moment():
            return value.text
        case _:
            return None


def to_quantity(value: Any) -> Quantity | None:
    """A quantity, a number, or a text such as ``4 days`` or ``5 'mg'``; None for anything else."""
    if isinstance(value, Quantity):
        return value
    if isinstance(value, int | Decimal):
        return Quantity(value=Decimal(value), unit="1")
    match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if match is None or (match["word"] is not None and match["word"] not in CALENDAR):
        return None
    if match["word"] is not None:
        return Quantity(value=Decimal(match["value"]), unit=CALENDAR[match["word"]], calendar=True)
    return Quantity(value=Decimal(match["value"]), unit=match["unit"] or "1")


def _to_moment(kinds: tuple[str, ...]) -> Callable[[Any], Moment | None]:
    def convert(value: Any) -> Moment | None:
        moment = parse_moment(value) if isinstance(value, str) else value
        return moment if isinstance(moment, Moment) and moment.kind in kinds else None

    return convert


_CONVERSIONS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "Boolean": to_boolean,
    "Integer": to_integer,
    "Decimal": to_decimal,
    "String": to_string,
    "Quantity": to_quantity,
    "Date": _to_moment(("date",)),
    "DateTime": _to_moment(("date", "dateTime")),
    "Time": _to_moment(("time",)),
}


def _conversion(convert: Callable[[Any], Any]) -> Function:
    def build(call: Invocation) -> Code:
        source = call.operand.scalar

        def scalar(this: Any, scope: Scope) -> Any:
            value = value_of(source(this, scope))
            return None if value is None else convert(value)

        return of_scalar(scalar)

    return Function(build, 0, 1 if convert is to_quantity else 0)


def _convertible(convert: Callable[[Any], Any]) -> Function:
    def build(call: Invocation) -> Code:
        source = call.operand.scalar

        def truth(this: Any, scope: Scope) -> bool | None:
            value = value_of(source(this, scope))
            return None if value is None else convert(value) is not None

        return of_truth(truth)

    return Function(build, 0, 1 if convert is to_quantity else 0)


def _of_number(function: Callable[[Any], Any]) -> Function:
    """A function of a number; of a quantity where `function` keeps its unit."""

    def build(call: Invocation) -> Code:
        source, name = call.operand.scalar, call.name

        def scalar(this: Any, scope: Scope) -> Any:
            value = value_of(source(this, scope))
            if isinstance(value, Quantity) and name == "abs":
                return Quantity(value=abs(value.value), unit=value.unit, calendar=value.calendar)
            if value is not None and not is_number(value):
                raise PathError(f"{name}() works on a number.")
            return None if value is None else function(value)

        return of_scalar(scalar)

    return Function(build)


def _whole(rounding: str) -> Callable[[Any], Any]:
    def function(value: Any) -> Any:
        found = Decimal(value).to_integral_value(rounding=rounding)
        return number(int(found)) if found.adjusted() < 10 else None

    return function


def _round(call: Invocation) -> Code:
    value = _of_number(lambda found: found).build(call).scalar
    digits = integer_of(call.argument(0), call.name) if call.arguments else None

    def scalar(this: Any, scope: Scope) -> Any:
        found, places = value(this, scope), digits(this, scope) if digits else 0
        if found is None or places is None:
            return None
        if not 0 <= places <= 28:
            raise PathError("round() takes between 0 and 28 digits.")
        return rounded(found, places)

    return of_scalar(scalar)


def _with_number(function: Callable[[Any, Any], Any]) -> Function:
    def build(call: Invocation) -> Code:
        value = _of_number(lambda found: found).build(call).scalar
        argument = call.argument(0).scalar

        def scalar(this: Any, scope: Scope) -> Any:
            found, other = value(this, scope), value_of(argument(this, scope))
            if other is not None and not is_number(other):
                raise PathError(f"{call.name}() takes a number.")
            return None if found is None or other is None else function(found, other)

        return of_scalar(scalar)

    return Function(build, 1, 1)


def _log(value: Any, base: Any) -> Decimal | None:
    top, bottom = calculate(Context.ln, value), calculate(Context.ln, base)
    return rounded(top / bottom, 20) if top is not None and bottom else None


FUNCTIONS: Final[Mapping[str, Function]] = {
    **{f"to{name}": _conversion(convert) for name, convert in _CONVERSIONS.items()},
    **{f"convertsTo{name}": _convertible(convert) for name, convert in _CONVERSIONS.items()},
    "abs": _of_number(abs),
    "ceiling": _of_number(_whole(ROUND_CEILING)),
    "floor": _of_number(_whole(ROUND_FLOOR)),
    "truncate": _of_number(_whole("ROUND_DOWN")),
    "sqrt": _of_number(lambda value: calculate(Context.sqrt, value)),
    "exp": _of_number(lambda value: calculate(Context.exp, value)),
    "ln": _of_number(lambda value: calculate(Context.ln, value)),
    "log": _with_number(_log),
    "power": _with_number(power),
    "round": Function(_round, 0, 1),
}
"""The conversions and mathematical functions by their names."""
