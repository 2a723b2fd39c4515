"""UCUM: quantities of one kind in one canonical unit, so that 5 mm and 0.5 cm are equal. https://ucum.org/ucum

`ucumvert` brings UCUM's own table of units; the factors are computed here, as exact fractions, once per unit. By UCUM's
letter an annotation such as ``{score}`` is the number 1, and a mole is a number too; an arbitrary unit such as
``[iU]`` compares with itself only; so does what has no linear scale, such as ``[pH]``, by its code. Temperatures are
the exception: the three scales that start elsewhere than at 0 K convert.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal, Inexact
from fractions import Fraction
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.search.ucum_grammar import Grammar, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.fhir.search.ucum_grammar import Power


_LONGEST: Final = 40
_MOST_OPERATORS: Final = 8
_MOST_PARENTHESES: Final = 2
_LARGEST_EXPONENT: Final = 30
_LARGEST_MAGNITUDE: Final = 10**60
"""What units of medicine stay below by far; reading more would only cost."""

_ANNOTATION: Final = re.compile(r"(?P<unit>(?<=[^./(]))?\{[!-z|~]*\}")
_LEADING_SLASH: Final = re.compile(r"(?P<before>^|\()/")

_EXACT: Final = Context(prec=2000)
"""Wider than any product of a number that the service reads and a factor."""

_ROUNDED: Final = Context(prec=36)
"""For the few quotients that do not end, such as 1/7; equal quotients round alike, so that they stay equal."""

_LARGE: Final = {"Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1}
_SMALL: Final = {"d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15, "a": -18, "z": -21, "y": -24}
_BINARY: Final = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4}
"""Prefix → power of ten, of 1024."""

_RANKINE_PER_KELVIN: Final = Fraction(9, 5)
_ZERO_CELSIUS: Final = Decimal("491.67")
_TEMPERATURES: Final[Mapping[str, tuple[Fraction, Decimal]]] = {
    "Cel": (_RANKINE_PER_KELVIN, _ZERO_CELSIUS),
    "[degF]": (Fraction(1), Decimal("459.67")),
    "[degRe]": (_RANKINE_PER_KELVIN * Fraction(5, 4), _ZERO_CELSIUS),
}
"""Scale → its degree and its zero in degrees Rankine, the only unit in which all of them are finite decimals."""

_PER_RADIAN: Final = Fraction(180) / Fraction("3.1415926535897932384626433832795028841971693993751058209749445923")
_SECONDS_PER_DAY: Final = 86_400
_RATES: Final = frozenset({-1, -3})
"""Exponents of seconds in what happens per time: ``mL/min``, ``kcal/d``; forces and pressures are not among them."""


class Conversion(Struct, frozen=True, kw_only=True):
    """How numbers in some unit become numbers in `unit`: times `factor`, through `divisor`, plus `offset`."""

    unit: str
    factor: Decimal
    divisor: Decimal | None = None
    offset: Decimal | None = None

    def apply(self, number: Decimal) -> Decimal:
        """The number in the canonical unit: exact, or rounded to 36 digits where its decimal does not end."""
        converted = _EXACT.multiply(number, self.factor)
        if self.divisor is not None:
            converted = _ROUNDED.divide(converted, self.divisor)
        return converted if self.offset is None else _EXACT.add(converted, self.offset)


class _Measure(Struct, frozen=True):
    """What one of a unit comes to: a factor, and the exponents of the base units (arbitrary units count as such)."""

    factor: Fraction
    exponents: Mapping[str, int]

    def times(self, other: _Measure, sign: int = 1) -> _Measure:
        exponents = dict(self.exponents)
        for unit, exponent in other.exponents.items():
            exponents[unit] = exponents.get(unit, 0) + sign * exponent
        return _Measure(self.factor * other.factor**sign, {unit: each for unit, each in exponents.items() if each})

    def power(self, exponent: int) -> _Measure:
        if abs(exponent) > _LARGEST_EXPONENT:
            raise _IncomparableError(exponent)
        return _Measure(self.factor**exponent, {unit: each * exponent for unit, each in self.exponents.items()})


class _IncomparableError(ValueError):
    """A unit without a linear scale, or one that is none of UCUM's."""


_ONE: Final = _Measure(Fraction(1), {})


