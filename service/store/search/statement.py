"""The statements of searches, their texts compiled once per shape; values only ever travel as arguments.

A search's text depends on its shape alone, whatever the number of values. `compile_match` answers many conditional
criteria at once: those of one shape, with equally many values, share one branch, so its text does not grow with their
number either.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    Text,
    bindparam,
    column,
    func,
    literal_column,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect

from service.store.search.candidates import BoundCriterion, BoundProbe, Search, all_keys, page_of_keys
from service.store.search.forms import FORMS
from service.store.search.shape import shaped
from service.store.tables import resource

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy.types import TypeEngine

    from service.fhir.search.query import Query
    from service.store.search.shape import Columns, Shape

_DIALECT: Final = asyncpg_dialect()  # type: ignore[no-untyped-call]
_SHAPES: Final = 1024
_LAST_KEY: Final = 2**63 - 1
"""Matches that are fetched for each conditional criteria: enough to tell none, one and several."""

_TYPE: Final = Text()
_VERSION: Final = (
    resource.c.key,
    resource.c.type,
    resource.c.id,
    resource.c.version_id,
    resource.c.last_updated,
    resource.c.method,
    resource.c.content,
)


class Statement(Struct, frozen=True):
    """A statement for asyncpg: `text` with ``$1`` placeholders, and its arguments."""

    text: str
    arguments: tuple[Any, ...]


class _Text(Struct, frozen=True):
    """A compiled text, and the names of its arguments in order."""

    text: str
    names: tuple[str, ...]

    def with_values(self, values: Mapping[str, Any]) -> Statement:
        return Statement(self.text, tuple(values[name] for name in self.names))


def compile_search(query: Query, *, limit: int, after_key: int | None) -> Statement:
    """A page of a search: key, type, id, version_id, last_updated, method, content; newest first.

    At most `limit` rows, those that follow the row with the key `after_key`.
    """
    found = shaped(query)
    before = _LAST_KEY if after_key is None else after_key
    values = {"types": list(query.types), "before": before, "limit": limit}
    return _search_text(found.shape).with_values({**values, **_named(found.values)})


def compile_count(query: Query) -> Statement:
    """The number of matches: one row with one column."""
    found = shaped(query)
    return _count_text(found.shape).with_values({"types": list(query.types), **_named(found.values)})


def compile_match(queries: Sequence[Query], *, enough: int = 2) -> Statement:
    """What many queries match, in one statement: ordinal (of the query), type, id, version_id.

    At most `enough` rows for each query.
    """
    groups: dict[_Counted, list[tuple[int, Query, tuple[Columns, ...]]]] = {}
    for ordinal, query in enumerate(queries):
        found = shaped(query)
        lengths = tuple(tuple(len(each) for each in columns) for columns in found.values)
        counted = _Counted(shape=found.shape, types=len(query.types), lengths=lengths)
        groups.setdefault(counted, []).append((ordinal, query, found.values))
    shapes = tuple(sorted(groups, key=repr))
    arguments: dict[str, Any] = {"enough": enough}
    for branch, counted in enumerate(shapes):
        rows = [
            (ordinal, *query.types, *(item for columns in values for each in columns for item in each))
            for ordinal, query, values in groups[counted]
        ]
        arguments.update((f"b{branch}_{number}", list(items)) for number, items in enumerate(zip(*rows, strict=True)))
    return _match_text(shapes).with_values(arguments)


class _Counted(Struct, frozen=True):
    """A shape with the number of values in every column of every probe."""

    shape: Shape
    types: int
    lengths: tuple[tuple[int, ...], ...]


def _named(values: Sequence[Columns]) -> dict[str, list[Any]]:
    return {f"p{probe}_{number}": items for probe, columns in enumerate(values) for number, items in enumerate(columns)}


@lru_cache(maxsize=_SHAPES)
def _search_text(shape: Shape) -> _Text:
    search = Search(
        types=bindparam("types", type_=ARRAY(_TYPE)),
        criteria=_bound(shape, lambda probe, number, type_: bindparam(f"p{probe}_{number}", type_=ARRAY(type_))),
        before=bindparam("before", type_=BigInteger()),
        limit=bindparam("limit", type_=BigInteger()),
    )
    page = page_of_keys(search).subquery("page")
    return _compiled(
        select(*_VERSION)
        .select_from(page.join(resource, resource.c.key == page.c.key))
        .where(resource.c.content.is_not(None))
        .order_by(page.c.key.desc())
    )


@lru_cache(maxsize=_SHAPES)
def _count_text(shape: Shape) -> _Text:
    search = Search(
        types=bindparam("types", type_=ARRAY(_TYPE)),
        criteria=_bound(shape, lambda probe, number, type_: bindparam(f"p{probe}_{number}", type_=ARRAY(type_))),
        before=literal_column(str(_LAST_KEY), BigInteger()),
        limit=literal_column("1", BigInteger()),
    )
    return _compiled(select(func.count()).select_from(all_keys(search).subquery("match")))


@lru_cache(maxsize=_SHAPES)
def _match_text(shapes: tuple[_Counted, ...]) -> _Text:
    branches = [_match_branch(branch, counted) for branch, counted in enumerate(shapes)]
    return _compiled(branches[0] if len(branches) == 1 else union_all(*branches))


def _match_branch(branch: int, counted: _Counted) -> Select[Any]:
    """The matches of all queries of one shape: a row of values per query, and for each of them a page of two keys."""
    columns: list[tuple[str, TypeEngine[Any]]] = [("ordinal", Integer())]

    def array(length: int, type_: TypeEngine[Any]) -> ColumnElement[Any]:
        names = [f"c{len(columns) + number}" for number in range(length)]
        columns.extend((name, type_) for name in names)
        items: list[ColumnElement[Any]] = [literal_column(f"query.{name}", type_) for name in names]
        return func.cast(postgresql.array(items, type_=type_), ARRAY(type_))

    search = Search(
        types=array(counted.types, _TYPE),
        criteria=_bound(counted.shape, lambda probe, number, type_: array(counted.lengths[probe][number], type_)),
        before=literal_column(str(_LAST_KEY), BigInteger()),
        limit=bindparam("enough", type_=BigInteger()),
    )
    page = page_of_keys(search).lateral("page")
    binds = [bindparam(f"b{branch}_{number}", type_=ARRAY(type_)) for number, (_, type_) in enumerate(columns)]
    query = (
        func.unnest(*binds)
        .table_valued(*(column(*each) for each in columns), name="query")
        .render_derived(name="query")
    )
    return (
        select(query.c.ordinal, resource.c.type, resource.c.id, resource.c.version_id)
        .select_from(query.join(page, true()).join(resource, resource.c.key == page.c.key))
        .where(resource.c.content.is_not(None))
    )


def _bound(
    shape: Shape, array: Callable[[int, int, TypeEngine[Any]], ColumnElement[Any]]
) -> tuple[BoundCriterion, ...]:
    """The criteria with an expression for every array: `array` makes it, given probe, number and type of its items."""
    criteria, number = [], 0
    for criterion in shape:
        probes = []
        for probe in criterion.probes:
            form = FORMS[probe.form]
            types = (Integer(), *form.types) if form.sourced else form.types
            arrays = [array(number, position, type_) for position, type_ in enumerate(types)]
            sources, columns = (arrays[0], arrays[1:]) if form.sourced else (None, arrays)
            probes.append(BoundProbe(probe, sources, tuple(columns)))
            number += 1
        criteria.append(BoundCriterion(criterion, tuple(probes)))
    return tuple(criteria)


def _compiled(statement: Any) -> _Text:
    compiled = statement.compile(dialect=_DIALECT)
    return _Text(str(compiled), tuple(compiled.positiontup or ()))
