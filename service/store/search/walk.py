"""Walks along an index, in the order of the results: each row's resource is probed, and the walk stops after a page."""

# ruff: noqa: S608 - texts are written from shapes; no value is ever part of one

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from service.store.search.alike import alike_keys, is_alike, kinds, of_kind, of_unknown_kind, with_row, without_value
from service.store.search.every import every_key
from service.store.search.lead import SOME, is_ordered, leads
from service.store.search.order import first_window, seek, seek_in_part, sort_value, window_value
from service.store.search.probe import holds, where
from service.store.search.shape import Leaf, Negated, OneOf
from service.store.search.sought import bounds, for_each_value, of_type
from service.store.search.wanted import listed, narrows, probed, values_of, windowed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from service.store.search.forms import Window
    from service.store.search.order import Order
    from service.store.search.shape import Node, Paired
    from service.store.search.sorting import Sorted
    from service.store.search.wanted import Page
    from service.store.search.writer import Writer

    _Keys = Callable[[Sequence[Node], str, str], Callable[[str, str], str]]


_BEYOND_KEYS: Final = (1 << 63) - 1


def walk_keys(page: Page, order: Order, others: list[str], *, missing: Sequence[Node] = ()) -> str:
    """A page of keys in order: those that the best criterion leads to, or all of the types; they meet `missing` too."""
    nodes = (*page.apart, *missing)
    keys = partial(_keys, page, order, len(page.shape.sort[0].columns) if missing else 0)
    lead = next((each for each in leads(page.apart) if is_ordered(each)), None)
    if lead is not None:
        walks = _walks_along(page.writer, keys, lead, [each for each in nodes if each is not lead])
    elif alike := [each for each in nodes if is_alike(each)]:
        walks = _walks_by_kind(page.writer, keys, alike, nodes)
    elif found := next((each for each in nodes if isinstance(each, Negated) and each.instead), None):
        rest = [each for each in nodes if each is not found or not found.exact]
        walks = _walks_along(page.writer, keys, found.instead or found, rest)
    else:
        source = page.writer.name("s")
        rows = keys(nodes, "resource", "key")("lead", of_type("lead", f"{source}.v"))
        walks = [f"SELECT p.* FROM unnest({page.types}) {source}(v) CROSS JOIN LATERAL ({rows}) p"]
    return f"SELECT * FROM ({' UNION ALL '.join(walks)}) AS w{where(others)}"


def only_walk(page: Page, order: Order) -> str | None:
    """A page of what the only value of the best criterion leads to, where nothing else does and keys give the order."""
    lead = next((each for each in leads(page.nodes) if is_ordered(each)), None)
    if page.shape.sort or order.columns or not isinstance(lead, Leaf) or not lead.is_one:
        return None
    rows = _keys(page, order, 0, [each for each in page.nodes if each is not lead], lead.form.table, lead.form.key)
    return for_each_value(page.writer, lead, rows)


def _keys(
    page: Page, order: Order, empty: int, nodes: Sequence[Node], table: str, column: str
) -> Callable[[str, str], str]:
    """A page of a table's rows, by the column with the key, whose resources meet all nodes.

    The first `empty` sort values are known to be missing, so that the index may have the order.
    """
    values = [f"NULL::{each.type}" for each in order.columns[:empty]]
    values += [f"o.{name}" for name in order.names[empty:]]

    def query(row: str, found: str) -> str:
        key = f"{row}.{column}"
        conditions = [found, *(holds(page.writer, each, key) for each in nodes), *order.beyond(values, key, page.after)]
        tables = f"{table} {row}"
        if len(order.columns) > empty:
            tables += f" CROSS JOIN LATERAL ({values_of(page, key)}) o"
        ordering = order.clause(values, key, page.after)
        selected = ", ".join(
            [f"{key} AS key", *(f"{value} AS {name}" for value, name in zip(values, order.names, strict=True))]
        )
        return f"SELECT DISTINCT {selected} FROM {tables} WHERE {' AND '.join(conditions)} {ordering} {page.cut}"

    return query


