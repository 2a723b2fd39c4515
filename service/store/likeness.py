"""Which resources are alike: those of one type that have values for the same search parameters.

What a resource has no value for is in no index. But of the resources of one type there are few kinds by what they have
values for, so the resource itself says of which kind it is: its *likeness* is a hash of its type, of the sources that
it has index rows from, of the types that its references point at, and of which quantities have lower ends. Resources
that are alike meet ``:missing`` alike, and have a value to be sorted by or have not, so one of each kind answers for
all of them, and an index on (likeness, key) walks them in the order of their keys.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from service.fhir.reference import type_code
from service.store.tables import INDEX_TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

UNKNOWN: Final = 0
"""The likeness of what was stored before there was any; a reindex finds it out."""

_HASH_BITS: Final = 48
_LOW, _CANONICAL_LOW = 2, 8
"""Where the lower ends stand in the rows of quantities."""
_SOURCE: Final = itemgetter(0)
_SOURCE_AND_TYPE: Final = itemgetter(0, 2)
_BY_SOURCE: Final = frozenset(INDEX_TABLES) - {"text"}
"""Of a code's text nobody asks whether there is one."""
SPAN: Final = (1 << _HASH_BITS) - 1
"""From the least likeness of a type to the greatest."""


@lru_cache(maxsize=256)
def least_likeness(resource_type: str) -> int:
    """The least likeness that resources of the type can have, a signed 64-bit number."""
    return type_code(resource_type) << _HASH_BITS


def likeness_of(resource_type: str, rows: Mapping[Any, Sequence[tuple[Any, ...]]]) -> int:
    """The likeness of a resource of a type with these index rows, never `UNKNOWN`; the rows begin with their source."""
    marks: set[Any] = set()
    for kind, found in rows.items():
        if kind == "reference":
            marks.update(map(_SOURCE_AND_TYPE, found))
        elif kind == "quantity":
            marks.update([(row[0], row[_LOW] is None, row[_CANONICAL_LOW] is None) for row in found])
        elif kind in _BY_SOURCE:
            marks.update(map(_SOURCE, found))
    return _numbered(resource_type, frozenset(marks))


@lru_cache(maxsize=4096)
def _numbered(resource_type: str, marks: frozenset[Any]) -> int:
    digest = blake2b(repr(sorted(map(repr, marks))).encode(), digest_size=_HASH_BITS // 8).digest()
    return least_likeness(resource_type) + int.from_bytes(digest)
