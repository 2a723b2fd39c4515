"""The orders that results come in: total, by sort values and then by key, so that a page can go on from any position.

What has no value comes last. Going backwards, everything is the other way round.
"""

# ruff: noqa: S608 - texts are written from shapes; no value is ever part of one

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.store.search.forms import PLACES, placed
from service.store.search.probe import of_source, rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.store.search.forms import Form, Window
    from service.store.search.shape import Leaf
    from service.store.search.sorting import Sorted
    from service.store.search.writer import Writer


_TEXTS: Final = {
    "text": re.compile(".*", re.DOTALL),
    "numeric": re.compile(r"-?[0-9]+(\.[0-9]+)?|-?Infinity", re.ASCII),
    "timestamptz": re.compile(r"[0-9]{4,}[-+:. 0-9]+( BC)?|-?infinity", re.ASCII),
    "uuid": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII),
    "integer": re.compile(r"-?[0-9]{1,9}", re.ASCII),
}
"""SQL type of a sort value → how PostgreSQL writes it."""


class Column(Struct, frozen=True, kw_only=True):
    """One of the values that are sorted by: its SQL type and its direction."""

    type: str
    descending: bool


class After(Struct, frozen=True, kw_only=True):
    """A position: the SQL of its sort values (None where the resource has no value) and of its key."""

    values: tuple[str | None, ...]
    key: str
    backwards: bool = False


class Order(Struct, frozen=True, kw_only=True):
    """The columns to sort by, then the key."""

    columns: tuple[Column, ...] = ()
    key_descending: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(f"sort_{number}" for number in range(len(self.columns)))

    def has(self, position: Sequence[object]) -> bool:
        """Whether sort values, as text, and a key are a position in the order.

        That of a link is not when the release or a search parameter has changed since it was given.
        """
        *values, key = position
        return (
            isinstance(key, int)
            and len(values) == len(self.columns)
            and all(
                value is None or _TEXTS[column.type].fullmatch(str(value))
                for column, value in zip(self.columns, values, strict=True)
            )
        )

    def clause(self, values: Sequence[str], key: str, after: After | None, *, present: int = 0) -> str:
        """ORDER BY of expressions for the columns, of which the first `present` are never NULL, and the key."""
        backwards = after is not None and after.backwards
        parts = []
        for number, (column, value) in enumerate(zip(self.columns, values, strict=True)):
            descending = column.descending != backwards
            nulls = "FIRST" if backwards else "LAST"
            usual = descending == backwards or number < present
            parts.append(f"{value}{' DESC' if descending else ''}{'' if usual else f' NULLS {nulls}'}")
        parts.append(f"{key}{' DESC' if self.key_descending != backwards else ''}")
        return f"ORDER BY {', '.join(parts)}"

    def beyond(self, values: Sequence[str], key: str, after: After | None) -> list[str]:
        """The conditions on what lies beyond the position."""
        if after is None:
            return []
        return [self._from(0, values, key, after)]

    def _from(self, number: int, values: Sequence[str], key: str, after: After) -> str:
        if number == len(self.columns):
            return f"{key} {'<' if self.key_descending != after.backwards else '>'} {after.key}"
        value, place = values[number], after.values[number]
        rest = self._from(number + 1, values, key, after)
        if place is None:
            return f"({value} IS NOT NULL OR {rest})" if after.backwards else f"({value} IS NULL AND {rest})"
        comparison = "<" if self.columns[number].descending != after.backwards else ">"
        missing = "" if after.backwards else f" OR {value} IS NULL"
        return f"({value} {comparison} {place}{missing} OR {value} = {place} AND {rest})"


_LAST = "chr(1114111)"
"""A text behind all others: the last code point."""

BY_KEY = Order()
"""The newest first."""


