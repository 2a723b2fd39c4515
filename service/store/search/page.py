"""The keys of one page of results, in their order, so that the work does not grow with the database.

No plan may hang on fresh statistics, so the statement itself says how to go about it:

- What few resources can meet, by an identity, an identifier, a reference, is *gathered*: all of it is read, probed for
  the other criteria, sorted. A limit on the reading tells whether it was few indeed.
- Otherwise an index is *walked* in the order of the results, and each row's resource is probed; the walk stops after a
  page. It is the index of the first sort key; without a sort that of a range, such as a week or the beginning of a
  name, so results come in its order; or else keys, from the newest: those that a code leads to, or all of a type.

Every way gives the same order, so pages fit together whichever way each was found.
"""

# ruff: noqa: S608 - texts are written from shapes; no value is ever part of one

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.store.search.forms import SELECTIVE
from service.store.search.lead import (
    Gathered,
    for_each_value,
    gathered_all,
    is_ordered,
    leads,
    limit_of,
    of_type,
    rank_of,
)
from service.store.search.order import (
    BY_KEY,
    After,
    Column,
    Order,
    first_window,
    seek,
    seek_in_part,
    sort_value,
    window_value,
)
from service.store.search.probe import holds, where
from service.store.search.shape import TYPES, Leaf, OneOf

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from service.store.search.shape import Node, Shape, Sorted
    from service.store.search.writer import Writer

_GATES: Final = 2
"""How many criteria are tried whether few resources meet them."""

_LEAST_SELECTIVE: Final = 11
"""The last rank of what is worth to be tried."""


