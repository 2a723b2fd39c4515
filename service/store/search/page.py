"""The keys of one page of results, in their order, so that the work does not grow with the database.

No plan may hang on fresh statistics, so the statement itself says how to go about it:

- What few resources can meet, by an identity, an identifier, a reference, a pair, is *gathered*: all of it is read,
  probed for the other criteria, sorted. A limit on the reading tells whether it was few indeed.
- Otherwise an index is *walked* in the order of the results, and each row's resource is probed; the walk stops after a
  page. It is the index of the first sort key, or that of a pair which is *listed* in this order; without a sort that of
  a range, such as a week or the beginning of a name, so results come in its order; or else keys, from the newest: those
  that a code leads to, or all of a type.

Every way gives the same order, so pages fit together whichever way each was found.
"""

# ruff: noqa: S608 - texts are written from shapes; no value is ever part of one

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.store.search.forms import SELECTIVE
from service.store.search.gather import gathered_all
from service.store.search.lead import SOME, is_by_kind, is_indirect, is_ordered, leads, limit_of, rank_of
from service.store.search.shape import Leaf, Paired
from service.store.search.walk import only_walk, sorted_all, walk_keys, walk_missing, walk_sorted, walk_windows
from service.store.search.wanted import LEAST_SELECTIVE, listed, narrows, order_of, probed, range_of, windowed

if TYPE_CHECKING:
    from service.store.search.order import Order
    from service.store.search.shape import Node, Shape
    from service.store.search.wanted import Page

_GATES: Final = 2
"""How many criteria are tried whether few resources meet them."""


def page_of_keys(page: Page) -> str:
    """The query of a page: `key` and the sort values, in order."""
    order = order_of(page.shape)
    gates = [
        gathered_all(page.writer, (each,), _limit_of(each, page.shape), page.types, beside=page.nodes)
        for each in _gated(page.shape)
    ]
    branches = []
    others: list[str] = []
    for node, gate in zip(_gated(page.shape), gates, strict=True):
        complete = [*others, *gate.complete]
        branches.append(
            probed(page, order, gate.query, complete, except_for=(node,), among=gate.among, dated=gate.dated)
        )
        others.append(f"NOT ({' AND '.join(gate.complete)})")
    if not gates and (keys := only_walk(page, order)):
        return page.writer.with_tables(keys)
    branches += _walked_branches(page, order, others)
    names = ", ".join(("key", *order.names))
    found = " UNION ALL ".join(f"(SELECT {names} FROM ({each}) AS b)" for each in branches)
    ordering = order.clause(order.names, "key", page.after)
    return page.writer.with_tables(f"SELECT DISTINCT {names} FROM ({found}) AS found {ordering} LIMIT {page.limit}")


def _limit_of(node: Node, shape: Shape) -> int:
    """How many rows of a criterion are gathered.

    A pair that many have is soon met by walking: in the order of the keys, or by the index that has it in order.
    """
    if isinstance(node, Paired) and (not shape.sort or listed(shape)):
        return SOME
    return limit_of(node)


def _gated(shape: Shape) -> list[Node]:
    """The criteria that are tried whether few resources meet them."""
    if listed(shape) and len(shape.where.nodes) == 1:
        return []
    able = [each for each in leads(shape.where.nodes) if is_indirect(each) or rank_of(each) <= LEAST_SELECTIVE]
    if shape.sort:
        by = shape.sort[0]
        narrowed = any(narrows(each, by) for each in able)
        tried = [each for each in able if not (narrowed and isinstance(each, Leaf) and each.parameter == by.parameter)]
        return tried[:_GATES] if by.walkable else []
    if all(is_by_kind(each) for each in able):
        return []
    if is_ordered(able[0]) and (len(able) == 1 or rank_of(able[0]) <= SELECTIVE):
        return []
    leaves = range_of(shape)
    return [each for each in able if not leaves or not _is_walked(each, leaves)][:_GATES]


def _is_walked(node: Node, leaves: tuple[Leaf, ...]) -> bool:
    """Whether the walk along a range takes care of a criterion: it is the range, or bounds it."""
    lead = leaves[0]
    bounds = isinstance(node, Leaf) and node.single and bool(node.form.windows) and node.parameter == lead.parameter
    return windowed(node) == leaves or (len(leaves) == 1 and lead.single and bounds and lead.parameter >= 0)


def _walked_branches(page: Page, order: Order, others: list[str]) -> list[str]:
    """The walk, and behind it, for a sort, what has no value to be sorted by."""
    if not page.shape.sort:
        leaves = range_of(page.shape)
        walk = walk_windows(page, order, leaves, others) if leaves else walk_keys(page, order, others)
        return [walk]
    by = page.shape.sort[0]
    if not by.walkable:
        return [sorted_all(page, order)]
    branches = []
    at_end = page.after is not None and page.after.values[0] is None
    backwards = page.after is not None and page.after.backwards
    walked = None
    if backwards or not at_end:
        walked = page.writer.table("walked", walk_sorted(page, order, by, others))
        branches.append(f"SELECT * FROM {walked}")
    if by.sources is not None and (at_end or not backwards):
        unfilled = [f"(SELECT count(*) FROM {walked}) < {page.limit}"] if walked and not backwards else []
        branches += walk_missing(page, order, by, [*others, *unfilled])
    return branches or [walk_sorted(page, order, by, others)]
