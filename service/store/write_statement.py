"""The one statement that writes changes: versions, history and index rows, whatever their number.

Round trips are the price of a write, so a create is a single autocommitted statement and a transaction Bundle of any
size adds one. The text depends only on the *shape* of the changes: one or many, whether any is a first version, whether
any supersedes one, and which index tables are written. It is SQL, not SQLAlchemy expressions: a chain of data-modifying
CTEs is far easier to read as what it is.

All changes or none, though the statement commits by itself: first it sees whether it may go on, and everything that it
inserts or updates depends on that. It may not when a version to supersede is no longer the latest one, nor when others
made something since criteria were found to match nothing: each such criteria has a *claim*, a row that counts how often
something was made for want of a match. Whoever makes something raises the count that was seen together with the empty
match; of two that saw the same count one waits for the other, and then finds it changed.

One change has a text of its own, with plain values in place of arrays and joins: it takes a fifth less time, and it is
what most requests write. It also leaves index tables alone whose rows stay the same.

Where changes with as many index rows come again and again, as from one system they do, the rows are spelled out, which
takes a sixth less of a create; others pass them as arrays, whatever their number, so that rare texts need not be
planned. Of several changes only those of transactions that look for what is there are, with their versions: referrals
for the most part. Of each element of an array the driver looks whether it is an array itself; so columns in which all
rows of several changes have the default are left out.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import chain, count
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from service.fhir.search.contained import CONTAINED_KINDS
from service.fhir.sight import SEEN
from service.store.change import EVERY_KIND
from service.store.likeness import likeness_of
from service.store.stored_content import head_of, stored
from service.store.tables import INDEX_TABLES
from service.store.write_text import TABLES, Shape, write_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from service.fhir.search.contained import RowsName
    from service.fhir.sight import SeenName
    from service.store.change import Change

_OWN_TABLES: Final = {kind: TABLES[kind] for kind in (*INDEX_TABLES, SEEN)}
"""Those of resources themselves, and not of what they contain."""

_OF_RESOURCES: Final = frozenset(_OWN_TABLES)
_RARE: Final[Mapping[RowsName | SeenName, tuple[str, ...]]] = {
    "token": ("element", "pair", "pair_at"),
    "reference": ("element", "subject"),
    **{kind: ("element",) for kind in INDEX_TABLES if kind not in {"token", "reference"}},
}
"""Columns that most rows have the default in: 0, or NULL."""
_PLACES: Final = {
    (kind, name): [column.name for column in TABLES[kind].columns].index(name)
    for kind, names in _RARE.items()
    for name in names
}
"""Where they stand behind the number of the change."""

_OFTEN: Final = 8
"""How often as many index rows have to come before they are spelled out."""

_MOST_SPELLED: Final = 192
"""Index rows; more would make texts, and plans, that are too long to keep many of."""


def write_statement(
    changes: Sequence[Change],
    claims: Mapping[int, int] | None = None,
    *,
    hoping: Collection[int] = (),
    numbered: bool = False,
) -> tuple[str, list[Any]]:
    """The text and the arguments that write `changes`; the statement returns how many resources it wrote, or 0.

    `claims` maps the keys of criteria that matched nothing to the generations that were seen (0: none). `hoping` are
    those of criteria that were not looked for, for `match.unless_matched`; `numbered`: what is written is, from 1.
    """
    if len(changes) == 1 and not claims and not hoping and not numbered:
        return _single(changes[0])
    inner = {kind for change in changes for kind in (*change.rows, *change.stale) if kind in CONTAINED_KINDS}
    kinds = [kind for kind in (TABLES if inner else _OWN_TABLES) if any(change.rows.get(kind) for change in changes)]
    supersedes = any(change.version.version_id > 1 for change in changes)
    shape = Shape(
        single=False,
        inserts=any(change.version.version_id == 1 for change in changes),
        supersedes=supersedes,
        indexed=frozenset(kinds),
        cleared=EVERY_KIND | inner if supersedes else frozenset(),
        claims=bool(claims or hoping),
        unless_matched=bool(hoping),
    )
    values = [(change.identity, *_values(change)) for change in changes]
    arguments: list[Any] = [list(claims), list(claims.values())] if claims else [list(hoping)] if hoping else []
    if shape.claims and (spelled := _spelled(shape, kinds, changes)):
        arguments.extend(chain.from_iterable(values))
        _spell_out(arguments, kinds, changes)
        return write_text(spelled), arguments
    arguments.extend(list(column) for column in zip(*values, strict=True))
    left = frozenset([each for kind in kinds for each in _add_arrays(arguments, kind, changes)])
    return write_text(replace(shape, left=left) if left else shape), arguments


def _add_arrays(
    arguments: list[Any], kind: RowsName | SeenName, changes: Sequence[Change]
) -> list[tuple[RowsName | SeenName, str]]:
    """Add the columns of a kind, the numbers of the changes first; those that are left out.

    In the order of the resources: a search that looks at one of them finds its rows on one page.
    """
    rows = [(number, *row) for number, change in enumerate(changes, start=1) for row in change.rows.get(kind, ())]
    columns = [list(column) for column in zip(*rows, strict=True)]
    left = [(kind, name) for name in _RARE.get(kind, ()) if not any(columns[_PLACES[kind, name]])]
    for each in reversed(left):
        del columns[_PLACES[each]]
    arguments.extend(columns)
    return left


def _single(change: Change) -> tuple[str, list[Any]]:
    supersedes = change.version.version_id > 1
    known = _OWN_TABLES if CONTAINED_KINDS.isdisjoint(change.rows) else TABLES
    kinds = [kind for kind in known if change.rows.get(kind) and (kind in change.stale or not supersedes)]
    shape = Shape(
        single=True,
        inserts=not supersedes,
        supersedes=supersedes,
        indexed=frozenset(kinds),
        cleared=change.stale if supersedes else frozenset(),
    )
    arguments: list[Any] = [change.identity, *_values(change)]
    if spelled := _spelled(shape, kinds, [change]):
        _spell_out(arguments, kinds, [change])
        return write_text(spelled), arguments
    for kind in kinds:
        arguments.extend(list(column) for column in zip(*change.rows[kind], strict=True))
    return write_text(shape), arguments


def _spelled(shape: Shape, kinds: Sequence[RowsName | SeenName], changes: Sequence[Change]) -> Shape | None:
    """The shape with the index rows spelled out, None where that does not pay."""
    if not shape.indexed or not shape.indexed <= _OF_RESOURCES:
        return None
    counts = tuple([tuple([len(change.rows.get(kind, ())) for change in changes]) for kind in kinds])
    if sum(map(sum, counts)) > _MOST_SPELLED:
        return None
    spelled = replace(shape, spelled=counts)
    return spelled if next(_uses(spelled)) > _OFTEN else None


def _spell_out(arguments: list[Any], kinds: Sequence[RowsName | SeenName], changes: Sequence[Change]) -> None:
    for kind in kinds:
        for change in changes:
            for row in change.rows.get(kind, ()):
                arguments.extend(row)


@lru_cache(maxsize=256)
def _uses(_shape: Shape) -> Iterator[int]:
    """Counts how often a shape came lately."""
    return count(1)


def _values(change: Change) -> tuple[Any, ...]:
    """A version as the columns after `identity`."""
    version, content = change.version, change.version.content
    if content is not None:
        head = head_of(version.type, version.id, version.version_id, version.last_updated)
        content = stored(content, head)
    likeness = likeness_of(version.type, change.rows)
    return (version.last_updated, version.version_id, version.type, version.id, version.method, content, likeness)
