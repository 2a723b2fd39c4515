"""Whether one resource, known by its key, meets a criterion.

``OFFSET 0`` in a probe keeps it one: the few rows of one resource are read by its key and then compared, where a
semi-join could hash every active resource of the table. What is compared as a whole is probed in the index on the hash
of source and value, so that a resource without the value costs one look into an index.
"""

# ruff: noqa: S608 - texts are written from shapes; no value is ever part of one

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from msgspec.structs import replace

from service.fhir.reference import LOOSE
from service.store.contained import (
    sql_contained_key,
    sql_container_key,
    sql_is_contained_in,
    sql_is_place,
    sql_number,
    sql_number_of_place,
    sql_place,
)
from service.store.search.forms import ACTING, PLACES
from service.store.search.shape import (
    All,
    Containing,
    Excepted,
    Joined,
    Leaf,
    Linked,
    Negated,
    OneOf,
    Paired,
    Referring,
)

if TYPE_CHECKING:
    from service.store.search.shape import Node
    from service.store.search.writer import Writer


def holds_all(writer: Writer, where: All, key: str, *, among: str | None = None) -> list[str]:
    """The conditions on the resource whose key the enclosing select has as `key`."""
    return [holds(writer, node, key, among=among) for node in where.nodes]


def holds(writer: Writer, node: Node, key: str, *, among: str | None = None) -> str:
    """One condition on the resource with the key; `among`: a table of the writer that has all keys that are asked."""
    match node:
        case Leaf():
            # what is asked of one resource, the index on the hash answers whoever is referred to
            leaf = replace(node, form_name="reference") if node.form_name == ACTING else node
            return _leaf(writer, leaf, key, among)
        case Paired(parts=parts):
            return " AND ".join(holds(writer, each, key, among=among) for each in parts)
        case Joined():
            return _joined(writer, node, key)
        case Linked():
            return _linked(writer, node, key)
        case Referring():
            return _referring(writer, node, key)
        case Containing():
            return _containing(writer, node, key)
        case OneOf(nodes=nodes):
            return f"({' OR '.join(holds(writer, each, key, among=among) for each in nodes)})" if nodes else "false"
        case Negated(node=inner):
            return f"NOT {holds(writer, inner, key, among=among)}"
        case Excepted():
            return _excepted(writer, node, key)
    assert_never(node)


def rows_of(leaf: Leaf, key: str) -> str:
    """The rows that the leaf's table has for the resource."""
    form = leaf.form
    return f"(SELECT * FROM {form.table} t WHERE t.{form.key} = {key} OFFSET 0)"


def passes_any(writer: Writer, leaf: Leaf, row: str) -> str:
    """The row is of one of the sources and passes with one of the values."""
    conditions = [of_source(writer, leaf, row)] if leaf.sources is not None else []
    return " AND ".join([*conditions, _passes(writer, leaf, row) if leaf.values else leaf.form.passes_with(row, ())])


def of_source(writer: Writer, leaf: Leaf, row: str) -> str:
    """The row is of one of the sources."""
    sources = leaf.sources or 0
    return f"{row}.source = {f'ANY({writer.array(sources)})' if leaf.spread else writer.only(sources)}"


def _passes(writer: Writer, leaf: Leaf, row: str) -> str:
    if not leaf.several:
        return f"({leaf.form.passes_with(row, [writer.only(each) for each in leaf.values])})"
    arrays = [writer.array(each) for each in leaf.values]
    if leaf.many and leaf.form.equal:
        columns = ", ".join(f"{row}.{column}" for column in leaf.form.equal)
        return f"(({columns}) IN (SELECT * FROM unnest({', '.join(arrays)}))) IS TRUE"
    if len(arrays) == 1:
        return (
            leaf.form.passes_with(row, [f"ANY({arrays[0]})"])
            if _takes_any(leaf)
            else _exists(writer, leaf, row, arrays)
        )
    return _exists(writer, leaf, row, arrays)


def _takes_any(leaf: Leaf) -> bool:
    """Whether the one value stands on the right of an equality, where ANY may stand."""
    return bool(leaf.form.equal) or leaf.form.passes.startswith(
        ("{t}.code = {a}", "{t}.system = {a}", "{t}.target_type")
    )


def _exists(writer: Writer, leaf: Leaf, row: str, arrays: list[str]) -> str:
    name = writer.name("v")
    columns = PLACES[: len(arrays)]
    passes = leaf.form.passes_with(row, [f"{name}.{column}" for column in columns])
    return f"EXISTS (SELECT FROM unnest({', '.join(arrays)}) {name}({', '.join(columns)}) WHERE {passes})"