def sort_value(writer: Writer, by: Sorted, key: str) -> str:
    """The value that a resource is sorted by: of several the one that comes first."""
    if by.sources is None:
        return f"(SELECT t.{by.value} FROM resource t WHERE t.key = {key})"
    of_types = "" if by.target_types is None else f" AND t.target_type = ANY({writer.array(by.target_types)})"
    found = (
        f"(SELECT * FROM {by.table} t WHERE t.resource_key = {key} OFFSET 0) t "
        f"WHERE t.source = ANY({writer.array(by.sources)}){of_types}"
    )
    if by.among:
        ordering = ", ".join(f"t.{column}{' DESC' if by.descending else ''}" for column in by.among)
        return f"(SELECT t.{by.value} FROM {found} AND t.{by.among[-1]} IS NOT NULL ORDER BY {ordering} LIMIT 1)"
    if by.single:
        return f"(SELECT t.{by.value} FROM {found} LIMIT 1)"
    if by.type == "uuid":  # which PostgreSQL compares, but before 18 knows no least of
        return f"(SELECT t.{by.value} FROM {found} ORDER BY t.{by.value}{' DESC' if by.descending else ''} LIMIT 1)"
    value = f"t.{by.value}"
    if by.value == "code" and not by.descending:  # what has a value without a code comes behind all codes
        value = f"CASE {value} WHEN '' THEN {_LAST} ELSE {value} END"
    return f"(SELECT {'max' if by.descending else 'min'}({value}) FROM {found})"


def window_value(form: Form, window: Window, row: str) -> str:
    """What the rows of a window are sorted by; an end that is missing lies beyond all others."""
    value = f"{row}.{window.column}"
    return f"coalesce({value}, 'Infinity')" if (form.table, window.column[-4:]) == ("index_quantity", "high") else value


def seek(column: Column, values: Sequence[str], after: After | None, place: int = 0) -> list[str]:
    """What an index can seek of the condition that columns of one direction, one or more, lie beyond the position."""
    if after is None or after.values[place] is None:
        return []
    comparison = "<=" if column.descending != after.backwards else ">="
    beginning = ", ".join(str(each) for each in after.values[place : place + len(values)])
    return [f"({', '.join(values)}) {comparison} ({beginning})"]


def seek_in_part(column: Column, value: str, after: After | None, part: int, parts: int) -> list[str]:
    """The same of the rows of a part of those that are walked, part by part."""
    if after is None or parts == 1:
        return seek(column, [value], after, 1)
    down = column.descending != after.backwards
    first, last = ("'infinity'", "'-infinity'") if down else ("'-infinity'", "'infinity'")
    earlier = ">" if after.backwards else "<"
    bound = (
        f"CASE WHEN {after.values[0]} = {part} THEN {after.values[1]} "
        f"WHEN {after.values[0]} {earlier} {part} THEN {first}::{column.type} ELSE {last}::{column.type} END"
    )
    return [f"{value} {'<=' if down else '>='} {bound}"]


def first_window(writer: Writer, leaves: Sequence[Leaf], key: str) -> str:
    """The part and the value of the first row, in the order of the leaves' windows, with which a resource matches."""
    found = [_in_window(writer, leaf, part, key) for leaf in leaves for part in range(len(leaf.form.windows))]
    direction = " DESC" if leaves[0].form.descending else ""
    return f"SELECT sort_0, sort_1 FROM ({' UNION ALL '.join(found)}) AS f ORDER BY sort_0, sort_1{direction} LIMIT 1"


def _in_window(writer: Writer, leaf: Leaf, part: int, key: str) -> str:
    row, value = writer.name(), writer.name("v")
    window, form = leaf.form.windows[part], leaf.form
    places = PLACES[: len(leaf.values)]
    tables, values = f"{rows_of(leaf, key)} {row}", [writer.only(each) for each in leaf.values]
    if leaf.several:
        values = [f"{value}.{place}" for place in places]
        tables += f", unnest({', '.join(map(writer.array, leaf.values))}) {value}({', '.join(places)})"
    source = "" if leaf.sources is None else f"{of_source(writer, leaf, row)} AND "
    return (
        f"(SELECT {part} AS sort_0, {window_value(form, window, row)} AS sort_1 FROM {tables} "
        f"WHERE {source}{placed(window.seek, row, values)} AND {form.passes_with(row, values)})"
    )
