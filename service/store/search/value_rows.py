"""Values as rows of probes: the form that a value needs, and what it is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.search.query import (
    CompositeValue,
    DateValue,
    NumberValue,
    QuantityValue,
    ReferenceValue,
    StringValue,
    TokenValue,
    UriValue,
)
from service.store.search.forms import ACTING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from service.fhir.search.parameter import SearchParameter
    from service.fhir.search.query import Value

Row = tuple[Any, ...]

_MOST_OTHERS: Final = 64
"""Of more other codes than these it is left to the resources to say which they have."""
_HIGHEST: Final = "\U0010ffff"
_SURROGATES: Final = range(0xD800, 0xE000)


def value_rows(value: Value) -> Iterator[tuple[str, Row]]:
    """The form of probe that a value needs, and its row of values; an empty row where nothing matches."""
    match value:
        case TokenValue():
            yield from _token_rows(value)
        case ReferenceValue(targets=targets, acting=acting):
            yield from ((ACTING if acting else "reference", (target,)) for target in targets)
        case StringValue():
            yield _string_row(value)
        case DateValue():
            yield date_row("date", value)
        case UriValue():
            yield _uri_row(value)
        case NumberValue(prefix=prefix, low=low, high=high):
            yield f"quantity-any-unit-{prefix}", (low, high)
        case QuantityValue():
            yield _quantity_row(value)
        case CompositeValue():
            raise TypeError("a composite has no rows of its own")


def _token_rows(value: TokenValue) -> Iterator[tuple[str, Row]]:
    match value.form:
        case "any-code-of":
            yield "token-code", ()
            yield from (("token-code", (code,)) for code in value.codes)
        case "system-and-code" | "of-type":
            yield f"token-{value.form}", (value.system, value.code)
        case "system":
            yield "token-system", (value.system,)
        case "code" | "code-without-system":
            yield f"token-{value.form}", (value.code,)


def other_codes(parameter: SearchParameter, values: Iterable[Value]) -> tuple[str, ...] | None:
    """The codes of a parameter besides those of the values, sorted; None where its codes are no closed set.

    That is of elements of type code alone, whose codes are checked when they are stored.
    """
    if not parameter.systems or any(source.evaluated for source in parameter.sources):
        return None
    found = set().union(*parameter.systems.values())
    for value in values:
        if not isinstance(value, TokenValue) or value.form not in {"code", "any-code-of"}:
            return None
        found -= {value.code, *value.codes}
    return tuple(sorted(found)) if len(found) <= _MOST_OTHERS else None


def _string_row(value: StringValue) -> tuple[str, Row]:
    if value.exact is not None:
        return "string-exact", (value.folded, value.exact)
    if value.form == "contains":
        return "string-contains", (value.folded,)
    return "string-prefix", (value.folded, after_prefix(value.folded))


def _uri_row(value: UriValue) -> tuple[str, Row]:
    if value.form == "equal":
        return "uri", (value.value,)
    return "uri-below", (value.value, after_prefix(value.value))


def _quantity_row(value: QuantityValue) -> tuple[str, Row]:
    canonical = value.canonical
    if canonical is not None:
        return f"quantity-canonical-{value.prefix}", (canonical.unit, canonical.low, canonical.high)
    bounds = (value.low, value.high)
    match value.form:
        case "any-unit":
            return f"quantity-any-unit-{value.prefix}", bounds
        case "code":
            return f"quantity-code-{value.prefix}", (value.code, *bounds)
        case "system-and-code":
            return f"quantity-system-and-code-{value.prefix}", (value.system, value.code, *bounds)


def date_row(table: str, value: DateValue) -> tuple[str, Row]:
    """The row of a date, compared with those of `table`: "date", or "updated" for the resource's own instant."""
    return f"{table}-{value.prefix}", (value.range.low, value.range.high)


def after_prefix(prefix: str) -> str:
    """The first text, in the order of code points, after all that start with the prefix."""
    kept = prefix.rstrip(_HIGHEST)
    if not kept:
        return prefix + _HIGHEST
    following = ord(kept[-1]) + 1
    if following in _SURROGATES:
        following = _SURROGATES.stop
    return kept[:-1] + chr(following)


def grouped(rows: Iterable[tuple[str, Row]]) -> Iterator[tuple[str, list[Row]]]:
    """The rows by form, in the order of the forms' names; an empty row only makes sure that its form is there."""
    found: dict[str, dict[Row, None]] = {}
    for form, row in rows:
        found.setdefault(form, {})
        if row:
            found[form][row] = None
    for form in sorted(found):
        yield form, list(found[form])


def combined(parts: Sequence[list[tuple[str, Row]]]) -> Iterator[tuple[tuple[str, Row], ...]]:
    """Every choice of one row for each part; rows that only name their form stand for no value."""
    if not parts:
        yield ()
        return
    for first in parts[0]:
        if first[1]:
            for others in combined(parts[1:]):
                yield (first, *others)
