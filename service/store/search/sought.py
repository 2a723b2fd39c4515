"""The rows of an index that a leaf is sought by: for each of its sources and values."""

# ruff: noqa: S608 - texts are written from shapes; no value is ever part of one

from __future__ import annotations

from typing import TYPE_CHECKING

from service.store.search.forms import PLACES
from service.store.search.forms import placed as placed_in
from service.store.search.shape import Leaf

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from service.store.search.shape import Node
    from service.store.search.writer import Writer


def bounds(writer: Writer, leaf: Leaf, beside: Sequence[Node], row: str) -> list[str]:
    """What other ranges demand of the first window's rows of a range, where a resource has but one value for them."""
    found: list[str] = []
    for each in beside if leaf.single else ():
        if each is leaf or not isinstance(each, Leaf) or each.parameter != leaf.parameter or not each.form.windows:
            continue
        column = leaf.form.windows[0].column
        if (each.form.table, each.form.windows[0].column) != (leaf.form.table, column):
            continue
        for operator, place in each.form.bounds:
            least = "max" if operator.startswith("<") else "min"
            values = f"(SELECT {least}(v) FROM unnest({writer.array(each.values[place])}) v)"
            found.append(f"{row}.{column} {operator} {writer.only(each.values[place]) if each.is_one else values}")
    return found


def for_each_value(
    writer: Writer,
    leaf: Leaf,
    query: Callable[[str, str], str],
    *,
    columns: str = "key",
    seek: str | None = None,
) -> str:
    """A query for each source and value of a leaf, made of the row's name and the condition that it is sought by.

    It selects the columns, in this order.
    """
    if leaf.is_one and (leaf.sources is not None or not leaf.form.windows):
        return f"({query(*_only_rows(writer, leaf, seek))})"
    row, source, value, page = writer.name(), writer.name("s"), writer.name("v"), writer.name("p")
    places = PLACES[: len(leaf.values)]
    values = [f"{value}.{place}" for place in places]
    found = leaf.form.found_with(row, values, f"{source}.v")
    if seek is not None:
        found = f"{placed_in(seek, row, values)} AND {found}"
    arrays = ", ".join(writer.array(each) for each in leaf.values)
    tables = [f"unnest({arrays}) {value}({', '.join(places)})"]
    if leaf.sources is not None:
        tables.insert(0, f"unnest({writer.array(leaf.sources)}) {source}(v)")
        found = f"{row}.source = {source}.v AND {found}"
    elif leaf.form.windows:
        tables.insert(0, f"unnest({writer.array(leaf.types)}) {source}(v)")
        found = f"{of_type(row, f'{source}.v')} AND {found}"
    elif leaf.form.table == "resource":
        found = f"{row}.content IS NOT NULL AND {found}"
    selected = ", ".join(f"{page}.{column}" for column in columns.split(", "))
    return f"SELECT {selected} FROM {' CROSS JOIN '.join(tables)} CROSS JOIN LATERAL ({query(row, found)}) {page}"


def _only_rows(writer: Writer, leaf: Leaf, seek: str | None) -> tuple[str, str]:
    """The name of a row, and the condition that the rows with the only value of the only source are sought by."""
    row, values = writer.name(), [writer.only(each) for each in leaf.values]
    if leaf.sources is None:
        passes = leaf.form.passes_with(row, values)
        return row, f"{row}.content IS NOT NULL AND {passes}" if leaf.form.table == "resource" else passes
    source = writer.only(leaf.sources)
    found = f"{row}.source = {source} AND {leaf.form.found_with(row, values, source)}"
    return row, found if seek is None else f"{placed_in(seek, row, values)} AND {found}"


def of_type(row: str, resource_type: str) -> str:
    """The row of `resource` is of the type, and not a tombstone; the types are indexed by their hashes."""
    return (
        f"hashtextextended({row}.type, 0) = hashtextextended({resource_type}, 0) "
        f"AND {row}.type = {resource_type} AND {row}.content IS NOT NULL"
    )
