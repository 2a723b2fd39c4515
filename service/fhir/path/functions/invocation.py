"""What a function is given when it is compiled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from service.fhir.path.code import Code, Scope
from service.fhir.path.error import PathError
from service.fhir.path.item import value_of
from service.fhir.path.navigation import this_code
from service.fhir.path.syntax import mentions

if TYPE_CHECKING:
    from service.fhir.path.shape import Shape
    from service.fhir.path.syntax import Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """A call: the compiled operand, the arguments' syntax, and the way to compile them.

    `focus` is ``$this`` outside of the call; `unknown` the open shape.
    """

    name: str
    operand: Code
    arguments: tuple[Expression, ...]
    focus: Code
    unknown: Shape
    position: int
    compile: Callable[[Expression, Code], Code]

    def argument(self, number: int) -> Code:
        """An argument that is evaluated once, where the call stands."""
        return self.compile(self.arguments[number], self.focus)

    def projection(self, number: int) -> Code:
        """An argument that is evaluated for each item of the operand, which it sees as ``$this``."""
        return self.compile(self.arguments[number], this_code(self.operand.shapes, typed=self.operand.typed))

    def counts(self, number: int) -> bool:
        """Whether a projection uses ``$index`` or ``$total``."""
        return mentions(self.arguments[number], ("index", "total"))

    def text(self) -> Callable[[Any, Scope], str | None]:
        """The operand as a single text."""
        return text_of(self.operand, self.name)

    def error(self, message: str) -> PathError:
        """A PathError about this call."""
        return PathError(f"{self.name}() {message}", self.position)


Builder = Callable[[Invocation], Code]


@dataclass(frozen=True, slots=True)
class Function:
    """A function: how many arguments it takes, and how it is compiled; `pattern` if it runs a regular expression."""

    build: Builder
    least: int = 0
    most: int = 0
    pattern: bool = False


def text_of(operand: Code, name: str) -> Callable[[Any, Scope], str | None]:
    """The single item of an operand as text, None if it is empty; PathError for anything but text."""
    scalar = operand.scalar

    def text(this: Any, scope: Scope) -> str | None:
        value = value_of(scalar(this, scope))
        if value is None or type(value) is str:
            return value
        raise PathError(f"{name}() works on text.")

    return text


def integer_of(operand: Code, name: str) -> Callable[[Any, Scope], int | None]:
    """The single item of an operand as an integer, None if it is empty; PathError for anything else."""
    scalar = operand.scalar

    def integer(this: Any, scope: Scope) -> int | None:
        value = value_of(scalar(this, scope))
        if value is None or type(value) is int:
            return value
        raise PathError(f"{name}() takes an integer.")

    return integer