class Page(Struct, frozen=True, kw_only=True):
    """A page to find: of the shape, at most `limit` (SQL) keys beyond a position."""

    writer: Writer
    shape: Shape
    limit: str
    after: After | None = None

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The criteria."""
        return self.shape.where.nodes

    @property
    def types(self) -> str:
        """The array of the types that are searched."""
        return self.writer.array(TYPES)

    @property
    def cut(self) -> str:
        """A limit that the planner cannot see through."""
        return f"LIMIT (SELECT {self.limit})"

    def probes(self, key: str, *, except_for: Sequence[Node] = ()) -> list[str]:
        """The conditions of all criteria but some."""
        return [holds(self.writer, each, key) for each in self.nodes if not any(each is one for one in except_for)]


def order_of(shape: Shape) -> Order:
    """The order that the results of a shape come in."""
    if shape.sort:
        columns = tuple(Column(type=by.type, descending=by.descending) for by in shape.sort)
        return Order(columns=columns, key_descending=shape.sort[0].descending)
    leaves = _range_lead(shape.where.nodes)
    if not leaves:
        return BY_KEY
    form = leaves[0].form
    value = {"index_string": "text", "index_quantity": "numeric"}.get(form.table, "timestamptz")
    columns = (Column(type="integer", descending=False), Column(type=value, descending=form.descending))
    return Order(columns=columns, key_descending=form.descending)


def page_of_keys(page: Page) -> str:
    """The query of a page: `key` and the sort values, in order."""
    order = order_of(page.shape)
    gates = [gathered_all(page.writer, (each,), limit_of(each), page.types) for each in _gated(page.shape)]
    branches = []
    others: list[str] = []
    for node, gate in zip(_gated(page.shape), gates, strict=True):
        branches.append(_gathered_branch(page, order, node, gate, others))
        others.append(f"NOT ({' AND '.join(gate.complete)})")
    branches += _walked_branches(page, order, others)
    names = ", ".join(("key", *order.names))
    found = " UNION ALL ".join(f"(SELECT {names} FROM ({each}) AS b)" for each in branches)
    ordering = order.clause(order.names, "key", page.after)
    return page.writer.with_tables(f"SELECT DISTINCT {names} FROM ({found}) AS found {ordering} LIMIT {page.limit}")


def every_key(writer: Writer, shape: Shape) -> str:
    """The query of the keys of all matches, in no order, each once."""
    types = writer.array(TYPES)
    if leads(shape.where.nodes):
        return writer.with_tables(gathered_all(writer, shape.where.nodes, None, types).query)
    row, source = writer.name(), writer.name("s")
    conditions = [holds(writer, each, f"{row}.key") for each in shape.where.nodes]
    found = " AND ".join([of_type(row, f"{source}.v"), *conditions])
    return f"SELECT {row}.key FROM unnest({types}) {source}(v) JOIN resource {row} ON {found}"


def _range_lead(nodes: Sequence[Node]) -> tuple[Leaf, ...]:
    """The range whose index is walked where there is no sort, as its leaves; none where keys give the order."""
    able = leads(nodes)
    if not able or rank_of(able[0]) <= SELECTIVE:
        return ()
    for each in able:
        leaves = _windowed(each)
        if leaves and (rank_of(each) <= _LEAST_SELECTIVE or not any(is_ordered(one) for one in able)):
            return leaves
    return ()


def _windowed(node: Node) -> tuple[Leaf, ...]:
    """The leaves of a criterion that is a range, or alternatives of ranges in one index."""
    leaves = (node,) if isinstance(node, Leaf) else node.nodes if isinstance(node, OneOf) else ()
    found = tuple(each for each in leaves if isinstance(each, Leaf) and each.form.windows)
    tables = {(each.form.table, each.form.windows[0].column, each.form.descending) for each in found}
    return found if len(found) == len(leaves) and len(tables) == 1 else ()


def _gated(shape: Shape) -> list[Node]:
    """The criteria that are tried whether few resources meet them."""
    able = [each for each in leads(shape.where.nodes) if rank_of(each) <= _LEAST_SELECTIVE]
    if shape.sort:
        by = shape.sort[0]
        narrowed = any(_narrows(each, by) for each in able)
        tried = [each for each in able if not (narrowed and isinstance(each, Leaf) and each.parameter == by.parameter)]
        return tried[:_GATES] if by.walkable else []
    if not able:
        return []
    if is_ordered(able[0]) and (len(able) == 1 or rank_of(able[0]) <= SELECTIVE):
        return []
    leaves = _range_lead(shape.where.nodes)
    return [each for each in able if not leaves or not _is_walked(each, leaves)][:_GATES]


def _is_walked(node: Node, leaves: tuple[Leaf, ...]) -> bool:
    """Whether the walk along a range takes care of a criterion: it is the range, or bounds it."""
    lead = leaves[0]
    bounds = isinstance(node, Leaf) and node.single and bool(node.form.windows) and node.parameter == lead.parameter
    return _windowed(node) == leaves or (len(leaves) == 1 and lead.single and bounds and lead.parameter >= 0)


def _gathered_branch(page: Page, order: Order, node: Node, gate: Gathered, others: list[str]) -> str:
    """What is found when few resources meet a criterion, and none of the ones before."""
    row = page.writer.name("c")
    key = f"{row}.key"
    tables = [f"({gate.query}) {row}"]
    values = [f"o.{name}" for name in order.names]
    if order.columns:
        tables.append(f"LATERAL ({_values_of(page, key)}) o")
    conditions = [
        *others,
        *gate.complete,
        *page.probes(key, except_for=(node,)),
        *order.beyond(values, key, page.after),
    ]
    columns = ", ".join([key, *values])
    ordering = order.clause(values, key, page.after)
    return f"SELECT {columns} FROM {' CROSS JOIN '.join(tables)}{where(conditions)} {ordering} {page.cut}"


def _values_of(page: Page, key: str) -> str:
    """The query of a resource's sort values."""
    if not page.shape.sort:
        return first_window(page.writer, _range_lead(page.nodes), key)
    values = [sort_value(page.writer, by, key) for by in page.shape.sort]
    return f"SELECT {', '.join(f'{value} AS sort_{number}' for number, value in enumerate(values))}"


def _walked_branches(page: Page, order: Order, others: list[str]) -> list[str]:
    """The walk, and behind it, for a sort, what has no value to be sorted by."""
    if not page.shape.sort:
        leaves = _range_lead(page.nodes)
        walk = _walk_windows(page, order, leaves, others) if leaves else _walk_keys(page, order, others, missing=None)
        return [walk]
    by = page.shape.sort[0]
    if not by.walkable:
        return [_sorted_all(page, order)]
    branches = []
    at_end = page.after is not None and page.after.values[0] is None
    backwards = page.after is not None and page.after.backwards
    walked = None
    if backwards or not at_end:
        walked = page.writer.table("walked", _walk_sorted(page, order, by, others))
        branches.append(f"SELECT * FROM {walked}")
    if by.sources is not None and not _implied(page, by) and (at_end or not backwards):
        unfilled = [f"(SELECT count(*) FROM {walked}) < {page.limit}"] if walked and not backwards else []
        branches.append(_walk_keys(page, order, [*others, *unfilled], missing=by))
    return branches


def _implied(page: Page, by: Sorted) -> bool:
    """Whether a criterion demands a value to sort by."""
    return any(isinstance(each, Leaf) and each.parameter == by.parameter for each in page.nodes)


