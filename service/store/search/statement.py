"""The statements of searches, their texts written once per shape; values only ever travel as arguments.

A search's text depends on its shape alone, whatever the number of values. `compile_match` answers many conditional
criteria at once: those of one shape, with equally many values, share one branch, so its text does not grow with their
number either; those with many values share one however many.
"""

# ruff: noqa: S608 - texts are written from shapes; no value is ever part of one

from __future__ import annotations

import re
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.search.cursor import invalid
from service.store.contained import sql_container_key
from service.store.found import FOUND_COLUMNS
from service.store.search.every import every_key
from service.store.search.include import included_text
from service.store.search.kept import kept
from service.store.search.order import After
from service.store.search.page import page_of_keys
from service.store.search.probe import with_resource
from service.store.search.shaper import shaped
from service.store.search.wanted import Page, order_of
from service.store.search.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from service.fhir.search.query import Include, Query
    from service.fhir.sight import Sight
    from service.store.search.shape import Shape

_COLUMNS: Final = 24
"""How many values criteria may have for each to have a column; Postgres takes 32,767 columns as arguments."""

Position = tuple[str | int | None, ...]
"""The sort values of a row, as text, and its key."""


class Statement(Struct, frozen=True):
    """A statement for asyncpg: `text` with ``$1`` placeholders, and its arguments; rows have so many sort values."""

    text: str
    arguments: tuple[Any, ...]
    sorts: int = 0


def compile_search(query: Query, *, limit: int, after: Position | None = None, backwards: bool = False) -> Statement:
    """A page of a search: key, type, id, version_id, instant (when it was updated), content, and sort_0 ..., as text.

    At most `limit` rows: those that follow the position `after`, or with `backwards` precede it, nearest first.
    FhirError cursor-invalid where that is none in the order of the search.
    """
    found = shaped(query)
    if after is not None and not order_of(found.shape).has(after):
        raise invalid()
    missing = None if after is None else tuple(value is None for value in after[:-1])
    values = () if after is None else (after[-1], *(str(value) for value in after[:-1] if value is not None))
    shapes = (found.shape, *found.others)
    return _search_text(shapes, missing, backwards).with_values((*found.values, limit, *values))


def compile_count(query: Query) -> Statement:
    """The number of matches: one row with one column."""
    found = shaped(query)
    return _count_text((found.shape, *found.others)).with_values(found.values)


def compile_match(queries: Sequence[Query], *, enough: int = 2) -> Statement:
    """What many queries match, in one statement: ordinal (of the query), type, id, version_id.

    At most `enough` rows for each query.
    """
    groups: dict[_Counted, list[tuple[int, tuple[list[Any], ...]]]] = {}
    for ordinal, query in enumerate(queries):
        found = shaped(query)
        lengths = tuple(len(each) for each in found.values)
        counted = _Counted(shape=found.shape, lengths=lengths if sum(lengths) <= _COLUMNS else None)
        groups.setdefault(counted, []).append((ordinal, found.values))
    shapes = tuple(sorted(groups, key=hash))  # one text for any order of the entries
    arguments: list[Any] = [enough]
    for counted in shapes:
        arguments += _columns(groups[counted]) if counted.lengths is not None else _slices(groups[counted])
    return _match_text(shapes).with_values(arguments)


def _columns(rows: Sequence[tuple[int, tuple[list[Any], ...]]]) -> list[list[Any]]:
    """The ordinals, and a column for each value."""
    found = [(ordinal, *(item for values in lists for item in values)) for ordinal, lists in rows]
    return [list(column) for column in zip(*found, strict=True)]


def _slices(rows: Sequence[tuple[int, tuple[list[Any], ...]]]) -> list[list[Any]]:
    """The ordinals, and for each list of values that of all rows, where each row's part begins, and where it ends."""
    columns: list[list[Any]] = [[ordinal for ordinal, _ in rows]]
    for lists in zip(*(lists for _, lists in rows), strict=True):
        ends = list(accumulate(len(each) for each in lists))
        starts = [end - len(each) + 1 for end, each in zip(ends, lists, strict=True)]
        columns += [[item for each in lists for item in each], starts, ends]
    return columns


