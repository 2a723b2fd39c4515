"""Criteria as probes of index rows, with the values taken out: the shape that a statement is compiled for.

A shape is a tree of structs that says which forms of probes there are and how they are joined; it names each list of
values by its position. Queries that differ in values alone, or in how many alternatives there are, share a shape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.reference import type_code
from service.fhir.search.parameter import url_number
from service.fhir.search.query import (
    AnyOf,
    Chain,
    CompositeValue,
    Has,
    Identified,
    InCodes,
    Matches,
    Not,
    Present,
    Updated,
)
from service.store.likeness import least_likeness
from service.store.search.forms import BIGINT, FORMS, IDENTIFYING_RANK, INTEGER, TEXT, Form
from service.store.search.sorting import Sorted, sorted_by
from service.store.search.sources import has_one_code, is_single, sources_of
from service.store.search.value_rows import combined, date_row, grouped, other_codes, value_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from service.fhir.search.parameter import SearchParameter
    from service.fhir.search.query import And, Criterion, Query, SortKey, Value
    from service.store.search.value_rows import Row

_COMPARED: Final = frozenset({"index_date", "index_quantity"})
"""The tables in which it matters whether a resource has one value or several."""
_ELSEWHERE: Final = 0
_MANY: Final = 16
"""From how many pairs of source and value on a resource's rows are compared with all of them at once."""


class Leaf(Struct, frozen=True, kw_only=True):
    """A row of one of the sources passes with one of the values.

    `sources` is the position of the source numbers (None: the resource itself is looked at), `values` are those of the
    columns of values. `parameter` tells apart what reads other sources; `single`: a resource has at most one such row;
    `several`: there are alternatives, of which no resource has two where they are `exclusive`; `spread`: there are
    several sources. `types` are those of what it is asked of.
    """

    form_name: str
    sources: int | None
    values: tuple[int, ...]
    parameter: int = -1
    identifying: bool = False
    many: bool = False
    several: bool = False
    spread: bool = False
    single: bool = False
    exclusive: bool = False
    types: int = 0

    @property
    def form(self) -> Form:
        """How it is probed."""
        return FORMS[self.form_name]

    @property
    def rank(self) -> int:
        """How many resources a value usually has, fewest first."""
        return IDENTIFYING_RANK if self.identifying and self.form.ordered else self.form.rank

    @property
    def finds_once(self) -> bool:
        """Whether, value by value and source by source, no resource is found a second time."""
        return ((self.form.ordered or self.single) and not (self.several or self.spread)) or self.exclusive


class Joined(Struct, frozen=True, kw_only=True):
    """Rows that agree in their element pass, one for each part, with values that belong together."""

    parts: tuple[Leaf, ...]


class Linked(Struct, frozen=True, kw_only=True):
    """The resource refers to one of the types that matches.

    `names` is the position of the numbers under which the types' canonical URLs are, None where no canonical refers.
    """

    sources: int
    types: int
    where: All
    names: int | None = None


class Referring(Struct, frozen=True, kw_only=True):
    """Something that matches refers to the resource, perhaps by one of its URLs, which stand under `names`."""

    sources: int
    where: All
    names: int | None = None


class OneOf(Struct, frozen=True, kw_only=True):
    """At least one holds."""

    nodes: tuple[Node, ...]


class Negated(Struct, frozen=True, kw_only=True):
    """It does not hold. Where it does not, `instead` does, which an index finds: other codes, or no value.

    `exact`: only there.
    """

    node: Node
    instead: Node | None = None
    exact: bool = False


class All(Struct, frozen=True, kw_only=True):
    """All of them hold."""

    nodes: tuple[Node, ...]


Node = Leaf | Joined | Linked | Referring | OneOf | Negated


class Shape(Struct, frozen=True, kw_only=True):
    """A query without its values; `arrays` are the SQL types of the lists of values by position.

    The first list holds the types that are searched, the second the least likeness of each.
    """

    where: All
    sort: tuple[Sorted, ...]
    arrays: tuple[str, ...]


class ShapedQuery(Struct, frozen=True, kw_only=True):
    """A query's shape, and its lists of values."""

    shape: Shape
    values: tuple[list[Any], ...]


