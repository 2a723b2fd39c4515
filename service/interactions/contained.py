"""Contained resources among the matches of a search: https://hl7.org/fhir/R4/search.html#contained"""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.fhir import codec
from service.store.contained import contained_position

if TYPE_CHECKING:
    from service.store.found import Found


def matched(found: Found) -> tuple[str, bytes]:
    """What a match is returned as, with its address: a contained resource alone, behind its container, ``#`` its id."""
    position = contained_position(found.key)
    if position is None:
        return f"{found.type}/{found.id}", found.content
    inner = codec.decode(found.content)["contained"][position]
    return f"{found.type}/{found.id}#{inner['id']}", codec.encode(inner)