def _leaf(writer: Writer, leaf: Leaf, key: str, among: str | None) -> str:
    row = writer.name()
    if leaf.form.hashed is None or leaf.many or leaf.sources is None:
        return f"EXISTS (SELECT FROM {rows_of(leaf, key)} {row} WHERE {passes_any(writer, leaf, row)})"
    # the keys of what is gathered lie next to each other in the index: one walk takes them all
    together = among is not None and leaf.own is None
    keys = f"ANY(ARRAY(SELECT key FROM {among}))" if together else key
    if leaf.own is None and not (leaf.several or leaf.spread):
        found = f"{leaf.form.table} {row} WHERE {_one_pair(writer, leaf, row, keys)} OFFSET 0"
    else:
        rows = _rows_by_hash(leaf, keys)
        found = f"{_hashes(writer, leaf)} CROSS JOIN LATERAL ({rows}) {row} WHERE {passes_any(writer, leaf, row)}"
    # IS TRUE keeps it from being joined in an order of the planner's
    return (
        f"({key} IN (SELECT {row}.resource_key FROM {found})) IS TRUE" if together else f"EXISTS (SELECT FROM {found})"
    )


def _one_pair(writer: Writer, leaf: Leaf, row: str, keys: str) -> str:
    """The row is the resource's, of the only source and with the only value; most criteria have no more."""
    source = writer.only(leaf.sources or 0)
    values = [writer.only(each) for each in leaf.values]
    return f"{leaf.form.found_with(row, values, source)} AND {row}.source = {source} AND {row}.resource_key = {keys}"


def _hashes(writer: Writer, leaf: Leaf) -> str:
    """The hashes of every source with every value as ``h(v)``, computed once; those of contained ones beside them."""
    if leaf.form.hashed is None or leaf.sources is None:
        raise TypeError(f"{leaf.form_name} is not looked up by a hash")
    name, _, place = leaf.form.hashed
    values, sources = writer.array(leaf.values[place]), writer.array(leaf.sources if leaf.own is None else leaf.own)
    pairs = f"FROM unnest({values}) w(v), unnest({sources}) s(v)"
    own = f"ARRAY(SELECT {name}(w.v, s.v) {pairs})"
    return (
        f"unnest({own}) h(v)" if leaf.own is None else f"unnest({own}, ARRAY(SELECT {name}(w.v, ~s.v) {pairs})) h(v, i)"
    )


def _rows_by_hash(leaf: Leaf, key: str) -> str:
    if leaf.form.hashed is None:
        raise TypeError(f"{leaf.form_name} is not looked up by a hash")
    name, column, _ = leaf.form.hashed
    found = "h.v" if leaf.own is None else f"CASE WHEN {key} < 0 THEN h.i ELSE h.v END"
    return (
        f"SELECT * FROM {leaf.form.table} t "
        f"WHERE {name}(t.{column}, t.source) = {found} AND t.resource_key = {key} OFFSET 0"
    )


def _joined(writer: Writer, node: Joined, key: str) -> str:
    """Rows of the resource, one for each part, that agree in the element and pass with values of one place."""
    values = writer.name("v")
    arrays, columns, tables, conditions = [], [], [], []
    first = ""
    several = any(part.several for part in node.parts)
    for part in node.parts:
        row = writer.name()
        names = [f"{row}{place}" for place in PLACES[: len(part.values)]]
        arrays += [writer.array(each) for each in part.values]
        columns += names
        tables.append(f"{rows_of(part, key)} {row}")
        if part.sources is not None:
            conditions.append(of_source(writer, part, row))
        given = [f"{values}.{name}" for name in names] if several else [writer.only(each) for each in part.values]
        conditions.append(part.form.passes_with(row, given))
        if first:
            conditions.append(f"{row}.element = {first}.element")
        first = first or row
    if several:
        tables.insert(0, f"unnest({', '.join(arrays)}) {values}({', '.join(columns)})")
    return f"EXISTS (SELECT FROM {', '.join(tables)} WHERE {' AND '.join(conditions)} OFFSET 0)"


def _linked(writer: Writer, node: Linked, key: str) -> str:
    reference, target = writer.name("f"), writer.name("r")
    conditions = holds_all(writer, node.where, f"{target}.key")
    return (
        "EXISTS (SELECT FROM (SELECT t.target, t.target_type "
        f"FROM (SELECT * FROM index_reference t WHERE t.resource_key = {key} OFFSET 0) t "
        f"WHERE t.source = ANY({writer.array(node.sources)}){leading(node.names)} OFFSET 0) {reference} "
        f"CROSS JOIN LATERAL ({_targets(writer, node, reference, key)}) {target}"
        f"{where([f'{target}.key IS NOT NULL', *conditions])} OFFSET 0)"
    )


def _targets(writer: Writer, node: Linked, reference: str, key: str) -> str:
    """The keys of what a reference of the resource leads to, or NULL; a place leads to what is contained beside it."""
    container = f"CASE WHEN {key} < 0 THEN {sql_container_key(key)} ELSE {key} END" if node.nested else key
    contained = sql_contained_key(container, sql_number_of_place(f"{reference}.target"))
    inside, of_type = sql_is_place(f"{reference}.target"), f"{reference}.target_type = ANY({writer.array(node.codes)})"
    resource = (
        f"SELECT t.key FROM resource t WHERE t.identity = {reference}.target "
        f"AND t.type = ANY({writer.array(node.types)}) AND t.content IS NOT NULL"
    )
    if node.names is None:
        contained = f"CASE WHEN {of_type} THEN {contained} END"
        return f"SELECT CASE WHEN {inside} THEN {contained} ELSE ({resource}) END AS key OFFSET 0"
    found = with_named(writer, f"{resource} OFFSET 0", node.names, f"{reference}.target")
    return f"{found} UNION ALL (SELECT {contained} WHERE {inside} AND {of_type})"


