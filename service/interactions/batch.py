"""batch: entries that succeed or fail one by one. https://hl7.org/fhir/R4/http.html#batch"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.fhir.bundle import Entry, bundle
from service.fhir.bundle_entry import entry_interaction
from service.fhir.bundle_plan import bundle_entries, entry_path
from service.fhir.interaction import Answer
from service.fhir.outcome import FhirError, Result, operation_outcome
from service.interactions.transaction import response_entry
from service.interactions.write import located

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from service.fhir.interaction import Context, Interaction, Process
    from service.interactions.parts import Parts

    Perform = Callable[[Interaction, Context], Awaitable[Answer]]


async def batch(parts: Parts, context: Context, process: Process, perform: Perform) -> Answer:
    """A batch-response Bundle; each entry is performed on its own, in the order sent, and carries its own outcome."""
    entries = bundle_entries(process.bundle, most=parts.limits.max_bundle_entries)
    answered = [await _entry(parts, context, index, entry, perform) for index, entry in enumerate(entries)]
    return Answer(result=Result.OK, body=bundle("batch-response", answered, built_at=context.received_at))


async def _entry(parts: Parts, context: Context, index: int, entry: Any, perform: Perform) -> Entry:
    where = entry_path(index)
    try:
        interaction = entry_interaction(entry, where=where, base=context.base, routes=parts.routes)
        return response_entry(context, interaction, await perform(interaction, context))
    except FhirError as error:
        failed = located(error, where)
        status = f"{failed.category.status} {failed.category.reason}"
        return Entry(rest={"response": {"status": status, "outcome": operation_outcome(failed.issues)}})
