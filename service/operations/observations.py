"""What the operations on Observations share: those that a search finds within what the caller may see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.outcome import failure
from service.fhir.search.parse import parse_search
from service.interactions.codes import with_codes
from service.interactions.permission import permitted

if TYPE_CHECKING:
    from service.fhir.interaction import Context, Operation, Parameters
    from service.interactions.parts import Parts
    from service.store.found import Found

OBSERVATION: Final = "Observation"
MOST_FOUND: Final = 2_000
"""Observations that an operation looks at."""

NO_OBSERVATIONS: Final = (("status:not", "entered-in-error"), ("status:not", "cancelled"))
"""Criteria that leave out what was never observed."""


def on_observations(operation: Operation) -> None:
    """FhirError operation-unknown elsewhere than on the type."""
    if operation.type != OBSERVATION or operation.id is not None:
        raise failure("operation-unknown", f"${operation.name} works on the type {OBSERVATION}.")


async def observations(parts: Parts, context: Context, criteria: Parameters) -> list[Found]:
    """All matches of a search; FhirError where it is wrong, too-costly where they are too many."""
    parsed = parse_search(
        parts.registry,
        OBSERVATION,
        criteria,
        base=context.base,
        zone=parts.zone,
        now=context.received_at,
        limits=parts.limits.search,
    )
    async with parts.store.session() as session:
        query = await with_codes(parts, session, context, permitted(parts, context, parsed))
        found = await session.search(query, limit=MOST_FOUND + 1)
    if len(found) > MOST_FOUND:
        text = f"More than {MOST_FOUND} observations match; ask for fewer codes, or for a part of the time."
        raise failure("too-costly", text)
    return found
