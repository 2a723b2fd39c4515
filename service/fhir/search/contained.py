"""Contained resources as the index knows them: https://hl7.org/fhir/R4/search.html#contained

Their values stand in the index tables beside those of other resources, under keys of their own and under other source
numbers, so that a search that is not about them never meets them. What is not contained in anything has no such rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal
from uuid import UUID

from service.fhir.outcome import failure
from service.fhir.reference import type_code
from service.fhir.search.parameter import IndexName, source_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from service.fhir.resource import Content
ContainedName = Literal[
    "contained_token",
    "contained_reference",
    "contained_string",
    "contained_text",
    "contained_date",
    "contained_uri",
    "contained_quantity",
]
"""The rows that an index table has for contained resources, apart from those of their container."""

RowsName = IndexName | ContainedName
"""Rows of a resource that are written, or left alone, together."""

CONTAINED: Final[Mapping[RowsName, ContainedName]] = {
    "token": "contained_token",
    "reference": "contained_reference",
    "string": "contained_string",
    "text": "contained_text",
    "date": "contained_date",
    "uri": "contained_uri",
    "quantity": "contained_quantity",
}
"""Index table → the name of its rows for contained resources; they begin with the number of the contained resource."""

CONTAINED_KINDS: Final[frozenset[RowsName]] = frozenset(CONTAINED.values())
"""All of these names."""

MOST: Final = 2**20 - 1
"""The highest number of a contained resource; they are counted from 1, in the order of ``contained``."""

NO_PLACES: Final[Mapping[str, tuple[int, UUID]]] = {}


def inner_number(source: int) -> int:
    """The number under which contained resources have the values of a source; it undoes itself."""
    return ~source


def contained_number(resource_type: str) -> int:
    """The number of the references that say what is contained of a type: each to nothing, and to its own identity.

    The identity is that of ``Type/id`` with the id that it has within its container.
    """
    return source_number(resource_type, "reference", "contained")


def container_number(resource_type: str) -> int:
    """The number of the reference, to nothing, that says which resources contain something of a type."""
    return source_number(resource_type, "reference", "container")


def place_of(number: int) -> UUID:
    """The target of a reference to the contained resource with the number, within the same container."""
    return UUID(int=number)


def places(contained: Sequence[Content]) -> Mapping[str, tuple[int, UUID]]:
    """Local id → number of the type and place of each contained resource; FhirError too-costly for too many."""
    if len(contained) > MOST:
        raise failure("too-costly", f"A resource contains at most {MOST:,} others.", "DomainResource.contained")
    numbered = enumerate(contained, start=1)
    return {str(each.get("id")): (type_code(each["resourceType"]), place_of(number)) for number, each in numbered}
