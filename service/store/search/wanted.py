"""The page that is wanted: what of, beyond which position, in which order."""

# ruff: noqa: S608 - texts are written from shapes; no value is ever part of one

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.store.search.forms import LISTED, SELECTIVE
from service.store.search.lead import is_ordered, leads, rank_of
from service.store.search.order import BY_KEY, After, Column, Order, first_window, sort_value
from service.store.search.probe import holds, where
from service.store.search.shape import TYPES, Leaf, OneOf, Paired, Shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.store.search.shape import Node
    from service.store.search.sorting import Sorted
    from service.store.search.writer import Writer

LEAST_SELECTIVE: Final = 11
"""The last rank of what is worth to be tried, or to be walked."""


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
    def apart(self) -> tuple[Node, ...]:
        """The criteria, with the parts of a pair in its place: each of them leads to keys in order."""
        return tuple(part for each in self.nodes for part in (each.parts if isinstance(each, Paired) else (each,)))

    @property
    def types(self) -> str:
        """The array of the types that are searched."""
        return self.writer.array(TYPES)

    @property
    def cut(self) -> str:
        """A limit that the planner cannot see through.

        It plans for the first tenth of the rows, so it takes them from the ordered index however few it expects.
        """
        return f"LIMIT (SELECT {self.limit})"

    def probes(self, key: str, *, except_for: Sequence[Node] = (), among: str | None = None) -> list[str]:
        """The conditions of all criteria but some; `among` is a table with all keys that they are put to."""
        asked = [each for each in self.nodes if not any(each is one for one in except_for)]
        return [holds(self.writer, each, key, among=among) for each in asked]


def order_of(shape: Shape) -> Order:
    """The order that the results of a shape come in."""
    if shape.sort:
        columns = tuple(Column(type=by.type, descending=by.descending) for by in shape.sort)
        return Order(columns=columns, key_descending=shape.sort[0].descending)
    leaves = range_of(shape)
    if not leaves:
        return BY_KEY
    form = leaves[0].form
    value = {"index_string": "text", "index_quantity": "numeric"}.get(form.table, "timestamptz")
    columns = (Column(type="integer", descending=False), Column(type=value, descending=form.descending))
    return Order(columns=columns, key_descending=form.descending)


def range_of(shape: Shape) -> tuple[Leaf, ...]:
    """The range in whose order the results come; none where keys give the order."""
    return () if shape.by_key else range_lead(shape.where.nodes)


def range_lead(nodes: Sequence[Node]) -> tuple[Leaf, ...]:
    """The range whose index is walked where there is no sort, as its leaves; none where keys give the order."""
    able = leads(nodes)
    if not able or rank_of(able[0]) <= SELECTIVE:
        return ()
    ordered = any(is_ordered(each) for each in able)
    for each in able:
        leaves = windowed(each)
        if leaves and (not ordered or (rank_of(each) <= LEAST_SELECTIVE and not _is_half_open(leaves, nodes))):
            return leaves
    return ()


def _is_half_open(leaves: Sequence[Leaf], nodes: Sequence[Node]) -> bool:
    """Whether quantities are bounded on one side alone.

    Beyond a bound lie those of other codes, perhaps all of them, before the first one of the code that is asked for;
    but most that have the code tend to lie there.
    """
    lead = leaves[0]
    if lead.form.table != "index_quantity" or any(each.form_name.endswith(("-eq", "-ap")) for each in leaves):
        return False
    bounding = [each for each in nodes if isinstance(each, Leaf) and each.parameter == lead.parameter]
    return len(bounding) <= 1


def windowed(node: Node) -> tuple[Leaf, ...]:
    """The leaves of a criterion that is a range, or alternatives of ranges in one index."""
    leaves = (node,) if isinstance(node, Leaf) else node.nodes if isinstance(node, OneOf) else ()
    found = tuple(each for each in leaves if isinstance(each, Leaf) and each.form.windows and each.form.walked)
    tables = {(each.form.table, each.form.windows[0].column, each.form.descending) for each in found}
    return found if len(found) == len(leaves) and len(tables) == 1 else ()


def narrows(node: Node, by: Sorted) -> bool:
    """Whether the values of a range are those that are sorted by, so that its part of the index is enough."""
    if not isinstance(node, Leaf) or node.form.table != by.table or not node.single or not by.single:
        return False
    return node.parameter == by.parameter and bool(node.form.windows) and node.form.windows[0].column == by.columns[-1]


def listed(shape: Shape) -> Paired | None:
    """The pair whose index has the results in their order, where nothing is asked besides but who sees them.

    Other criteria may be met by few, which are gathered, and not looked for along a list of years.
    """
    first = shape.sort[0].parameter if shape.sort else None
    for each in shape.where.nodes:
        if isinstance(each, Paired) and each.lead.form_name == LISTED and each.by == first:
            return each if all(_is_sight(other) for other in shape.where.nodes if other is not each) else None
    return None


def _is_sight(node: Node) -> bool:
    leaf = node.nodes[0] if isinstance(node, OneOf) and node.nodes else node
    return isinstance(leaf, Leaf) and leaf.form.table == "seen_by"


def values_of(page: Page, key: str, at: str | None = None) -> str:
    """The query of a resource's sort values; `at` is the date beside its pair, where that is known."""
    if not page.shape.sort:
        return first_window(page.writer, range_of(page.shape), key)
    dates = {each.by for each in page.nodes if isinstance(each, Paired)} if at else ()
    values = [at if at and by.parameter in dates else sort_value(page.writer, by, key) for by in page.shape.sort]
    return f"SELECT {', '.join(f'{value} AS sort_{number}' for number, value in enumerate(values))}"


def probed(
    page: Page,
    order: Order,
    keys: str,
    conditions: Sequence[str],
    *,
    except_for: Sequence[Node] = (),
    among: str | None = None,
    dated: bool = False,
) -> str:
    """A page of the resources whose keys a query gives, sorted: those that meet all criteria but some.

    `among` is a table with all of these keys, where there is one; `dated`: beside each key is the date of its pair.
    """
    row = page.writer.name("c")
    key = f"{row}.key"
    tables = [f"({keys}) {row}"]
    values = [f"o.{name}" for name in order.names]
    if order.columns:
        tables.append(f"LATERAL ({values_of(page, key, f'{row}.at' if dated else None)}) o")
    found = [*conditions, *page.probes(key, except_for=except_for, among=among), *order.beyond(values, key, page.after)]
    columns = ", ".join([key, *values])
    ordering = order.clause(values, key, page.after)
    return f"SELECT {columns} FROM {' CROSS JOIN '.join(tables)}{where(found)} {ordering} {page.cut}"
