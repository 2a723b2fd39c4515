"""Query trees → shapes, and the lists of values that are taken out of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.reference import type_code
from service.fhir.search.contained import contained_number, container_number
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
    Seen,
    Updated,
)
from service.fhir.search.types.reference import NOT_LITERAL
from service.fhir.sight import seen_number
from service.store.likeness import least_likeness
from service.store.search.forms import BIGINT, FORMS, INTEGER, MANY, TEXT
from service.store.search.pairing import found_pair, with_pair
from service.store.search.plain import of_plain
from service.store.search.shape import (
    TYPES,
    All,
    Asked,
    Containing,
    Excepted,
    Joined,
    Leaf,
    Linked,
    Negated,
    OneOf,
    Referring,
    Shape,
    ShapedQuery,
)
from service.store.search.sorting import Sorted, sorted_by
from service.store.search.sources import has_one_code, is_single, sources_of
from service.store.search.value_rows import combined, date_row, grouped, other_codes, value_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from service.fhir.search.parameter import SearchParameter
    from service.fhir.search.query import And, Criterion, Query, SortKey, Value
    from service.store.search.shape import Node
    from service.store.search.value_rows import Row

_COMPARED: Final = frozenset({"index_date", "index_quantity"})
"""The tables in which it matters whether a resource has one value or several."""
_ELSEWHERE: Final = 0


def shaped(query: Query) -> ShapedQuery:
    """The shape and the values of a query."""
    return of_plain(query) or shaped_by_criteria(query)


def shaped_by_criteria(query: Query) -> ShapedQuery:
    """The same, found by going through the criteria."""
    shaper = _Shaper()
    shaper.array(TEXT, query.types)
    shaper.array(BIGINT, map(least_likeness, query.types))
    wheres = [shaper.all_of_query(query)] if query.contained != "true" else []
    if query.contained != "false":
        wheres.append(shaper.contained(query))
    sort = tuple(each for key in query.sort for each in shaper.sorted_by(key, alone=len(query.sort) == 1))
    shapes = [
        Shape(
            where=where,
            sort=sort,
            arrays=tuple(shaper.types),
            by_key=query.contained == "both",
            inner=query.contained != "false" and query.contained_type == "contained",
        )
        for where in wheres
    ]
    return ShapedQuery(shape=shapes[0], others=tuple(shapes[1:]), values=tuple(shaper.values))


class _Shaper:
    def __init__(self) -> None:
        self.types: list[str] = []
        self.values: list[list[Any]] = []
        self._parameters: dict[tuple[int, ...], int] = {}
        self._asked = Asked(position=TYPES)

    def array(self, sql_type: str, items: Iterable[Any]) -> int:
        self.types.append(sql_type)
        self.values.append(list(items))
        return len(self.types) - 1

    def all_of(self, where: And) -> All:
        return All(nodes=tuple(self._criterion(each) for each in where.criteria))

    def all_of_query(self, query: Query) -> All:
        """The criteria of a query, two of which may be a pair; what is contained has no pairs."""
        where = self.all_of(query.where)
        found = found_pair(query.where.criteria) if query.contained == "false" else None
        if found is None:
            return where
        several = len(found.digests) > 1
        lead = Leaf(form_name=found.form, sources=None, values=(self.array("uuid", found.digests),), several=several)
        return with_pair(where.nodes, found.code, found.of, self._parameter((found.by,)), lead=lead)

    def contained(self, query: Query) -> All:
        """The criteria of a query as they are asked of contained resources, or of their containers."""
        types = query.types
        asked = Asked(position=self.array(TEXT, types), contained=types, resources=False)
        kinds = self._of_kinds(map(contained_number, types), asked)
        where = self._all_of(query.where, asked)
        if query.contained_type == "contained":
            return All(nodes=(kinds, *where.nodes))
        containers = self._of_kinds(map(container_number, types), asked)
        return All(nodes=(containers, Containing(kinds=kinds, where=where)) if where.nodes else (containers,))

    def _of_kinds(self, numbers: Iterable[int], asked: Asked) -> Leaf:
        """All that is contained, or contains something, of some types."""
        sources = list(numbers)
        return Leaf(
            form_name="containing",
            sources=self.array(INTEGER, sources),
            values=(self.array("uuid", (NOT_LITERAL,)),),
            many=len(sources) > MANY,
            spread=len(sources) > 1,
            types=asked.position,
        )

    def _all_of(self, where: And, asked_now: Asked) -> All:
        """The same asked of others."""
        asked, self._asked = self._asked, asked_now
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
            case Matches(parameter=parameter, values=values):
                return self._matches(parameter, values)
            case Not(criterion=inner):
                exact = isinstance(inner, Matches) and has_one_code(inner.parameter)
                return Negated(node=self._criterion(inner), instead=self._instead(inner), exact=exact)
            case AnyOf(criteria=criteria):
                return OneOf(nodes=tuple(self._criterion(each) for each in criteria))
            case Chain():
                return self._linked(criterion)
            case Has(type=type_, parameter=parameter, where=where):
                sources = self.array(INTEGER, parameter.source_numbers)
                names = self._names(parameter, self.values[self._asked.position])
                asked = Asked(position=self.array(TEXT, (type_,)))
                return Referring(
                    sources=sources, where=self._all_of(where, asked), names=names, subject=parameter.is_subject
                )
            case Identified() | Updated() | Seen():
                return self._of_itself(criterion)
            case Present(parameter=parameter):
                return self._present(parameter)
            case InCodes():
                raise TypeError("sets of codes are resolved before a statement is built")

    def _of_itself(self, criterion: Identified | Updated | Seen) -> Node:
        match criterion:
            case Identified(identities=identities):
                return self._identified(identities)
            case Updated(values=dates):
                rows = (date_row("updated", value) for value in dates)
                return _one_of(self._leaf(form, None, found) for form, found in grouped(rows))
            case Seen():
                return self._seen(criterion)

    def _instead(self, criterion: Criterion) -> Node | None:
        """What holds wherever a criterion on a closed set of codes does not: another one of them, or no value."""
        if not isinstance(criterion, Matches) or self._asked.position != TYPES:
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

    def _linked(self, chain: Chain) -> Linked:
        """A chain, which leads into contained resources too: https://hl7.org/fhir/R4/search.html#contained"""
        types = chain.types
        position, codes = self.array(TEXT, types), self.array(INTEGER, map(type_code, types))
        return Linked(
            sources=self.array(INTEGER, self._asked.numbers(chain.parameter.source_numbers)),
            types=position,
            codes=codes,
            where=self._all_of(chain.where, Asked(position=position, contained=types)),
            nested=bool(self._asked.contained),
            names=self._names(chain.parameter, types),
        )

    def _identified(self, identities: Sequence[UUID]) -> Node:
        """By the identities; contained resources by those that their types and their own ids come to."""
        values = (self.array("uuid", identities),)
        many = len(identities) > MANY
        several = len(identities) > 1
        own = Leaf(form_name="identified", sources=None, values=values, many=many, several=several)
        found = [own] if self._asked.resources else []
        if self._asked.contained:
            sources = self.array(INTEGER, map(contained_number, self._asked.contained))
            found.append(Leaf(form_name="reference", sources=sources, values=values, many=many, several=True))
        return _one_of(found)

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
        own = None
        if sources is not None and self._asked.contained:
            own = self.array(INTEGER, sources) if self._asked.both else None
            sources = self._asked.numbers(sources)
        columns = list(zip(*rows, strict=True)) or [()] * len(form.types)
        return Leaf(
            form_name=form_name,
            sources=None if sources is None else self.array(INTEGER, sources),
            values=tuple([self.array(*column) for column in zip(form.types, columns, strict=True)]),
            parameter=-1 if sources is None else self._parameter(sources),
            identifying=form.table == "index_token" and parameter is not None and "Identifier" in parameter.data_types,
            many=len(rows) * len(sources or (1,)) > MANY,
            several=len(rows) > 1,
            spread=len(sources or ()) > 1,
            types=self._asked.position,
            own=own,
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

    def _seen(self, seen: Seen) -> Node:
        """A row that says so; but for open types, and for what is contained in something that is seen."""
        asked = self.values[self._asked.position]
        hidden = [each for each in asked if each not in seen.open_types]
        open_types = [each for each in asked if each in seen.open_types]
        numbers = tuple(map(seen_number, hidden))
        leaf = Leaf(
            form_name="seen",
            sources=self.array(INTEGER, numbers),
            values=(self.array("uuid", seen.by),),
            parameter=self._parameter(numbers),
            many=len(hidden) * len(seen.by) > MANY,
            several=len(seen.by) > 1,
            spread=len(hidden) > 1,
            types=self._asked.position,
            single=len(seen.by) == 1,
        )
        contained = bool(self._asked.contained)
        if not open_types and not contained:
            return leaf
        types = self.array(TEXT, open_types) if open_types else None
        return OneOf(nodes=(leaf, Excepted(types=types, contained=contained)))

    def _parameter(self, sources: tuple[int, ...]) -> int:
        return self._parameters.setdefault(sources, len(self._parameters))


def _one_of(nodes: Iterable[Node]) -> Node:
    """The only node, or an alternative of all of them; with none, nothing matches."""
    found = tuple(nodes)
    return found[0] if len(found) == 1 else OneOf(nodes=found)
