"""The abstract syntax of FHIRPath. https://hl7.org/fhirpath/N1/grammar.html"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from decimal import Decimal

    from service.fhir.path.moment import Moment
    from service.fhir.path.quantity import Quantity

BinaryOperator = Literal[
    "implies", "or", "xor", "and", "in", "contains", "=", "~", "!=", "!~", "<=", ">=", "<", ">", "|",
    "+", "-", "&", "*", "/", "div", "mod",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Literals:
    """A literal: its items, none for ``{}`` and one for everything else."""

    items: tuple[str | bool | int | Decimal | Moment | Quantity, ...]


@dataclass(frozen=True, slots=True)
class Special:
    """A name with a dollar: ``$this``, ``$index`` or ``$total``."""

    name: str


@dataclass(frozen=True, slots=True)
class Variable:
    """``%name``, such as ``%resource``."""

    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """``operand.name``, or ``name`` of what the path starts from (operand None)."""

    operand: Expression | None
    name: str
    position: int


@dataclass(frozen=True, slots=True)
class Call:
    """``operand.name(arguments)``, or ``name(arguments)`` of what the path starts from (operand None)."""

    operand: Expression | None
    name: str
    arguments: tuple[Expression, ...]
    position: int


@dataclass(frozen=True, slots=True)
class Index:
    """``operand[index]``."""

    operand: Expression
    index: Expression


@dataclass(frozen=True, slots=True)
class Sign:
    """``+operand`` or ``-operand``."""

    negative: bool
    operand: Expression


@dataclass(frozen=True, slots=True)
class TypeTest:
    """``operand is type`` or ``operand as type``."""

    operator: Literal["is", "as"]
    operand: Expression
    type: str
    position: int


@dataclass(frozen=True, slots=True)
class Binary:
    """``left operator right``."""

    operator: BinaryOperator
    left: Expression
    right: Expression
    position: int


Expression = Literals | Special | Variable | Member | Call | Index | Sign | TypeTest | Binary


def type_name(expression: Expression) -> str | None:
    """The type that an argument of ``is``, ``as`` or ``ofType`` names, such as ``FHIR.Patient``; None if it is none."""
    match expression:
        case Member(operand=None, name=name):
            return name
        case Member(operand=Member(operand=None, name=("FHIR" | "System") as space), name=name):
            return f"{space}.{name}"
        case _:
            return None


def parts(expression: Expression) -> tuple[Expression, ...]:
    """The expressions that an expression is directly made of."""
    match expression:
        case Member(operand=operand):
            return () if operand is None else (operand,)
        case Call(operand=operand, arguments=arguments):
            return arguments if operand is None else (operand, *arguments)
        case Index(operand=operand, index=index):
            return (operand, index)
        case Sign(operand=operand) | TypeTest(operand=operand):
            return (operand,)
        case Binary(left=left, right=right):
            return (left, right)
        case _:
            return ()


def mentions(expression: Expression, names: tuple[str, ...]) -> bool:
    """Whether an expression uses ``$index`` or the like anywhere."""
    if isinstance(expression, Special):
        return expression.name in names
    return any(mentions(part, names) for part in parts(expression))


def true_without(expression: Expression) -> str | None:
    """The element without which an expression of the form ``element.where(...).empty()`` is true; None for others."""
    if not (isinstance(expression, Call) and expression.name == "empty"):
        return None
    current = expression.operand
    while isinstance(current, Member | Call | Index):
        if isinstance(current, Member) and current.operand is None:
            return None if current.name[:1].isupper() else current.name
        if isinstance(current, Call) and current.name not in ("where", "select", "trace", "first", "last"):
            return None
        current = current.operand
    return None
