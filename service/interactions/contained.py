"""Contained resources among the matches of a search: https://hl7.org/fhir/R4/search.html#contained"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from service.fhir import codec
from service.store.contained import contained_position

if TYPE_CHECKING:
    from service.store.found import Found


def matched(found: Found) -> Found:
    """What a match is returned as: a contained resource alone, its id that of its container, ``#`` and its own."""
    position = contained_position(found.key)
    if position is None:
        return found
    inner = codec.decode(found.content)["contained"][position]
    return replace(found, id=f"{found.id}#{inner['id']}", content=codec.encode(inner))
