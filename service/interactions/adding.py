"""What the service itself writes, because its rules say so and not because somebody asked for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.interactions import sight
from service.interactions.ruling import with_additions

if TYPE_CHECKING:
    from service.fhir.interaction import Context
    from service.interactions.parts import Parts
    from service.interactions.rules import Ruling
    from service.store.store import Session


async def add(parts: Parts, context: Context, session: Session, ruling: Ruling) -> int:
    """Write the additions of a ruling, in the transaction that it was made in; how many. Conflict when others did."""
    _, added = with_additions(parts, context, (), (), ruling)
    changes = [one.change for one in added if one.change]
    if changes:
        await session.write(changes)
        await sight.link(parts, context, session, added)
    return len(changes)