def _walks_along(writer: Writer, keys: _Keys, lead: Node, nodes: Sequence[Node]) -> list[str]:
    """Pages of what each part of a criterion leads to."""
    if isinstance(lead, OneOf):
        return [walk for each in lead.nodes for walk in _walks_along(writer, keys, each, nodes)]
    if isinstance(lead, Leaf):
        return [for_each_value(writer, lead, keys(nodes, lead.form.table, lead.form.key), columns="*")]
    return _walks_by_kind(writer, keys, [lead], [*nodes, lead])


def _walks_by_kind(writer: Writer, keys: _Keys, alike: Sequence[Node], nodes: Sequence[Node]) -> list[str]:
    """A page of each kind of resources that meets the nodes which are alike, and one of those of no known kind."""
    rest = [each for each in nodes if each not in alike]
    known = keys(rest, "resource", "key")("lead", of_kind("lead", "k"))
    unknown = keys(nodes, "resource", "key")("lead", of_unknown_kind(writer, "lead"))
    return [
        f"SELECT p.* FROM {kinds(writer, alike)} k CROSS JOIN LATERAL ({known}) p",
        f"SELECT p.* FROM ({unknown}) p",
    ]


def walk_windows(page: Page, order: Order, leaves: Sequence[Leaf], others: list[str]) -> str:
    """A page of the resources that a range finds, in the order of its index, part by part."""
    node = next(each for each in page.nodes if windowed(each) == tuple(leaves))
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
            *(bounds(page.writer, leaf, page.nodes, row) if part == 0 else []),
            *order.beyond(values, key, page.after),
            *page.probes(key, except_for=(node,)),
        ]
        tables = f"{form.table} {row}"
        if not (leaf.single and len(leaves) == 1 and (parts == 1 or not leaf.several)):
            first = first_window(page.writer, leaves, key)
            tables += f" CROSS JOIN LATERAL ({first}) o"
            conditions.append(f"o.sort_0 = {part} AND o.sort_1 = {value}")
        ordering = order.clause(["sort_0", "sort_1"], "key", page.after, present=2)
        return (
            f"SELECT DISTINCT {key} AS key, {part} AS sort_0, {value} AS sort_1 FROM {tables} "
            f"WHERE {' AND '.join(conditions)} {ordering} {page.cut}"
        )

    return query


def walk_sorted(page: Page, order: Order, by: Sorted, others: list[str]) -> str:
    """A page of the resources that have a value to be sorted by, in this order."""
    if by.codes is not None:
        return _cut(page, order, _walk_codes(page, order, by, by.codes), others)
    columns = ", ".join(("key", *order.names))
    if pair := listed(page.shape):
        rows = _sorted_rows(page, order, replace(by, table="index_token", value="pair_at", single=True), pair)
        return _cut(page, order, for_each_value(page.writer, pair.lead, rows, columns=columns), others)
    within = next((each for each in page.nodes if narrows(each, by)), None)
    if isinstance(within, Leaf):
        return _cut(page, order, _narrowed(page, order, by, within), others)
    rows = _sorted_rows(page, order, by, within)
    row, source = page.writer.name(), page.writer.name("s")
    if by.sources is None:
        array, found = page.types, of_type(row, f"{source}.v")
    else:
        array, found = page.writer.array(by.sources), f"{row}.source = {source}.v"
    walk = f"SELECT {columns} FROM unnest({array}) {source}(v) CROSS JOIN LATERAL ({rows(row, found)}) p"
    return _cut(page, order, walk, others)