def _walk_keys(page: Page, order: Order, others: list[str], *, missing: Sorted | None) -> str:
    """A page of keys in order: those that the best criterion leads to, or all of the types."""
    ordered = next((each for each in leads(page.nodes) if is_ordered(each)), None)
    values = [f"o.{name}" for name in order.names]

    def rows(table: str, column: str) -> Callable[[str, str], str]:
        def query(row: str, found: str) -> str:
            key = f"{row}.{column}"
            conditions = [found, *page.probes(key, except_for=(ordered,) if ordered else ())]
            tables = f"{table} {row}"
            if missing is not None:
                conditions.append(f"{sort_value(page.writer, missing, key)} IS NULL")
                tables += f" CROSS JOIN LATERAL ({_values_of(page, key)}) o"
            conditions += order.beyond(values, key, page.after)
            ordering = order.clause(values, key, page.after)
            selected = ", ".join([f"{key} AS key", *values])
            return f"SELECT DISTINCT {selected} FROM {tables} WHERE {' AND '.join(conditions)} {ordering} {page.cut}"

        return query

    columns = ", ".join(("key", *order.names))
    if ordered is None:
        source = page.writer.name("s")
        inner = rows("resource", "key")("lead", of_type("lead", f"{source}.v"))
        walk = f"SELECT {columns} FROM unnest({page.types}) {source}(v) CROSS JOIN LATERAL ({inner}) p"
    else:
        leaves = (ordered,) if isinstance(ordered, Leaf) else ordered.nodes if isinstance(ordered, OneOf) else ()
        walks = [
            for_each_value(page.writer, each, rows(each.form.table, each.form.key), columns=columns)
            for each in _flat(leaves)
        ]
        walk = " UNION ALL ".join(walks)
    return f"SELECT * FROM ({walk}) AS w{where(others)}"


def _flat(nodes: Sequence[Node]) -> list[Leaf]:
    """All leaves of alternatives."""
    found: list[Leaf] = []
    for each in nodes:
        if isinstance(each, Leaf):
            found.append(each)
        elif isinstance(each, OneOf):
            found += _flat(each.nodes)
    return found


def _walk_windows(page: Page, order: Order, leaves: Sequence[Leaf], others: list[str]) -> str:
    """A page of the resources that a range finds, in the order of its index, part by part."""
    node = next(each for each in page.nodes if _windowed(each) == tuple(leaves))
    columns = ", ".join(("key", *order.names))
    walks = [
        for_each_value(
            page.writer, leaf, _window(page, order, (leaf, part), leaves, node), columns=columns, seek=window.seek
        )
        for leaf in leaves
        for part, window in enumerate(leaf.form.windows)
    ]
    return f"SELECT * FROM ({' UNION ALL '.join(walks)}) AS w{where(others)}"


def _window(
    page: Page, order: Order, place: tuple[Leaf, int], leaves: Sequence[Leaf], node: Node
) -> Callable[[str, str], str]:
    leaf, part = place
    form, window = leaf.form, leaf.form.windows[part]
    parts = max(len(each.form.windows) for each in leaves)

    def query(row: str, found: str) -> str:
        key, value = f"{row}.{form.key}", window_value(form, window, row)
        values = [str(part), value]
        conditions = [
            found,
            *seek_in_part(order.columns[1], value, page.after, part, parts),
            *(_bounds(page, leaf, node, row) if part == 0 else []),
            *order.beyond(values, key, page.after),
            *page.probes(key, except_for=(node,)),
        ]
        tables = f"{form.table} {row}"
        if not (leaf.single and len(leaves) == 1):
            first = first_window(page.writer, leaves, key)
            tables += f" CROSS JOIN LATERAL ({first}) o"
            conditions.append(f"o.sort_0 = {part} AND o.sort_1 = {value}")
        ordering = order.clause(["sort_0", "sort_1"], "key", page.after, present=2)
        return (
            f"SELECT DISTINCT {key} AS key, {part} AS sort_0, {value} AS sort_1 FROM {tables} "
            f"WHERE {' AND '.join(conditions)} {ordering} {page.cut}"
        )

    return query


