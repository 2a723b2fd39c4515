"""What goes with the resources of an $everything: those that they refer to and that help to read them.

They are followed from one to the next, such as from a PractitionerRole to its Practitioner and its Organization.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir import codec
from service.fhir.links import local_references
from service.fhir.outcome import failure

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

    from service.fhir.interaction import Context
    from service.fhir.resource import Version
    from service.interactions.parts import Parts
    from service.store.store import Session

DIRECTORY: Final = frozenset({"HealthcareService", "Location", "Organization", "Practitioner", "PractitionerRole"})
"""The types of the directory: who takes part in the care, and where."""

THINGS: Final = frozenset({"Device", "Medication"})
"""The types of things that resources about a patient name, and that are about no patient themselves."""


async def along_with(
    parts: Parts, session: Session, context: Context, contents: Iterable[bytes], types: Container[str]
) -> list[Version]:
    """The resources of the types that these lead to, as far as they are seen; FhirError too-costly for too many."""
    limits = parts.limits.search
    found: dict[tuple[str, str], Version] = {}
    asked: set[tuple[str, str]] = set()
    fresh = list(contents)
    for _ in range(limits.iterations):
        wanted = {each for content in fresh for each in _named(content, context.base, types)} - asked
        if not wanted:
            break
        asked |= wanted
        if len(asked) > limits.included:
            told = f"More than {limits.included} resources go with this page; ask for fewer at once by _count."
            raise failure("too-costly", told, "http._count")
        current = await session.current(sorted(wanted), lock=False)
        found |= {each: version for each, version in current.items() if version.content is not None}
        fresh = [version.content for version in current.values() if version.content is not None]
    return [found[each] for each in sorted(found)]


def _named(content: bytes, base: str, types: Container[str]) -> Iterator[tuple[str, str]]:
    return ((target.type, target.id) for _, target in local_references(codec.decode(content), base, types))