def _walk_codes(page: Page, order: Order, by: Sorted, codes: int) -> str:
    """A page of every code that follows: what has it, in the order of the keys."""
    row, code, source = page.writer.name(), page.writer.name("v"), page.writer.name("s")
    key, value = f"{row}.resource_key", f"{row}.code"
    leaf = Leaf(form_name="token-code", sources=by.sources, values=(codes,))
    conditions = [
        leaf.form.found_with(row, [f"{code}.v"], f"{source}.v"),
        f"{row}.source = {source}.v",
        f"{value} = {sort_value(page.writer, by, key)}",
        *order.beyond([value], key, page.after),
        *page.probes(key),
    ]
    following = ""
    if page.after is not None and page.after.values[0] is not None:
        following = where(seek(order.columns[0], [f'{code}.v COLLATE "C"'], page.after))
        comparison, end = ("<", _BEYOND_KEYS) if order.key_descending != page.after.backwards else (">", 0)
        beginning = f"CASE {code}.v WHEN {page.after.values[0]} THEN {page.after.key} ELSE {end} END"
        conditions.append(f"{key} {comparison} {beginning}")
    ordering = order.clause(["sort_0"], "key", page.after, present=1)
    rows = (
        f"SELECT DISTINCT {key} AS key, {value} AS sort_0 FROM {leaf.form.table} {row} "
        f"WHERE {' AND '.join(conditions)} {ordering} {page.cut}"
    )
    return (
        f"SELECT p.key, p.sort_0 FROM unnest({page.writer.array(codes)}) {code}(v) "
        f"CROSS JOIN unnest({page.writer.array(by.sources or 0)}) {source}(v) CROSS JOIN LATERAL ({rows}) p{following}"
    )


def _cut(page: Page, order: Order, walk: str, others: list[str]) -> str:
    """A page of what was walked, each resource once: several sources, values or windows may have led to it."""
    ordering = order.clause(order.names, "key", page.after, present=len(page.shape.sort[0].columns))
    return f"SELECT DISTINCT * FROM ({walk}) AS w{where(others)} {ordering} {page.cut}"


def _narrowed(page: Page, order: Order, by: Sorted, within: Leaf) -> str:
    """A walk along the part of the index that a range leaves, beside what reaches into the range from elsewhere.

    That is sorted where it is little; otherwise it is walked too. What has no lower end comes with the missing values.
    """
    columns = ", ".join(("key", *order.names))
    first, *others = within.form.windows
    rows = _sorted_rows(page, order, by, within, bounded=True)
    walks = [f"SELECT * FROM ({for_each_value(page.writer, within, rows, columns=columns, seek=first.seek)}) AS w"]
    rows = _sorted_rows(page, order, by, within)
    for window in others:
        if window.without_low:
            continue
        reaching = page.writer.table("reaching", _reaching_keys(page, within, window))
        few = f"(SELECT count(*) FROM {reaching}) <= {SOME}"
        keys = f"SELECT DISTINCT key FROM {reaching} WHERE filled"
        walks.append(f"({probed(page, order, keys, [few], except_for=(within,))})")
        walk = for_each_value(page.writer, within, rows, columns=columns, seek=window.seek)
        walks.append(f"SELECT * FROM ({walk}) AS w WHERE NOT {few}")
    return " UNION ALL ".join(walks)


def _reaching_keys(page: Page, leaf: Leaf, window: Window) -> str:
    """The keys of a few of the rows of a window, in the order of its index so that this index is taken.

    `filled`: the row has a lower end.
    """
    form = leaf.form

    def query(row: str, found: str) -> str:
        selected = f"{row}.{form.key} AS key, {row}.{form.windows[0].column} IS NOT NULL AS filled"
        return (
            f"SELECT {selected} FROM {form.table} {row} WHERE {found} ORDER BY {row}.{window.column} LIMIT {SOME + 1}"
        )

    return for_each_value(page.writer, leaf, query, columns="key, filled", seek=window.seek)


