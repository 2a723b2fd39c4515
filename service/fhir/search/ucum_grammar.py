"""The grammar of UCUM's codes: a unit is a product of powers of simple units. https://ucum.org/ucum#section-Syntax-Rules

Annotations are taken out before. Reading takes microseconds: clients and resources choose the codes, and all are read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NUMBER: Final = re.compile(r"[1-9][0-9]*", re.ASCII)
_EXPONENT: Final = re.compile(r"[+-]?[1-9][0-9]*", re.ASCII)
_OPERATORS: Final = {".": 1, "/": -1}


class Power(Struct, frozen=True):
    """A power of a simple unit, which may have a prefix, or of a number in the place of one."""

    prefix: str
    unit: str
    exponent: int


class UnreadableError(ValueError):
    """A code that the grammar does not know."""


class Grammar:
    """Reads codes. `units` are the simple ones; those that are `metric` take each of the `prefixes`."""

    def __init__(self, units: Iterable[str], metric: Iterable[str], prefixes: Iterable[str]) -> None:
        metric = tuple(metric)
        # a unit without a prefix is preferred, cd is candela; then a short prefix, dar is a tenth of an are
        self._symbols: Mapping[str, tuple[str, str]] = {
            **{prefix + unit: (prefix, unit) for prefix in sorted(prefixes, key=len, reverse=True) for unit in metric},
            **{unit: ("", unit) for unit in (*units, *metric)},
        }
        self._longest = max(map(len, self._symbols))

    def read(self, code: str) -> list[Power]:
        """The powers whose product a code is; UnreadableError."""
        found: list[Power] = []
        if self._term(code, 0, 1, found) != len(code):
            raise UnreadableError(code)
        return found

    def _term(self, code: str, at: int, sign: int, found: list[Power]) -> int:
        """Read components up to what is none; where that is."""
        operator = 1
        if code[at : at + 1] == "/":
            operator, at = -1, at + 1
        while True:
            if code[at : at + 1] == "(":
                at = self._term(code, at + 1, sign * operator, found)
                if code[at : at + 1] != ")":
                    raise UnreadableError(code)
                at += 1
            else:
                at = self._power(code, at, sign * operator, found)
            following = _OPERATORS.get(code[at : at + 1])
            if following is None:
                return at
            operator, at = following, at + 1

    def _power(self, code: str, at: int, sign: int, found: list[Power]) -> int:
        prefix, unit = self._simple(code, at)
        at += len(prefix) + len(unit)
        exponent = _EXPONENT.match(code, at)
        found.append(Power(prefix, unit, sign * int(exponent[0]) if exponent else sign))
        return exponent.end() if exponent else at

    def _simple(self, code: str, at: int) -> tuple[str, str]:
        """The longest simple unit that begins here, or a number."""
        for end in range(min(len(code), at + self._longest), at, -1):
            symbol = self._symbols.get(code[at:end])
            if symbol is not None:
                return symbol
        number = _NUMBER.match(code, at)
        if number is None:
            raise UnreadableError(code)
        return "", number[0]