def _referring(writer: Writer, node: Referring, key: str) -> str:
    referrer = writer.name("f")
    conditions = holds_all(writer, node.where, f"{referrer}.key")
    return (
        "EXISTS (SELECT FROM "
        f"({identities(writer, f'SELECT t.identity FROM resource t WHERE t.key = {key} OFFSET 0', node.names, key)}) i "
        f"CROSS JOIN LATERAL ({referrers(writer, node.sources, 'i.identity', names=node.names)}) {referrer}"
        f"{where(conditions)} OFFSET 0)"
    )


def _containing(writer: Writer, node: Containing, key: str) -> str:
    source, inner = writer.name("s"), writer.name("r")
    nothing = f"'{0:032x}'::uuid"
    return (
        f"EXISTS (SELECT FROM unnest({writer.array(node.kinds.sources or 0)}) {source}(v) CROSS JOIN LATERAL "
        "(SELECT t.resource_key AS key FROM index_reference t "
        f"WHERE uuid_hash_extended(t.target, t.source) = uuid_hash_extended({nothing}, {source}.v) "
        f"AND t.target = {nothing} AND t.source = {source}.v AND {sql_is_contained_in('t.resource_key', key)} OFFSET 0"
        f") {inner}{where(holds_all(writer, node.where, f'{inner}.key'))} OFFSET 0)"
    )


def _excepted(writer: Writer, node: Excepted, key: str) -> str:
    conditions = [f"{key} < 0"] if node.contained else []
    if node.types is not None:
        types = writer.array(node.types)
        conditions.append(f"EXISTS (SELECT FROM resource t WHERE t.key = {key} AND t.type = ANY({types}) OFFSET 0)")
    return f"({' OR '.join(conditions)})"


def leading(names: int | None) -> str:
    """The condition on rows of references that they lead to what they name, where canonicals are among them."""
    return "" if names is None else f" AND t.target_type <> {LOOSE}"


def with_named(writer: Writer, targets: str, names: int | None, target: str) -> str:
    """The keys of targets, and of the resources whose canonical URL a target is."""
    return targets if names is None else f"({targets}) UNION ALL ({referrers(writer, names, target)})"


def identities(writer: Writer, identity: str, names: int | None, key: str) -> str:
    """What a resource is referred to by: its identity, and its canonical URLs."""
    if names is None:
        return identity
    return (
        f"({identity}) UNION ALL (SELECT t.target FROM (SELECT * FROM index_reference t "
        f"WHERE t.resource_key = {key} OFFSET 0) t WHERE t.source = ANY({writer.array(names)}) OFFSET 0)"
    )


def referrers(writer: Writer, sources: int, identity: str, more: str = "OFFSET 0", *, names: int | None = None) -> str:
    """The keys of the resources that refer to an identity from one of the sources.

    With `names`, that of canonical URLs, they may refer by such a one.
    """
    source, found = writer.name("s"), writer.name()
    return (
        f"SELECT {found}.key FROM unnest({writer.array(sources)}) {source}(v) CROSS JOIN LATERAL "
        f"(SELECT t.resource_key AS key FROM index_reference t "
        f"WHERE uuid_hash_extended(t.target, t.source) = uuid_hash_extended({identity}, {source}.v) "
        f"AND t.target = {identity} AND t.source = {source}.v{leading(names)} {more}) {found}"
    )


def neighbours(writer: Writer, sources: int, key: str, *, nested: bool) -> str:
    """The keys of what refers to a contained resource: its container, and where `nested` others that this contains."""
    container, place = sql_container_key(key), sql_place(sql_number(key))
    found = [f"t.resource_key = {container}", *([sql_is_contained_in("t.resource_key", container)] if nested else ())]
    source = writer.name("s")
    return " UNION ALL ".join(
        f"SELECT n.key FROM unnest({writer.array(sources)}) {source}(v) CROSS JOIN LATERAL "
        "(SELECT t.resource_key AS key FROM index_reference t "
        f"WHERE uuid_hash_extended(t.target, t.source) = uuid_hash_extended({place}, {source}.v) "
        f"AND t.target = {place} AND t.source = {source}.v AND {each} OFFSET 0) n"
        for each in found
    )


def with_resource(key: str) -> str:
    """A join with the resource ``r`` that has the key and is no tombstone: looked up, however many there may be."""
    return with_row(f"r.key = {key}")


def with_row(condition: str) -> str:
    """The same with the resource that a condition on its row singles out."""
    return f"CROSS JOIN LATERAL (SELECT * FROM resource r WHERE {condition} AND r.content IS NOT NULL OFFSET 0) r"


def where(conditions: list[str]) -> str:
    """A WHERE of the conditions, nothing for none."""
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""
