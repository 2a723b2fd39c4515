"""The resources that a criterion finds: a few of them gathered, or all of them."""

# ruff: noqa: S608 - texts are written from shapes; no value is ever part of one

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from service.store.contained import sql_container_key
from service.store.search.alike import alike_keys, is_alike
from service.store.search.forms import ACTING
from service.store.search.lead import leads, rank_of
from service.store.search.probe import holds_all, identities, leading, neighbours, referrers, where, with_named
from service.store.search.shape import All, Containing, Joined, Leaf, Linked, Negated, OneOf, Paired, Referring
from service.store.search.sought import bounds, for_each_value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from service.store.search.shape import Node
    from service.store.search.writer import Writer


class Gathered(Struct, frozen=True):
    """A query of keys, repeats included; it is complete where all of the conditions hold.

    `among` is a table with all of these keys, where there is one; `dated`: beside each key is a date, `at`.
    """

    query: str
    complete: tuple[str, ...] = ()
    among: str | None = None
    dated: bool = False


def gathered(
    writer: Writer, node: Node, limit: int | None, types: str | None = None, beside: Sequence[Node] = ()
) -> Gathered:
    """The keys of what meets a criterion, more than `limit` of them at most once over.

    `types`: only of these types, an array; `beside`: the criteria that have to be met too, of which some may bound it.
    """
    match node:
        case _ if is_alike(node):
            return Gathered(alike_keys(writer, (node,), limit))
        case Leaf():
            return Gathered(_gathered_leaf(writer, node, limit, beside))
        case Paired():
            return Gathered(_gathered_pairs(writer, node, limit))
        case Joined(parts=parts):
            return _met(writer, node, _gathered_leaf(writer, min(parts, key=rank_of), limit, ()), limit)
        case Negated(instead=instead, exact=exact) if instead is not None:
            found = gathered(writer, instead, limit)
            return found if exact else _met(writer, node, found.query, limit)
        case Linked():
            return _gathered_by_target(writer, node, limit)
        case Containing(kinds=kinds, where=inner):
            found = gathered_all(writer, (kinds, *inner.nodes), limit)
            return Gathered(f"SELECT {sql_container_key('c.key')} AS key FROM ({found.query}) c", found.complete)
        case Referring():
            return _gathered_by_referrer(writer, node, limit, types)
        case OneOf(nodes=nodes):
            every = [gathered(writer, each, limit, types) for each in nodes]
            query = " UNION ALL ".join(f"({each.query})" for each in every)
            return Gathered(
                query or "SELECT 0::bigint AS key WHERE false", tuple(c for each in every for c in each.complete)
            )
        case _:
            raise TypeError("nothing leads to what does not meet a criterion")


def gathered_all(
    writer: Writer,
    nodes: Sequence[Node],
    limit: int | None,
    types: str | None = None,
    *,
    beside: Sequence[Node] | None = None,
) -> Gathered:
    """The keys of what meets all criteria, each once: the most selective one gathered, the others probed."""
    lead = leads(nodes)[0]
    found = gathered(writer, lead, limit, types, nodes if beside is None else beside)
    dated = isinstance(lead, Paired)
    columns = "key, at" if dated else "key"
    table = _table(writer, found.query, limit, columns)
    row, among = writer.name("c"), None if limit is None else table
    rest = All(nodes=tuple(each for each in nodes if each is not lead))
    conditions = holds_all(writer, rest, f"{row}.key", among=among)
    distinct = "" if _finds_once(lead, limit) else "DISTINCT "
    query = f"SELECT {row}.* FROM (SELECT {distinct}{columns} FROM {table}) {row}{where(conditions)}"
    return Gathered(query, (*found.complete, *_complete(writer, table, limit)), among, dated)


def _finds_once(node: Node, limit: int | None) -> bool:
    """Whether nothing is gathered a second time."""
    if isinstance(node, Paired):
        return not node.lead.several
    return node.finds_once if isinstance(node, Leaf) else limit is None and isinstance(node, Negated) and node.exact


def _met(writer: Writer, node: Node, query: str, limit: int | None) -> Gathered:
    """Those of the keys of a query whose resources meet a criterion."""
    found, row = _table(writer, query, limit), writer.name("c")
    conditions = holds_all(writer, All(nodes=(node,)), f"{row}.key")
    query = f"SELECT {row}.key FROM (SELECT key FROM {found}) {row}{where(conditions)}"
    return Gathered(query, _complete(writer, found, limit))


def _table(writer: Writer, query: str, limit: int | None, columns: str = "key") -> str:
    if limit is None:
        return f"({query}) AS {writer.name('every')}"
    return writer.table("few", f"SELECT {columns} FROM ({query}) AS g LIMIT {limit + 1}")


def _complete(writer: Writer, table: str, limit: int | None) -> tuple[str, ...]:
    """Whether a table has all that there is; counted once, however often it is asked."""
    if limit is None:
        return ()
    return (f"(SELECT it FROM {writer.table('all', f'SELECT count(*) <= {limit} AS it FROM {table}')})",)


