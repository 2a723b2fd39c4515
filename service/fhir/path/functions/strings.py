"""Functions on text. https://hl7.org/fhirpath/N1/#string-manipulation"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from service.fhir.path.arithmetic import bounded
from service.fhir.path.code import NOTHING, Code, of_items, of_scalar
from service.fhir.path.error import PathError
from service.fhir.path.functions.invocation import Function, Invocation, integer_of, text_of
from service.fhir.path.item import Items, value_of
from service.fhir.path.pattern import matcher, python_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from service.fhir.path.code import Scope


def _of_text(function: Callable[..., Any], kinds: str = "", least: int | None = None, **options: bool) -> Function:
    """A function of a text and further arguments (t: text, i: integer); empty as soon as one of them is."""

    def build(call: Invocation) -> Code:
        text = call.text()
        readers = [
            (integer_of if kind == "i" else text_of)(call.argument(number), call.name)
            for number, kind in enumerate(kinds[: len(call.arguments)])
        ]

        def scalar(this: Any, scope: Scope) -> Any:
            value = text(this, scope)
            if value is None:
                return None
            scope.spend(len(value) >> 8)
            arguments = [reader(this, scope) for reader in readers]
            return None if None in arguments else function(value, *arguments)

        return of_scalar(scalar)

    return Function(build, len(kinds) if least is None else least, len(kinds), **options)


def _to_items(function: Callable[..., Items], kinds: str = "") -> Function:
    """A function of a text that answers with a collection."""
    scalar = _of_text(function, kinds)

    def build(call: Invocation) -> Code:
        found = scalar.build(call).scalar

        def items(this: Any, scope: Scope) -> Items:
            parts: Items = found(this, scope) or NOTHING
            scope.spend(len(parts))
            return parts

        return of_items(items, typed=True)

    return Function(build, scalar.least, scalar.most)


def _substring(text: str, start: int, length: int | None = None) -> str | None:
    if not 0 <= start < len(text):
        return None
    return text[start:] if length is None else text[start : start + max(length, 0)]


def _replace(text: str, pattern: str, substitution: str) -> str:
    if len(text) + (text.count(pattern) if pattern else len(text) + 1) * len(substitution) > 2_000_000:
        bounded(substitution * 2_000_000)
    return bounded(text.replace(pattern, substitution))


def _replace_matches(text: str, pattern: str, substitution: str) -> str:
    if not pattern:
        return text
    substitute = re.sub(r"\$(\d)", r"\\g<\1>", substitution.replace("\\", r"\\"))
    try:
        return bounded(python_pattern(pattern).sub(substitute, text))
    except (re.error, IndexError):
        raise PathError("replaceMatches() has a substitution that names a group its pattern does not have.") from None


def _join(call: Invocation) -> Code:
    source = call.operand.items
    separator = text_of(call.argument(0), call.name) if call.arguments else None

    def scalar(this: Any, scope: Scope) -> str | None:
        values = [value_of(item) for item in source(this, scope)]
        if not all(isinstance(value, str) for value in values):
            raise PathError("join() works on texts.")
        between = separator(this, scope) if separator else ""
        return bounded((between or "").join(values))

    return of_scalar(scalar)


FUNCTIONS: Final[Mapping[str, Function]] = {
    "startsWith": _of_text(str.startswith, "t"),
    "endsWith": _of_text(str.endswith, "t"),
    "contains": _of_text(lambda text, part: part in text, "t"),
    "indexOf": _of_text(str.find, "t"),
    "substring": _of_text(_substring, "ii", least=1),
    "upper": _of_text(str.upper),
    "lower": _of_text(str.lower),
    "trim": _of_text(str.strip),
    "length": _of_text(len),
    "replace": _of_text(_replace, "tt"),
    "matches": _of_text(lambda text, pattern: matcher(pattern, whole=False)(text), "t", pattern=True),
    "matchesFull": _of_text(lambda text, pattern: matcher(pattern, whole=True)(text), "t", pattern=True),
    "replaceMatches": _of_text(_replace_matches, "tt", pattern=True),
    "toChars": _to_items(list),
    "split": _to_items(lambda text, separator: text.split(separator) if separator else list(text), "t"),
    "join": Function(_join, 0, 1),
}
"""The functions on text by their names."""