@lru_cache(maxsize=4096)
def conversion_of(code: str) -> Conversion | None:
    """How quantities in a unit become canonical; None where the code is none of UCUM's or has no linear scale.

    The first call loads the tables of units: a quarter of a second, 6 MB beside the rest of the service.
    """
    if temperature := _TEMPERATURES.get(code):
        factor, offset = temperature
        return _conversion("[degR]", factor, offset)
    plain = _LEADING_SLASH.sub(r"\g<before>1/", _ANNOTATION.sub(_annotated, code))
    if _is_laborious(plain):
        return None
    try:
        measure = _units().measure(plain)
    except _IncomparableError:
        return None
    if not 1 / _LARGEST_MAGNITUDE < measure.factor < _LARGEST_MAGNITUDE:
        return None
    return _canonical(measure)


def _annotated(match: re.Match[str]) -> str:
    """An annotation after a unit says nothing; one in the place of a unit is the number 1."""
    return "1" if match["unit"] is None else ""


def _is_laborious(code: str) -> bool:
    operators = code.count(".") + code.count("/")
    return len(code) > _LONGEST or operators > _MOST_OPERATORS or code.count("(") > _MOST_PARENTHESES


def _canonical(measure: _Measure) -> Conversion:
    """In base units; but degrees and, of rates, what happens per day, as these are finite decimals more often."""
    match measure.exponents:
        case {"K": 1, **others} if not others:
            return _conversion("[degR]", measure.factor * _RANKINE_PER_KELVIN)
        case {"rad": 1, **others} if not others:
            return _conversion("deg", measure.factor * _PER_RADIAN)
    exponents, factor = dict(measure.exponents), measure.factor
    if exponents.get("s", 0) in _RATES:
        exponents["s"] += 1
        exponents["d"] = -1
        factor *= _SECONDS_PER_DAY
    parts = [unit if each == 1 else f"{unit}{each}" for unit, each in sorted(exponents.items()) if each]
    return _conversion(".".join(parts) or "1", factor)


def _conversion(unit: str, factor: Fraction, offset: Decimal | None = None) -> Conversion:
    numerator, denominator = Decimal(factor.numerator), Decimal(factor.denominator)
    context = _EXACT.copy()
    quotient = context.divide(numerator, denominator)
    if context.flags[Inexact]:
        return Conversion(unit=unit, factor=numerator, divisor=denominator, offset=offset)
    return Conversion(unit=unit, factor=quotient, offset=offset)


class _Units:
    """UCUM's units by code, measured when they are first met."""

    def __init__(self, grammar: Grammar, definitions: Mapping[str, Any], base_units: frozenset[str]) -> None:
        self._grammar = grammar
        self._definitions = definitions
        self._base_units = base_units
        self._measures: dict[str, _Measure] = {}

    def measure(self, code: str) -> _Measure:
        """What one of a unit, simple or compound, comes to; raises _IncomparableError."""
        try:
            powers = self._grammar.read(code)
        except UnreadableError as error:
            raise _IncomparableError(code) from error
        found = _ONE
        for power in powers:
            found = found.times(self._powered(power))
        return found

    def _powered(self, power: Power) -> _Measure:
        unit = _Measure(Fraction(int(power.unit)), {}) if power.unit.isdigit() else self._simple(power.unit)
        if power.prefix:
            unit = _Measure(_prefix(power.prefix), {}).times(unit)
        return unit if power.exponent == 1 else unit.power(power.exponent)

    def _simple(self, code: str) -> _Measure:
        found = self._measures.get(code)
        if found is None:
            found = self._measures[code] = self._defined(code)
        return found

    def _defined(self, code: str) -> _Measure:
        if code in self._base_units:
            return _Measure(Fraction(1), {code: 1})
        definition = self._definitions[code]
        if definition.is_special:
            raise _IncomparableError(code)
        if definition.is_arbitrary and definition.defining_unit == "1":
            return _Measure(Fraction(1), {code: 1})
        factor = Fraction(str(definition.conversion_factor))
        return _Measure(factor, {}).times(self.measure(definition.defining_unit))


def _prefix(code: str) -> Fraction:
    if code in _BINARY:
        return Fraction(1024) ** _BINARY[code]
    return Fraction(10) ** (_LARGE | _SMALL)[code]


@cache
def _units() -> _Units:
    # imported when a unit is first met: a process that meets none, such as a migration, does without them
    from ucumvert.xml_util import get_base_units, get_prefixes, get_units_with_full_definition  # noqa: PLC0415

    definitions = {each.code_cs: each for each in get_units_with_full_definition()}
    base_units = get_base_units()
    metric = [*base_units, *(code for code, unit in definitions.items() if unit.is_metric)]
    return _Units(Grammar(definitions, metric, get_prefixes()), definitions, frozenset(base_units))