TYPES: Final = 0
"""The position of the types that are searched."""
LIKENESSES: Final = 1
"""The position of the least likenesses of these types."""


def shaped(query: Query) -> ShapedQuery:
    """The shape and the values of a query."""
    shaper = _Shaper()
    shaper.array(TEXT, query.types)
    shaper.array(BIGINT, map(least_likeness, query.types))
    where = shaper.all_of(query.where)
    sort = tuple(each for key in query.sort for each in shaper.sorted_by(key, alone=len(query.sort) == 1))
    shape = Shape(where=where, sort=sort, arrays=tuple(shaper.types))
    return ShapedQuery(shape=shape, values=tuple(shaper.values))


class _Shaper:
    def __init__(self) -> None:
        self.types: list[str] = []
        self.values: list[list[Any]] = []
        self._parameters: dict[tuple[int, ...], int] = {}
        self._asked = TYPES

    def array(self, sql_type: str, items: Iterable[Any]) -> int:
        self.types.append(sql_type)
        self.values.append(list(items))
        return len(self.types) - 1

    def all_of(self, where: And) -> All:
        return All(nodes=tuple(self._criterion(each) for each in where.criteria))

    def _all_of(self, where: And, types: int) -> All:
        """The same asked of resources of other types."""
        asked, self._asked = self._asked, types
        found = self.all_of(where)
        self._asked = asked
        return found

    def sorted_by(self, key: SortKey, *, alone: bool) -> tuple[Sorted, ...]:
        """The columns that a key stands for: more than one for quantities."""
        parameter = key.parameter
        codes = other_codes(parameter, ()) if alone else None
        sources, target_types = None, None
        if not parameter.special:
            sources = self.array(INTEGER, parameter.source_numbers)
        if parameter.restricted_to is not None:
            target_types = self.array(INTEGER, (type_code(parameter.restricted_to), _ELSEWHERE))
        table, columns = sorted_by(parameter)
        return tuple(
            Sorted(
                table=table,
                value=name,
                type=sql_type,
                sources=sources,
                descending=key.descending,
                target_types=target_types,
                parameter=-1 if sources is None else self._parameter(parameter.source_numbers),
                single=sources is None or (table in _COMPARED and is_single(parameter)),
                among=tuple(each for each, _ in columns) if len(columns) > 1 else (),
                codes=None if codes is None else self.array(TEXT, codes),
            )
            for name, sql_type in columns
        )

    def _criterion(self, criterion: Criterion | Not) -> Node:
        match criterion:
            case Not(criterion=inner):
                exact = isinstance(inner, Matches) and has_one_code(inner.parameter)
                return Negated(node=self._criterion(inner), instead=self._instead(inner), exact=exact)
            case AnyOf(criteria=criteria):
                return OneOf(nodes=tuple(self._criterion(each) for each in criteria))
            case Chain(parameter=parameter, types=types, where=where):
                sources = self.array(INTEGER, parameter.source_numbers)
                position = self.array(TEXT, types)
                names = self._names(parameter, types)
                return Linked(sources=sources, types=position, where=self._all_of(where, position), names=names)
            case Has(type=type_, parameter=parameter, where=where):
                sources = self.array(INTEGER, parameter.source_numbers)
                names = self._names(parameter, self.values[self._asked])
                position = self.array(TEXT, (type_,))
                return Referring(sources=sources, where=self._all_of(where, position), names=names)
            case Identified(identities=identities):
                values = (self.array("uuid", identities),)
                return Leaf(form_name="identified", sources=None, values=values, many=len(identities) > _MANY)
            case Updated(values=dates):
                rows = (date_row("updated", value) for value in dates)
                return _one_of(self._leaf(form, None, found) for form, found in grouped(rows))
            case Present(parameter=parameter):
                return self._present(parameter)
            case Matches(parameter=parameter, values=values):
                return self._matches(parameter, values)
            case InCodes():
                raise TypeError("sets of codes are resolved before a statement is built")

    def _instead(self, criterion: Criterion) -> Node | None:
        """What holds wherever a criterion on a closed set of codes does not: another one of them, or no value."""
        if not isinstance(criterion, Matches) or self._asked != TYPES:
            return None
        parameter = criterion.parameter
        codes = other_codes(parameter, criterion.values)
        if codes is None:
            return None
        others = self._leaf("token-code", parameter.source_numbers, [(code,) for code in codes], parameter)
        return OneOf(nodes=(others, Negated(node=self._present(parameter))))

    def _names(self, parameter: SearchParameter, types: Iterable[str]) -> int | None:
        """Where the numbers are under which canonicals find the types."""
        return self.array(INTEGER, map(url_number, types)) if parameter.canonical else None

    def _matches(self, parameter: SearchParameter, values: Sequence[Value]) -> Node:
        if parameter.components:
            return self._composites(parameter, values)
        rows = [row for value in values for row in value_rows(value)]
        if parameter.kind != "string":
            rows = [("text-prefix" if form == "string-prefix" else form, row) for form, row in rows]
        if len(rows) == 1 and rows[0][1]:  # what most searches ask
            form, row = rows[0]
            return self._leaf(form, sources_of(parameter, form), [row], parameter)
        return _one_of(self._leaf(form, sources_of(parameter, form), found, parameter) for form, found in grouped(rows))

    def _composites(self, parameter: SearchParameter, values: Sequence[Value]) -> Node:
        """One node for all values whose components have the same forms."""
        groups: dict[tuple[str, ...], list[tuple[Row, ...]]] = {}
        for value in values:
            if isinstance(value, CompositeValue):
                for parts in combined([list(value_rows(each)) for each in value.components]):
                    groups.setdefault(tuple(form for form, _ in parts), []).append(tuple(row for _, row in parts))
        return _one_of(
            Joined(
                parts=tuple(
                    self._leaf(form, sources_of(component, form), [row[part] for row in rows], component)
                    for part, (form, component) in enumerate(zip(forms, parameter.components, strict=True))
                )
            )
            for forms, rows in sorted(groups.items())
        )

    def _leaf(
        self,
        form_name: str,
        sources: tuple[int, ...] | None,
        rows: Sequence[Row],
        parameter: SearchParameter | None = None,
    ) -> Leaf:
        form = FORMS[form_name]
        columns = list(zip(*rows, strict=True)) or [()] * len(form.types)
        return Leaf(
            form_name=form_name,
            sources=None if sources is None else self.array(INTEGER, sources),
            values=tuple([self.array(*column) for column in zip(form.types, columns, strict=True)]),
            parameter=-1 if sources is None else self._parameter(sources),
            identifying=form.table == "index_token" and parameter is not None and "Identifier" in parameter.data_types,
            many=len(rows) * len(sources or (1,)) > _MANY,
            several=len(rows) > 1,
            spread=len(sources or ()) > 1,
            types=self._asked,
            single=parameter is None or (form.table in _COMPARED and is_single(parameter)),
            exclusive=form_name == "token-code" and parameter is not None and has_one_code(parameter),
        )

    def _present(self, parameter: SearchParameter) -> Node:
        """Any row of the sources; where rows are shared, one whose target has the type or does not tell its type.

        A reference by an identifier alone has its row among the tokens only.
        """
        if parameter.kind != "reference":
            table = "quantity" if parameter.kind == "number" else parameter.kind
            return self._leaf(f"present-{table}", parameter.source_numbers, [], parameter)
        rows: list[Row] = []
        form = "present-reference"
        if parameter.restricted_to is not None:
            form, rows = "present-target", [(type_code(parameter.restricted_to),), (_ELSEWHERE,)]
        literal = self._leaf(form, parameter.source_numbers, rows, parameter)
        return OneOf(nodes=(literal, self._leaf("present-token", parameter.identifier_numbers, [], parameter)))

    def _parameter(self, sources: tuple[int, ...]) -> int:
        return self._parameters.setdefault(sources, len(self._parameters))


def _one_of(nodes: Iterable[Node]) -> Node:
    """The only node, or an alternative of all of them; with none, nothing matches."""
    found = tuple(nodes)
    return found[0] if len(found) == 1 else OneOf(nodes=found)