def _gathered_leaf(writer: Writer, leaf: Leaf, limit: int | None, beside: Sequence[Node]) -> str:
    """In the order of the index, so that it is this index that is read; what is found once is gathered once."""
    form = leaf.form
    distinct = "DISTINCT " if form.ordered and (limit is None or leaf.finds_once) else ""

    def query(column: str, *, bounded: bool = False) -> Callable[[str, str], str]:
        def rows(row: str, sought: str) -> str:
            found = " AND ".join([sought, *(bounds(writer, leaf, beside, row) if bounded else ())])
            rows = f"{row}.{form.key} AS key FROM {form.table} {row} WHERE {found}"
            if limit is not None:
                return f"SELECT {distinct}{rows} ORDER BY {row}.{column} LIMIT {limit + 1}"
            return f"SELECT {distinct}{rows} ORDER BY {row}.{column}" if form.ordered else f"SELECT {rows} OFFSET 0"

        return rows

    if form.ordered:
        return for_each_value(writer, leaf, query(form.key))
    walks = (
        for_each_value(writer, leaf, query(each.column, bounded=part == 0), seek=each.seek)
        for part, each in enumerate(form.windows)
    )
    return " UNION ALL ".join(f"({each})" for each in walks)


def _gathered_pairs(writer: Writer, node: Paired, limit: int | None) -> str:
    """The keys with the dates beside them."""

    def rows(row: str, sought: str) -> str:
        cut = "OFFSET 0" if limit is None else f"LIMIT {limit + 1}"
        return f"SELECT {row}.resource_key AS key, {row}.pair_at AS at FROM index_token {row} WHERE {sought} {cut}"

    return for_each_value(writer, node.lead, rows, columns="key, at")


def _gathered_by_target(writer: Writer, node: Linked, limit: int | None) -> Gathered:
    found = gathered_all(writer, node.where.nodes, limit)
    targets = writer.table("targets", found.query)
    target, row = writer.name("r"), writer.name("f")
    cut = "OFFSET 0" if limit is None else f"LIMIT {limit + 1}"
    complete = list(found.complete)
    identity = (
        f"SELECT t.identity FROM resource t WHERE t.key = c.key AND t.type = ANY({writer.array(node.types)}) OFFSET 0"
    )
    query = (
        f"SELECT {row}.key FROM {targets} c "
        f"CROSS JOIN LATERAL ({identities(writer, identity, node.names, 'c.key')}) {target} "
        f"CROSS JOIN LATERAL ({referrers(writer, node.sources, f'{target}.identity', cut, names=node.names)}) {row}"
        f"{where(complete)} UNION ALL SELECT {row}.key FROM {targets} c CROSS JOIN LATERAL "
        f"({neighbours(writer, node.sources, 'c.key', nested=node.nested)}) {row}{where(['c.key < 0', *complete])}"
    )
    return Gathered(query, found.complete)


def _subjects(writer: Writer, node: Referring, limit: int | None) -> Gathered | None:
    """The keys of what refers, each with the subject that the index tells beside (NULL: it does not).

    None where another index leads there.
    """
    nodes = node.where.nodes
    lead = leads(nodes)[0]
    if not node.subject or not isinstance(lead, Leaf) or lead.form_name != ACTING:
        return None

    def rows(row: str, sought: str) -> str:
        cut = "OFFSET 0" if limit is None else f"LIMIT {limit + 1}"
        selected = f"{row}.resource_key AS key, {row}.subject"
        return f"SELECT {selected} FROM index_reference {row} WHERE {sought} ORDER BY {row}.resource_key {cut}"

    query = f"SELECT key, subject FROM ({for_each_value(writer, lead, rows, columns='key, subject')}) AS g"
    few = writer.table("few", query if limit is None else f"{query} LIMIT {limit + 1}")
    conditions = holds_all(writer, All(nodes=tuple(each for each in nodes if each is not lead)), "c.key")
    return Gathered(f"SELECT c.key, c.subject FROM {few} c{where(conditions)}", _complete(writer, few, limit))


def _gathered_by_referrer(writer: Writer, node: Referring, limit: int | None, types: str | None) -> Gathered:
    known = _subjects(writer, node, limit)
    found = known or gathered_all(writer, node.where.nodes, limit)
    referring = writer.table("referrers", found.query)
    row, target = writer.name("f"), writer.name("r")
    of_types = f" AND t.type = ANY({types})" if types else ""
    of_sources = f"t.source = ANY({writer.array(node.sources)}){leading(node.names)}"
    conditions = list(found.complete)
    targets = (
        f"SELECT DISTINCT {row}.target FROM {referring} c CROSS JOIN LATERAL "
        "(SELECT t.target FROM (SELECT * FROM index_reference t WHERE t.resource_key = c.key OFFSET 0) t "
        f"WHERE {of_sources} OFFSET 0) {row}"
    )
    if known:
        told = f"SELECT DISTINCT c.subject AS target FROM {referring} c"
        targets = (
            f"{told}{where(['c.subject IS NOT NULL', *conditions])} "
            f"UNION ALL {targets}{where(['c.subject IS NULL', *conditions])}"
        )
    else:
        targets += where(conditions)
    referred = f"SELECT t.key FROM resource t WHERE t.identity = d.target AND t.content IS NOT NULL{of_types} OFFSET 0"
    query = (
        f"SELECT {target}.key FROM ({targets}) d "
        f"CROSS JOIN LATERAL ({with_named(writer, referred, node.names, 'd.target')}) {target}"
    )
    return Gathered(query, found.complete)
