"""The keys of contained resources: below zero, so that nothing else has them, and in the order of their containers.

A key holds that of the container and the number of the contained resource, counted from 1 in the order of
``contained``; of two containers the later one has the higher keys, and within one the first resource has the highest.
No table lists them: what the index has under such a key tells all of it (see `fhir.search.contained`).
"""

from __future__ import annotations

from typing import Final

_BITS: Final = 20
_ROOM: Final = 2**_BITS
_LOWEST: Final = -(2**63)
_OFFSET: Final = _LOWEST + _ROOM


def contained_key(container: int, number: int) -> int:
    """The key of the contained resource with the number."""
    return (container << _BITS) + _OFFSET - number


def container_key(key: int) -> int:
    """The key of the resource that is found with a key: its container, or itself."""
    return key if key >= 0 else (key - _LOWEST) >> _BITS


def contained_position(key: int) -> int | None:
    """The place in ``contained`` of what has the key, counted from 0; None for a resource of its own."""
    return None if key >= 0 else _ROOM - 1 - (key - _LOWEST) % _ROOM


def sql_contained_key(container: str, number: str) -> str:
    """`contained_key` of SQL expressions."""
    return f"(({container} << {_BITS}) - {-_OFFSET} - {number})"


def sql_container_key(key: str) -> str:
    """The container's key, of the SQL of a key below zero."""
    return f"(({key} & {2**63 - 1}) >> {_BITS})"


def sql_number(key: str) -> str:
    """The number of the contained resource, of the SQL of its key."""
    return f"({_ROOM} - ({key} & {_ROOM - 1}))"


def sql_is_contained_in(key: str, container: str) -> str:
    """Whether a key is that of something in the container: a range, which an index finds."""
    return f"({key} >= ({container} << {_BITS}) - {-_LOWEST - 1} - 1 AND {key} < ({container} << {_BITS}) - {-_OFFSET})"


def sql_place(number: str) -> str:
    """`contained.place_of` of the SQL of a number."""
    return f"lpad(to_hex({number}), 32, '0')::uuid"


def sql_is_place(target: str) -> str:
    """Whether a reference's target is a place, and neither nothing nor, but for one in 2**108, a digest."""
    return f"{target} > '{0:032x}' AND {target} < '{_ROOM:032x}'"


def sql_number_of_place(place: str) -> str:
    """The number of the contained resource that a reference's target, a place, is."""
    return f"('x' || right({place}::text, 8))::bit(32)::bigint"
