"""What is returned with the matches of a search: _include and _revinclude, https://hl7.org/fhir/R4/search.html#revinclude

Step by step: the first step leads from the matches to what they refer to and what refers to them; each further one, for
``:iterate``, from what the step before found for the first time. A step finds no more than is returned at all, and
where the steps before it have found as much, there is none: looking up what refers to a thousand resources, from every
source, takes a second.
"""

# ruff: noqa: S608 - texts are written from shapes; no value is ever part of one

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from service.fhir.search.query import ANY_TYPE
from service.store.search.kept import kept
from service.store.search.probe import identities, leading, referrers, with_named, with_row
from service.store.search.writer import Writer
from service.store.sight import OPEN, shows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from service.fhir.search.query import Include


class _Step(Struct, frozen=True):
    """An include without its values; each of the positions is None where nothing is demanded.

    `names` is that of the numbers of canonical URLs, None where no canonical refers.
    """

    reverse: bool
    iterate: bool
    sources: int
    from_type: int | None
    to_type: int | None
    names: int | None


def included_text(
    includes: tuple[Include, ...],
    references: tuple[int, ...],
    depth: int,
    columns: str,
    by: Sequence[UUID] | None = None,
    types: Sequence[str] | None = None,
) -> tuple[str, list[Any]]:
    """The text and the arguments after the keys of the matches and the limit.

    `by` are the organisations one of which has to see what is included, None: nothing is hidden; `types` are those of
    which it has to be, None: any.
    """
    arguments: list[Any] = []

    def position(value: Any) -> int:
        arguments.append(value)
        return len(arguments) + 2

    steps = tuple(_step(each, references, position) for each in includes)
    seen = None if by is None else (position(list(by)), position(OPEN))
    return _text(steps, depth, columns, seen, None if types is None else position(list(types))), arguments


def _step(include: Include, references: Sequence[int], position: Any) -> _Step:
    parameter = include.parameter
    source_type = None if include.source_type == ANY_TYPE else include.source_type
    target_type = include.target_type or (parameter.restricted_to if parameter else None)
    if parameter is not None:
        sources = position(list(parameter.source_numbers))
        source_type = None
    else:
        sources = position(list(include.sources or references))
    ends = (target_type, source_type) if include.reverse else (source_type, target_type)
    from_type, to_type = (None if each is None else position(each) for each in ends)
    names = position(list(include.named)) if include.named else None
    return _Step(include.reverse, include.iterate, sources, from_type, to_type, names)


@kept
def _text(steps: tuple[_Step, ...], depth: int, columns: str, seen: tuple[int, int] | None, types: int | None) -> str:
    writer = Writer(lambda number: f"${number}::integer[]")
    # who is followed forwards by an identity has been looked at in the table: a second look needs no index
    placed = all(not each.reverse and each.names is None for each in steps)
    chosen, row = (("key", "place"), "r.ctid = i.place") if placed else (("key",), "r.key = i.key")
    found = ["matched AS MATERIALIZED (SELECT key FROM unnest($1::bigint[]) AS m(key))"]
    included: list[str] = []
    before = "matched"
    shown = [] if types is None else [f"k.type = ANY(${types}::text[])"]
    if seen is not None:
        shown.append(shows("k", *(f"${number}" for number in seen)))
    for level in range(1, depth + 1):
        taken = [each for each in steps if level == 1 or each.iterate]
        if not taken:
            break
        name = f"step_{level}"
        known = " UNION ALL ".join(["SELECT key FROM matched", *included])
        new = partial(_is_new, known, shown)
        branches = " UNION ALL ".join(f"({_branch(writer, each, before, chosen, new)})" for each in taken)
        wanted = f" WHERE (SELECT count(*) FROM ({' UNION ALL '.join(included)}) n) < $2::bigint" if included else ""
        found.append(
            f"{name} AS MATERIALIZED "
            f"(SELECT DISTINCT {', '.join(chosen)} FROM ({branches}) AS s{wanted} LIMIT $2::bigint)"
        )
        included.append(f"SELECT key FROM {name}")
        before = name
    levels = " UNION ALL ".join(f"SELECT *, {level} AS level FROM step_{level}" for level in range(1, len(found)))
    return (
        f"WITH {', '.join(found)} SELECT {columns}, i.level FROM ({levels}) AS i {with_row(row)} "
        "ORDER BY i.level, r.key LIMIT $2::bigint"
    )


def _is_new(known: str, shown: list[str], key: str) -> str:
    """The conditions on a key that it is none of those `known`, and that its resource, ``k``, may be shown."""
    new = f"({key} IN ({known})) IS NOT TRUE"
    probe = f"SELECT FROM resource k WHERE {' AND '.join([f'k.key = {key}', *shown])} OFFSET 0"
    return f"{new} AND EXISTS ({probe})" if shown else new


def _branch(writer: Writer, step: _Step, before: str, chosen: tuple[str, ...], new: Callable[[str], str]) -> str:
    """The keys that one include leads to from those of a table, as far as they meet the conditions `new`.

    Forwards the place of the row may be chosen, too.
    """
    return _referring(writer, step, before, new) if step.reverse else _referred(writer, step, before, chosen, new)


def _of_type(position: int | None) -> str:
    return "" if position is None else f" AND t.type = ${position}::text"


def _referring(writer: Writer, step: _Step, before: str, new: Callable[[str], str]) -> str:
    identity = f"SELECT t.identity FROM resource t WHERE t.key = b.key{_of_type(step.from_type)} OFFSET 0"
    identity = identities(writer, identity, step.names, "b.key")
    base = f"SELECT b.key, r.identity FROM {before} b CROSS JOIN LATERAL ({identity}) r"
    # only what counts may use the limit up: what is hidden or known already would keep the rest from being found
    taken = f"AND {new('t.resource_key')} LIMIT $2::bigint"
    referring = referrers(writer, step.sources, "b.identity", taken, names=step.names)
    narrowed = f" JOIN resource t ON t.key = f.key{_of_type(step.to_type)}" if step.to_type is not None else ""
    return f"SELECT f.key FROM ({base}) AS b CROSS JOIN LATERAL ({referring}) f{narrowed}"


def _referred(writer: Writer, step: _Step, before: str, chosen: tuple[str, ...], new: Callable[[str], str]) -> str:
    base = f"{before} b"
    if step.from_type is not None:
        base += f" CROSS JOIN LATERAL (SELECT FROM resource t WHERE t.key = b.key{_of_type(step.from_type)} OFFSET 0) o"
    references = (
        "SELECT t.target FROM (SELECT * FROM index_reference t WHERE t.resource_key = b.key OFFSET 0) t "
        f"WHERE t.source = ANY({writer.array(step.sources)}){leading(step.names)}"
    )
    targets = (
        f"SELECT t.key{', t.ctid AS place' if step.names is None else ''} FROM resource t "
        f"WHERE t.identity = f.target AND t.content IS NOT NULL{_of_type(step.to_type)} OFFSET 0"
    )
    selected = ", ".join(f"r.{each}" for each in chosen)
    return (
        f"SELECT {selected} FROM {base} CROSS JOIN LATERAL ({references}) f "
        f"CROSS JOIN LATERAL ({with_named(writer, targets, step.names, 'f.target')}) r WHERE {new('r.key')}"
    )
