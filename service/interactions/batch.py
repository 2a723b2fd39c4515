"""batch: entries that succeed or fail one by one. https://hl7.org/fhir/R4/http.html#batch"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from service.fhir import codec
from service.fhir.audit.trail import UNKNOWN, what
from service.fhir.bundle import Entry, bundle
from service.fhir.bundle_plan import bundle_entries, entry_path, located, plan_entry, refuse_equal_full_urls
from service.fhir.interaction import Answer, Create, Update
from service.fhir.links import references
from service.fhir.outcome import FhirError, Result, failure, operation_outcome
from service.interactions.envelope import check_entry, check_envelope
from service.interactions.transaction import response_entry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from service.fhir.interaction import Context, Interaction, Process
    from service.fhir.resource import Content
    from service.interactions.parts import Parts

    Perform = Callable[[Interaction, Context], Awaitable[Answer]]


async def batch(parts: Parts, context: Context, process: Process, perform: Perform) -> Answer:
    """A batch-response Bundle; each entry is performed on its own, in the order sent, and carries its own outcome."""
    entries = bundle_entries(process.bundle, most=parts.limits.max_bundle_entries)
    check_envelope(parts, process.bundle, ())
    refuse_equal_full_urls(entries)
    siblings = {
        entry["fullUrl"] for entry in entries if isinstance(entry, dict) and _is_temporary(entry.get("fullUrl"))
    }
    answered = [await _entry(parts, context, index, entry, perform, siblings) for index, entry in enumerate(entries)]
    return Answer(result=Result.OK, body=bundle("batch-response", answered, built_at=context.received_at))


async def _entry(parts: Parts, context: Context, index: int, entry: Any, perform: Perform, siblings: set[str]) -> Entry:
    where = entry_path(index)
    planned = None
    if context.trail is not None:
        context = replace(context, trail=context.trail.entry())
    try:
        planned = plan_entry(index, entry, base=context.base, routes=parts.routes)
        check_entry(parts, entry, where)
        if siblings and isinstance(planned.interaction, Create | Update):
            _refuse_siblings(planned.interaction.content, siblings, where)
        answer = await perform(planned.interaction, context)
        if context.trail is not None and not context.trail.is_settled:
            context.trail.add(context.trail.answered(planned.interaction, answer))
        return response_entry(context, planned, answer)
    except FhirError as error:
        if context.trail is not None:
            context.trail.add(context.trail.refused(what(planned.interaction) if planned else UNKNOWN, error))
        failed = located(error, where)
        status = f"{failed.category.status} {failed.category.reason}"
        outcome = operation_outcome(failed.issues)
        return Entry(rest=codec.encode({"response": {"status": status, "outcome": outcome}}))


def _is_temporary(full_url: Any) -> bool:
    return isinstance(full_url, str) and full_url.startswith("urn:")


def _refuse_siblings(content: Content, siblings: set[str], where: str) -> None:
    """A reference to another entry of a batch would be stored as it is, and lead nowhere for ever."""
    for path, reference in references(content):
        if reference in siblings:
            told = "Entries of a batch cannot refer to each other; send a transaction, or name the resource."
            raise failure("reference-invalid", told, f"{where}.resource.{path}")
