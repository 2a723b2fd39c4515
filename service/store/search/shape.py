"""Criteria as probes of index rows, with the values taken out: the shape that a statement is compiled for.

A criterion holds when any of its probes finds a row. Each probe has a form (see `forms`), the numbers of its sources,
and columns of values: the i-th items of all columns belong together, the items are alternatives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.reference import type_code
from service.fhir.search.query import (
    DateValue,
    Identified,
    Matches,
    Not,
    Present,
    ReferenceValue,
    StringValue,
    TokenValue,
    Updated,
    UriValue,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from service.fhir.search.parameter import SearchParameter
    from service.fhir.search.query import Criterion, Query, Value

Row = tuple[Any, ...]

_ELSEWHERE: Final = 0
_HIGHEST: Final = "\U0010ffff"
_SURROGATES: Final = range(0xD800, 0xE000)


class ProbeShape(Struct, frozen=True, kw_only=True):
    """A probe without its values. `identifying` marks tokens of identifiers, which are near unique."""

    form: str
    identifying: bool = False


class CriterionShape(Struct, frozen=True, kw_only=True):
    """Any of the probes finds a row, or with `negated` none of them."""

    probes: tuple[ProbeShape, ...]
    negated: bool = False


Shape = tuple[CriterionShape, ...]

Columns = tuple[list[Any], ...]
"""The values of one probe: first its source numbers (none for a probe of the resource itself), then its columns."""


class ShapedQuery(Struct, frozen=True, kw_only=True):
    """A query's shape, and the values of every probe of it in order."""

    shape: Shape
    values: tuple[Columns, ...]


def shaped(query: Query) -> ShapedQuery:
    """The probes of all criteria of a query."""
    shape: list[CriterionShape] = []
    values: list[Columns] = []
    for criterion in query.where.criteria:
        negated = isinstance(criterion, Not)
        found = list(_probes(criterion.criterion if isinstance(criterion, Not) else criterion))
        shape.append(CriterionShape(probes=tuple(probe for probe, _ in found), negated=negated))
        values.extend(columns for _, columns in found)
    return ShapedQuery(shape=tuple(shape), values=tuple(values))


def _probes(criterion: Criterion) -> Iterator[tuple[ProbeShape, Columns]]:
    match criterion:
        case Identified(identities=identities):
            yield ProbeShape(form="identified"), (list(identities),)
        case Updated(values=dates):
            for form, rows in _grouped(_date_row("updated", value) for value in dates):
                yield ProbeShape(form=form), _columns(rows)
        case Present(parameter=parameter):
            yield _present(parameter)
        case Matches(parameter=parameter, values=values):
            identifying = any(path.type == "Identifier" for source in parameter.sources for path in source.paths)
            for form, rows in _grouped(row for value in values for row in _rows(value)):
                yield (
                    ProbeShape(form=form, identifying=identifying),
                    (list(parameter.source_numbers), *_columns(rows)),
                )


def _present(parameter: SearchParameter) -> tuple[ProbeShape, Columns]:
    """Any row of the sources; where rows are shared, one whose target has the type or does not tell its type."""
    sources = list(parameter.source_numbers)
    if parameter.restricted_to is None:
        return ProbeShape(form=f"present-{parameter.kind}"), (sources,)
    return ProbeShape(form="present-target"), (sources, [type_code(parameter.restricted_to), _ELSEWHERE])


def _rows(value: Value) -> Iterator[tuple[str, Row]]:
    """The form of probe that a value needs, and its row of values."""
    match value:
        case TokenValue(form="any-code-of", codes=codes):
            yield "token-code", ()
            yield from (("token-code", (code,)) for code in codes)
        case TokenValue(form="system-and-code", system=system, code=code):
            yield "token-system-and-code", (system, code)
        case TokenValue(form="system", system=system):
            yield "token-system", (system,)
        case TokenValue(form=form, code=code):
            yield f"token-{form}", (code,)
        case ReferenceValue(targets=targets):
            yield from (("reference", (target,)) for target in targets)
        case StringValue(folded=folded, exact=None):
            yield "string-prefix", (folded, after_prefix(folded))
        case StringValue(folded=folded, exact=exact):
            yield "string-exact", (folded, exact)
        case DateValue():
            yield _date_row("date", value)
        case UriValue(value=uri):
            yield "uri", (uri,)


def _date_row(table: str, value: DateValue) -> tuple[str, Row]:
    return f"{table}-{value.prefix}", (value.range.low, value.range.high)


def _grouped(rows: Iterable[tuple[str, Row]]) -> Iterator[tuple[str, list[Row]]]:
    """The rows by form, in the order of the forms' names; an empty row only makes sure that its form is there."""
    found: dict[str, dict[Row, None]] = {}
    for form, row in rows:
        found.setdefault(form, {})
        if row:
            found[form][row] = None
    for form in sorted(found):
        yield form, list(found[form])


def _columns(rows: Sequence[Row]) -> Columns:
    return tuple(list(column) for column in zip(*rows, strict=True)) if rows else ([],)


def after_prefix(prefix: str) -> str:
    """The first text, in the order of code points, after all that start with the prefix."""
    kept = prefix.rstrip(_HIGHEST)
    if not kept:
        return prefix + _HIGHEST
    following = ord(kept[-1]) + 1
    if following in _SURROGATES:
        following = _SURROGATES.stop
    return kept[:-1] + chr(following)
