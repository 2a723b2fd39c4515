"""Contained resources among the matches of a search: https://hl7.org/fhir/R4/search.html#contained"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from service.fhir import codec
from service.store.contained import contained_position

if TYPE_CHECKING:
    from service.fhir.resource import Version
    from service.store.store import Found


def matched(found: Found) -> Version:
    """What a match is returned as: a contained resource alone, its id that of its container, ``#`` and its own."""
    version, position = found.version, contained_position(found.key)
    if position is None or version.content is None:
        return version
    inner = codec.decode(version.content)["contained"][position]
    return replace(version, id=f"{version.id}#{inner['id']}", content=codec.encode(inner))