def compile_includes(
    includes: Sequence[Include],
    keys: Sequence[int],
    *,
    references: Sequence[int],
    limit: int,
    depth: int = 3,
    sight: Sight | None = None,
    types: Sequence[str] | None = None,
) -> Statement:
    """What is returned with the matches `keys`, and is none of them: the columns of a search, and the step (from 1).

    At most `limit` resources, those nearest to the matches; ``:iterate`` goes on for `depth` steps. `references` are
    all reference sources of the registry, which ``*`` follows backwards. Nothing leads to or through what is not within
    the `sight`, or not of one of the `types`.
    """
    by = None if sight is None else sight.by
    text, arguments = included_text(tuple(includes), tuple(references), depth, FOUND_COLUMNS, by, types)
    return Statement(text, (list(keys), limit, *arguments))


class _Text(Struct, frozen=True):
    """A text, and the positions of its arguments among the values; those below zero (~position) mean the only item."""

    text: str
    positions: tuple[int, ...]
    sorts: int = 0

    def __len__(self) -> int:
        return len(self.text)

    def with_values(self, values: Sequence[Any]) -> Statement:
        arguments = [values[each] if each >= 0 else _only(values[~each]) for each in self.positions]
        return Statement(self.text, tuple(arguments), self.sorts)


def _only(values: Sequence[Any]) -> Any:
    return values[0] if values else None


_COLUMN: Final = re.compile(r"query\.(c\d+)")
"""A column of the queries' values, as a page of matches asks for it."""
_PLACE: Final = re.compile(r"\$(\d+)(!?)")
"""An argument in a text before `_numbered`: a value by its position, or the only item (!) of one that is a list."""


def _place(position: int, sql_type: str) -> str:
    """The argument that has a position among the values."""
    return f"${position + 1}::{sql_type}"


def _only_place(position: int, sql_type: str) -> str:
    """The only item of the list that has a position among the values."""
    return f"${position + 1}!::{sql_type}"


def _numbered(text: str, sorts: int = 0) -> _Text:
    """The text with its arguments numbered in the order of their first use; those that it does not use are left out."""
    positions: dict[int, int] = {}

    def number(place: re.Match[str]) -> str:
        position = int(place[1]) - 1
        return f"${positions.setdefault(~position if place[2] else position, len(positions) + 1)}"

    return _Text(_PLACE.sub(number, text), tuple(positions), sorts)


class _Counted(Struct, frozen=True):
    """A shape with the number of values in every list, None where they are many."""

    shape: Shape
    lengths: tuple[int, ...] | None


@kept
def _search_text(
    shapes: tuple[Shape, ...],
    missing: tuple[bool, ...] | None,
    backwards: bool,  # noqa: FBT001
) -> _Text:
    shape = shapes[0]
    order, limit = order_of(shape), len(shape.arrays)
    after = None
    if missing is not None:
        number = limit + 1
        values: list[str | None] = []
        for column, absent in zip(order.columns, missing, strict=True):
            number += not absent
            values.append(None if absent else f"{_place(number, 'text')}::{column.type}")
        after = After(values=tuple(values), key=_place(limit + 1, "bigint"), backwards=backwards)
    pages = [
        page_of_keys(Page(writer=_writer(each), shape=each, limit=_place(limit, "bigint"), after=after))
        for each in shapes
    ]
    page = pages[0]
    if len(pages) > 1:
        every = " UNION ".join(f"(SELECT key FROM ({each}) AS p)" for each in pages)
        page = f"SELECT key FROM ({every}) AS u {order.clause((), 'key', after)} LIMIT {_place(limit, 'bigint')}"
    if not order.names and not shape.inner:
        keys = f"r.key = ANY(ARRAY(SELECT key FROM ({page}) AS page))"  # looked up at once, neighbours side by side
        found = f"FROM resource r WHERE {keys} AND r.content IS NOT NULL {order.clause((), 'r.key', after)}"
        return _numbered(f"SELECT {FOUND_COLUMNS} {found}")
    columns = "".join(f", page.{name}::text" for name in order.names)
    ordering = order.clause([f"page.{name}" for name in order.names], "page.key", after)
    version, key = FOUND_COLUMNS, "page.key"
    if shape.inner:
        version = FOUND_COLUMNS.replace("r.key", "page.key", 1)
        key = f"CASE WHEN page.key < 0 THEN {sql_container_key('page.key')} ELSE page.key END"
    text = f"SELECT {version}{columns} FROM ({page}) AS page {with_resource(key)} {ordering}"
    return _numbered(text, len(order.names))


