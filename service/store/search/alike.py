"""Criteria that resources which are alike meet alike: whether there is a value at all, as ``:missing`` asks.

What has no value is in no index. But each resource says which others it is like (see `store.likeness`), so the first of
each kind answers for all of them, and the index on likeness and key has the rest. What was stored before there were
likenesses is looked at one by one.
"""

# ruff: noqa: S608 - texts are written from shapes; no value is ever part of one

from __future__ import annotations

from typing import TYPE_CHECKING

from service.store.likeness import SPAN, UNKNOWN
from service.store.search.probe import holds, where
from service.store.search.shape import LIKENESSES, TYPES, Leaf, Negated, OneOf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.store.search.shape import Node
    from service.store.search.sorting import Sorted
    from service.store.search.writer import Writer


def is_alike(node: Node) -> bool:
    """Whether it depends on nothing but likeness, of the resources that are searched."""
    match node:
        case Leaf():
            return node.form.alike and node.types == TYPES
        case OneOf(nodes=nodes):
            return bool(nodes) and all(is_alike(each) for each in nodes)
        case Negated(node=inner):
            return is_alike(inner)
        case _:
            return False


def without_value(by: Sorted) -> Negated:
    """There is no row to be sorted by: of quantities one that has a lower end."""
    if by.target_types is not None:
        values = (by.target_types,)
        leaf = Leaf(
            form_name="present-target", sources=by.sources, values=values, several=True, spread=True, types=TYPES
        )
        return Negated(node=leaf)
    table = by.table.removeprefix("index_")
    return Negated(node=_any_row(by, by.columns[-1] if table == "quantity" else table))


def with_row(by: Sorted) -> Leaf:
    """There is a row, whether or not it can be sorted by."""
    return _any_row(by, by.table.removeprefix("index_"))


def _any_row(by: Sorted, present: str) -> Leaf:
    return Leaf(form_name=f"present-{present}", sources=by.sources, values=(), spread=True, types=TYPES)


def kinds(writer: Writer, nodes: Sequence[Node]) -> str:
    """The table of the likenesses of what meets all of the nodes, each of which `is_alike`.

    From one likeness the index leads to the next one, however many resources share it.
    """
    first = writer.name("s")
    every = writer.recursive(
        "kinds",
        ("likeness", "key"),
        f"SELECT n.* FROM unnest({writer.array(LIKENESSES)}) {first}(v) "
        f"CROSS JOIN LATERAL ({_next('>=', f'{first}.v')}) n",
        lambda before: f"SELECT n.* FROM {before} b CROSS JOIN LATERAL ({_next('>', 'b.likeness')}) n",
    )
    met = [holds(writer, each, "k.key") for each in nodes]
    return writer.table("met", f"SELECT k.likeness FROM {every} k{where(met)}")


def _next(comparison: str, likeness: str) -> str:
    """The first resource, of the same type, of the next likeness."""
    return (
        f"SELECT t.likeness, t.key FROM resource t WHERE t.content IS NOT NULL "
        f"AND t.likeness {comparison} {likeness} AND t.likeness <= ({likeness} | {SPAN}) "
        "ORDER BY t.likeness, t.key LIMIT 1"
    )


def of_kind(row: str, kind: str) -> str:
    """The row of `resource` is of the likeness, and not a tombstone."""
    return f"{row}.likeness = {kind}.likeness AND {row}.content IS NOT NULL"


def of_unknown_kind(writer: Writer, row: str) -> str:
    """The row of `resource` is of the types that are searched, not a tombstone, and nothing says what it is like."""
    return f"{row}.likeness = {UNKNOWN} AND {row}.type = ANY({writer.array(TYPES)}) AND {row}.content IS NOT NULL"


def alike_keys(writer: Writer, nodes: Sequence[Node], limit: int | None) -> str:
    """The keys of what meets all of the nodes, each of which `is_alike`; of each kind `limit` + 1 at most."""
    cut = "OFFSET 0" if limit is None else f"ORDER BY t.key LIMIT {limit + 1}"
    row = writer.name()
    met = [holds(writer, each, f"{row}.key") for each in nodes]
    unknown = " AND ".join([of_unknown_kind(writer, row), *met])
    ending = "" if limit is None else f"ORDER BY {row}.key LIMIT {limit + 1}"
    return (
        f"SELECT p.key FROM {kinds(writer, nodes)} k CROSS JOIN LATERAL "
        f"(SELECT t.key FROM resource t WHERE {of_kind('t', 'k')} {cut}) p "
        f"UNION ALL (SELECT {row}.key FROM resource {row} WHERE {unknown} {ending})"
    )
