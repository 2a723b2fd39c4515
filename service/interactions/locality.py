"""Whether the index rows of a resource depend on the base URL, for commands that may not know it.

A reference that is absolute on the service's own base is indexed as local, any other by its text. The service takes the
base from the requests where BASE_URL is not set; a command has no requests, and would index such a reference wrongly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.links import every_reference
from service.fhir.reference import possible_base

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.fhir.resource import Content
    from service.interactions.parts import Parts

BASE_MISSING: Final = (
    "an absolute reference that is local if it begins with the service's own base; "
    "name the base by BASE_URL or --base-url, as clients see it"
)
"""What is wrong with a resource that cannot be indexed without a base."""


def possible_bases(parts: Parts, content: Content) -> set[str]:
    """The bases that some absolute reference of valid content would be local on."""
    return {base for text in _texts(content) if (base := possible_base(text, parts.definitions.all_type_names))}


def depends_on_base(parts: Parts, content: Content) -> bool:
    """Whether there is a base with which valid content has other index rows than without one."""
    bases = possible_bases(parts, content)
    if not bases:
        return False
    if parts.limits.referential_integrity and any(
        possible_base(reference, parts.definitions.resource_types) for _, reference in every_reference(content)
    ):
        return True
    without = _rows(parts, content, "")
    return any(_rows(parts, content, base) != without for base in bases)


def _rows(parts: Parts, content: Content, base: str) -> dict[Any, set[tuple[Any, ...]]]:
    rows = parts.extractor.rows(content["resourceType"], content, base)
    return {kind: set(each) for kind, each in rows.items()}


def _texts(value: Any) -> Iterator[str]:
    """Every text of a content."""
    if type(value) is str:
        yield value
    elif type(value) is dict:
        for inner in value.values():
            yield from _texts(inner)
    elif type(value) is list:
        for inner in value:
            yield from _texts(inner)