def _writer(shape: Shape) -> Writer:
    return Writer(
        lambda position: _place(position, f"{shape.arrays[position]}[]"),
        lambda position: _only_place(position, shape.arrays[position]),
    )


@kept
def _count_text(shapes: tuple[Shape, ...]) -> _Text:
    if len(shapes) == 1:
        writer = _writer(shapes[0])
        return _numbered(writer.with_tables(f"SELECT count(*) FROM ({every_key(writer, shapes[0])}) AS match"))
    every = []
    for shape in shapes:
        writer = _writer(shape)
        every.append(f"({writer.with_tables(f'SELECT key FROM ({every_key(writer, shape)}) AS e')})")
    return _numbered(f"SELECT count(*) FROM ({' UNION '.join(every)}) AS match")


@kept
def _match_text(shapes: tuple[_Counted, ...]) -> _Text:
    branches, number = [], 2
    for counted in shapes:
        branch, number = (_match_branch if counted.lengths is not None else _sliced_branch)(counted, number)
        branches.append(branch)
    return _numbered("\nUNION ALL\n".join(branches))


def _match_branch(counted: _Counted, number: int) -> tuple[str, int]:
    """The matches of all queries of one shape, a row of values for each; and the number of the next argument."""
    names: list[list[str]] = []
    columns, arrays = ["ordinal"], [f"${number}::integer[]"]
    for sql_type, length in zip(counted.shape.arrays, counted.lengths or (), strict=True):
        names.append([f"c{len(columns) + each}" for each in range(length)])
        columns += names[-1]
        arrays += [f"${number + len(arrays) + each}::{sql_type}[]" for each in range(length)]

    def array(position: int) -> str:
        items = ", ".join(f"query.{name}" for name in names[position])
        return f"ARRAY[{items}]::{counted.shape.arrays[position]}[]"

    def only(position: int) -> str:
        found = names[position]
        return f"query.{found[0]}" if found else f"NULL::{counted.shape.arrays[position]}"

    page = _matched_page(counted.shape, array, only)
    asked = {"ordinal", *_COLUMN.findall(page)}
    used = [(name, given) for name, given in zip(columns, arrays, strict=True) if name in asked]
    names_used, given_used = (", ".join(each) for each in zip(*used, strict=True))
    return _branch_text(f"unnest({given_used}) AS query({names_used})", page), number + len(arrays)


def _sliced_branch(counted: _Counted, number: int) -> tuple[str, int]:
    """The same for many values: each query has a part of the list of all queries' values, taken once."""
    columns, arrays = ["ordinal"], [f"${number}::integer[]"]
    for position in range(len(counted.shape.arrays)):
        columns += [f"first{position}", f"last{position}"]
        arrays += [f"${number + 3 * position + each}::integer[]" for each in (2, 3)]
    taken: dict[int, str] = {}

    def array(position: int) -> str:
        values = f"${number + 3 * position + 1}::{counted.shape.arrays[position]}[]"
        taken[position] = f"({values})[first{position}:last{position}] AS list{position}"
        return f"query.list{position}"

    page = _matched_page(counted.shape, array)
    lists = f"SELECT {', '.join(['ordinal', *taken.values()])} FROM unnest({', '.join(arrays)}) q({', '.join(columns)})"
    return _branch_text(f"({lists} OFFSET 0) AS query", page), number + 1 + 3 * len(counted.shape.arrays)


def _matched_page(shape: Shape, array: Callable[[int], str], only: Callable[[int], str] | None = None) -> str:
    return page_of_keys(Page(writer=Writer(array, only), shape=shape, limit="$1::bigint"))


def _branch_text(queries: str, page: str) -> str:
    return (
        f"SELECT query.ordinal, r.type, r.id, r.version_id FROM {queries} CROSS JOIN LATERAL ({page}) AS page "
        f"{with_resource('page.key')}"
    )
