"""The door by which an operation writes: the transaction that a client would send.

So scopes, sight, rules and records are those of every write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from msgspec.structs import replace

from service.fhir import codec
from service.fhir.interaction import Process
from service.interactions.transaction import transaction

if TYPE_CHECKING:
    from service.fhir.interaction import Context, Interaction, Operation
    from service.fhir.resource import Content
    from service.interactions.parts import Parts
    from service.store.store import Session


async def stored_by(parts: Parts, context: Context, operation: Operation, bundle: Content) -> Content:
    """The transaction-response, with what was stored, of a `bundle` of writes that goes on record as the operation's.

    FhirError as for everybody who sends it.
    """
    if context.trail is not None:
        context.trail.carry(operation)
    inner = replace(context, preferred_return="representation")
    answer = await transaction(parts, inner, Process(bundle=bundle), _nothing_read)
    response: Content = codec.decode(answer.body or b"{}")
    return response


async def _nothing_read(_session: Session, interaction: Interaction, _context: Context) -> NoReturn:
    raise TypeError(interaction)