def walk_missing(page: Page, order: Order, by: Sorted, others: list[str]) -> list[str]:
    """Pages of the resources without a value to be sorted by; few of them are sorted, more are walked.

    Where a criterion demands a value there are none, but for quantities without a lower end.
    """
    if pair := listed(page.shape):
        return [_undated(page, order, pair, others)]
    missing: list[Node] = [without_value(by)]
    if any(isinstance(each, Leaf) and each.parameter == by.parameter for each in page.nodes):
        if by.table != "index_quantity":
            return []
        missing.append(with_row(by))
    keys = page.writer.table(
        "missing", f"SELECT key FROM ({alike_keys(page.writer, missing, SOME)}) AS g LIMIT {SOME + 1}"
    )
    few = f"(SELECT count(*) FROM {keys}) <= {SOME}"
    return [
        probed(page, order, f"SELECT key FROM {keys}", [*others, few]),
        walk_keys(page, order, [*others, f"NOT {few}"], missing=missing),
    ]


def _undated(page: Page, order: Order, pair: Paired, others: list[str]) -> str:
    """A page of what has the pair and no date: behind the dates, the index has the keys in order."""
    columns = ", ".join(("key", *order.names))

    def query(row: str, found: str) -> str:
        key, known = f"{row}.resource_key", [f"o.{name}" for name in order.names[1:]]
        values = ["NULL::timestamptz", *known]
        probes = page.probes(key, except_for=(pair,))
        conditions = [found, f"{row}.pair_at IS NULL", *order.beyond(values, key, page.after), *probes]
        tables = f"index_token {row} CROSS JOIN LATERAL ({values_of(page, key)}) o" if known else f"index_token {row}"
        selected = ", ".join(f"{value} AS {name}" for value, name in zip(values, order.names, strict=True))
        ordering = order.clause([f"{row}.pair_at", *known], key, page.after, present=1)
        return f"SELECT {key} AS key, {selected} FROM {tables} WHERE {' AND '.join(conditions)} {ordering} {page.cut}"

    return f"SELECT * FROM ({for_each_value(page.writer, pair.lead, query, columns=columns)}) AS w{where(others)}"


def _sorted_rows(
    page: Page, order: Order, by: Sorted, within: Node | None, *, bounded: bool = False
) -> Callable[[str, str], str]:
    def query(row: str, found: str) -> str:
        key = f"{row}.{'key' if by.table == 'resource' else 'resource_key'}"
        own = [f"{row}.{column}" for column in by.columns]
        values = [*own, *(f"o.{name}" for name in order.names[len(own) :])]
        conditions = [found, *(f"{each} IS NOT NULL" for each in own), *seek(order.columns[0], own, page.after)]
        if bounded and isinstance(within, Leaf):
            conditions += bounds(page.writer, within, page.nodes, row)
        conditions += [
            *order.beyond(values, key, page.after),
            *page.probes(key, except_for=(within,) if within else ()),
        ]
        tables = f"{by.table} {row}"
        if not by.single:
            firsts = zip(own, page.shape.sort, strict=False)
            conditions += [f"{value} = {sort_value(page.writer, each, key)}" for value, each in firsts]
        if rest := [
            f"{sort_value(page.writer, each, key)} AS {name}"
            for each, name in list(zip(page.shape.sort, order.names, strict=True))[len(own) :]
        ]:
            tables += f" CROSS JOIN LATERAL (SELECT {', '.join(rest)}) o"
        selected = ", ".join(
            [f"{key} AS key", *(f"{value} AS {name}" for value, name in zip(values, order.names, strict=True))]
        )
        ordering = order.clause(order.names, "key", page.after, present=len(own))
        distinct = "" if by.single else "DISTINCT "
        return f"SELECT {distinct}{selected} FROM {tables} WHERE {' AND '.join(conditions)} {ordering} {page.cut}"

    return query


def sorted_all(page: Page, order: Order) -> str:
    """A page of all matches, sorted: for what no index holds in order."""
    values, keys = [f"o.{name}" for name in order.names], every_key(page.writer, page.shape)
    columns = ", ".join(["c.key", *values])
    return (
        f"SELECT {columns} FROM ({keys}) AS c CROSS JOIN LATERAL ({values_of(page, 'c.key')}) o"
        f"{where(order.beyond(values, 'c.key', page.after))} {order.clause(values, 'c.key', page.after)} {page.cut}"
    )
