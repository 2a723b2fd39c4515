"""FHIRPath text as syntax: a Pratt parser over the tokens. https://hl7.org/fhirpath/N1/#operator-precedence"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, cast

from service.fhir.path.error import PathError
from service.fhir.path.lexer import tokens
from service.fhir.path.moment import parse_moment
from service.fhir.path.quantity import CALENDAR, Quantity
from service.fhir.path.syntax import (
    Binary,
    BinaryOperator,
    Call,
    Expression,
    Index,
    Literals,
    Member,
    Sign,
    Special,
    TypeTest,
    Variable,
    type_name,
)

if TYPE_CHECKING:
    from service.fhir.path.lexer import Token

MAX_DEPTH: Final = 60
"""How deep parentheses and operators may nest; R4's deepest invariant nests 9."""
MAX_CHAIN: Final = 120
"""How many steps and alternatives one level may have; R4's longest search expression has 33."""

_POWER: Final = {
    "implies": 1,
    "or": 2, "xor": 2,
    "and": 3,
    "in": 4, "contains": 4,
    "=": 5, "~": 5, "!=": 5, "!~": 5,
    "<=": 6, ">=": 6, "<": 6, ">": 6,
    "|": 7,
    "is": 8, "as": 8,
    "+": 9, "-": 9, "&": 9,
    "*": 10, "/": 10, "div": 10, "mod": 10,
}  # fmt: skip
"""How tightly each infix operator binds; signs, indexers and steps bind tighter than all of them."""
_SIGN: Final = 11
_RESERVED: Final = frozenset({"and", "or", "xor", "implies", "div", "mod"})


def parse(expression: str) -> Expression:
    """The syntax of an expression; raises PathError."""
    parser = _Parser(tokens(expression))
    tree = parser.expression(0)
    if parser.here.kind != "end":
        raise PathError("The path goes on where it should end", parser.here.position)
    return tree


class _Parser:
    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._next = 0
        self._depth = 0

    @property
    def here(self) -> Token:
        return self._tokens[self._next]

    def advance(self) -> Token:
        token = self._tokens[self._next]
        if token.kind == "end":
            raise PathError("The path ends too early", token.position)
        self._next += 1
        return token

    def at(self, symbol: str) -> bool:
        return self.here.kind == "symbol" and self.here.text == symbol

    def take(self, symbol: str) -> bool:
        if self.at(symbol):
            self._next += 1
            return True
        return False

    def expect(self, symbol: str) -> None:
        if not self.take(symbol):
            raise PathError(f"The path needs '{symbol}' here", self.here.position)

    def expression(self, power: int) -> Expression:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise PathError("The path nests too deep", self.here.position)
        left = self.operand()
        for _ in range(MAX_CHAIN):
            token = self.here
            binds = _POWER.get(token.text, 0) if token.kind in ("symbol", "name") else 0
            if binds <= power:
                self._depth -= 1
                return left
            self.advance()
            if token.text in ("is", "as"):
                kind = self.type_specifier()
                left = TypeTest("is" if token.text == "is" else "as", left, kind, token.position)
            else:
                left = Binary(cast("BinaryOperator", token.text), left, self.expression(binds), token.position)
        raise PathError("The path has too many operators", self.here.position)

    def operand(self) -> Expression:
        if self.at("-") or self.at("+"):
            negative = self.advance().text == "-"
            return Sign(negative, self.expression(_SIGN))
        left = self.term()
        for _ in range(MAX_CHAIN):
            if self.take("."):
                left = self.invocation(left)
            elif self.take("["):
                left = Index(left, self.expression(0))
                self.expect("]")
            else:
                return left
        raise PathError("The path has too many steps", self.here.position)

    def term(self) -> Expression:
        token = self.here
        match token.kind:
            case "name" | "quoted":
                return self.name_or_literal(token)
            case "special":
                self.advance()
                return Special(token.text)
            case "string":
                self.advance()
                return Literals((token.text,))
            case "number":
                return self.number()
            case "moment":
                self.advance()
                moment = parse_moment(token.text, literal=True)
                if moment is None:
                    raise PathError("The path has a date or time that does not exist", token.position)
                return Literals((moment,))
            case _:
                return self.bracketed()

    def name_or_literal(self, token: Token) -> Expression:
        if token.kind == "name" and token.text in ("true", "false"):
            self.advance()
            return Literals((token.text == "true",))
        if token.kind == "name" and token.text in _RESERVED:
            raise PathError(f"The path needs an operand before '{token.text}'", token.position)
        return self.invocation(None)

    def bracketed(self) -> Expression:
        token = self.advance()
        match token.text:
            case "(":
                inner = self.expression(0)
                self.expect(")")
                return inner
            case "{":
                self.expect("}")
                return Literals(())
            case "%":
                name = self.advance()
                if name.kind not in ("name", "quoted", "string"):
                    raise PathError("'%' is followed by the name of a variable", name.position)
                return Variable(name.text)
            case _:
                raise PathError(f"'{token.text}' cannot stand here", token.position)

    def invocation(self, operand: Expression | None) -> Expression:
        token = self.advance()
        if token.kind not in ("name", "quoted"):
            raise PathError("The path needs the name of an element or function here", token.position)
        if not self.take("("):
            return Member(operand, token.text, token.position)
        arguments: list[Expression] = []
        if not self.take(")"):
            arguments.append(self.expression(0))
            while self.take(","):
                arguments.append(self.expression(0))
            self.expect(")")
        if token.text in ("is", "as"):
            kind = type_name(arguments[0]) if len(arguments) == 1 else None
            if kind is None:
                raise PathError(f"{token.text}() takes the name of a type", token.position)
            return TypeTest("is" if token.text == "is" else "as", operand or Special("this"), kind, token.position)
        return Call(operand, token.text, tuple(arguments), token.position)

    def number(self) -> Expression:
        token = self.advance()
        value = Decimal(token.text)
        unit = self.here
        if unit.kind == "string":
            self.advance()
            return Literals((Quantity(value=value, unit=unit.text),))
        if unit.kind == "name" and unit.text in CALENDAR:
            self.advance()
            return Literals((Quantity(value=value, unit=CALENDAR[unit.text], calendar=True),))
        if "." in token.text:
            return Literals((value,))
        return Literals((int(token.text),)) if len(token.text) <= 10 else Literals((value,))

    def type_specifier(self) -> str:
        token = self.advance()
        if token.kind not in ("name", "quoted"):
            raise PathError("The path needs the name of a type here", token.position)
        if token.text in ("FHIR", "System") and self.take("."):
            return f"{token.text}.{self.advance().text}"
        return token.text