def _bounds(page: Page, leaf: Leaf, node: Node | None, row: str) -> list[str]:
    """What other ranges of the same parameter demand, where a resource has but one value."""
    found: list[str] = []
    if not leaf.single:
        return found
    for each in page.nodes:
        if each is node or not isinstance(each, Leaf):
            continue
        if (each.parameter, each.form.table) != (leaf.parameter, leaf.form.table) or not each.form.windows:
            continue
        column = leaf.form.windows[0].column
        if each.form.windows[0].column != column:
            continue
        for operator, place in each.form.bounds:
            aggregate = "max" if operator.startswith("<") else "min"
            array = page.writer.array(each.values[place])
            found.append(f"{row}.{column} {operator} (SELECT {aggregate}(v) FROM unnest({array}) v)")
    return found


def _walk_sorted(page: Page, order: Order, by: Sorted, others: list[str]) -> str:
    """A page of the resources that have a value to be sorted by, in this order."""
    columns = ", ".join(("key", *order.names))
    within = next((each for each in page.nodes if _narrows(each, by)), None)
    rows = _sorted_rows(page, order, by, within)
    if isinstance(within, Leaf):
        walks = [
            for_each_value(page.writer, within, rows, columns=columns, seek=window.seek)
            for window in within.form.windows
        ]
        return f"SELECT * FROM ({' UNION ALL '.join(walks)}) AS w{where(others)} {_final(page, order)}"
    row, source = page.writer.name(), page.writer.name("s")
    if by.sources is None:
        array, found = page.types, of_type(row, f"{source}.v")
    else:
        array, found = page.writer.array(by.sources), f"{row}.source = {source}.v AND {row}.{by.value} IS NOT NULL"
    walk = f"SELECT {columns} FROM unnest({array}) {source}(v) CROSS JOIN LATERAL ({rows(row, found)}) p"
    return f"SELECT * FROM ({walk}) AS w{where(others)} {_final(page, order)}"


def _narrows(node: Node, by: Sorted) -> bool:
    """Whether the values of a range are those that are sorted by, so that its part of the index is enough."""
    if not isinstance(node, Leaf) or node.form.table != by.table or not node.single or not by.single:
        return False
    return node.parameter == by.parameter and bool(node.form.windows) and node.form.windows[0].column == by.value


def _final(page: Page, order: Order) -> str:
    return f"{order.clause(order.names, 'key', page.after, present=1)} {page.cut}"


def _sorted_rows(page: Page, order: Order, by: Sorted, within: Node | None) -> Callable[[str, str], str]:
    def query(row: str, found: str) -> str:
        key = f"{row}.{'key' if by.table == 'resource' else 'resource_key'}"
        first = f"{row}.{by.value}"
        values = [first, *(f"o.{name}" for name in order.names[1:])]
        conditions = [found, *seek(order.columns[0], first, page.after)]
        if isinstance(within, Leaf):
            conditions += _bounds(page, within, within, row)
        conditions += [
            *order.beyond(values, key, page.after),
            *page.probes(key, except_for=(within,) if within else ()),
        ]
        tables = f"{by.table} {row}"
        if not by.single:
            conditions.append(f"{first} = {sort_value(page.writer, by, key)}")
        if len(page.shape.sort) > 1:
            rest = [f"{sort_value(page.writer, each, key)} AS sort_{n}" for n, each in enumerate(page.shape.sort) if n]
            tables += f" CROSS JOIN LATERAL (SELECT {', '.join(rest)}) o"
        selected = ", ".join(
            [f"{key} AS key", *(f"{value} AS {name}" for value, name in zip(values, order.names, strict=True))]
        )
        ordering = order.clause(order.names, "key", page.after, present=1)
        distinct = "" if by.single else "DISTINCT "
        return f"SELECT {distinct}{selected} FROM {tables} WHERE {' AND '.join(conditions)} {ordering} {page.cut}"

    return query


def _sorted_all(page: Page, order: Order) -> str:
    """A page of all matches, sorted: for what no index holds in order."""
    writer, values = page.writer, [f"o.{name}" for name in order.names]
    if leads(page.nodes):
        keys = gathered_all(writer, page.nodes, None, page.types).query
    else:
        row, source = writer.name(), writer.name("s")
        found = " AND ".join([of_type(row, f"{source}.v"), *page.probes(f"{row}.key")])
        keys = f"SELECT {row}.key FROM unnest({page.types}) {source}(v) JOIN resource {row} ON {found}"
    columns = ", ".join(["c.key", *values])
    return (
        f"SELECT {columns} FROM ({keys}) AS c CROSS JOIN LATERAL ({_values_of(page, 'c.key')}) o"
        f"{where(order.beyond(values, 'c.key', page.after))} {order.clause(values, 'c.key', page.after)} {page.cut}"
    )
