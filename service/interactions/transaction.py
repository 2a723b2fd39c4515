"""transaction: all entries of a Bundle or none. https://hl7.org/fhir/R4/http.html#transaction

Every entry is parsed before the database is asked, and validated before anything is written; then one unit of work
writes them all, in a number of statements that does not depend on the number of entries, and the entries that read see
what was written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from service.fhir import codec
from service.fhir.bundle import Entry, bundle
from service.fhir.bundle_plan import Write, bundle_entries, in_processing_order, located, plan_transaction
from service.fhir.interaction import Answer
from service.fhir.outcome import FhirError, Result, failure, operation_outcome
from service.fhir.stamp import instant_text, new_logical_ids
from service.interactions.audit_events import refuse_writing
from service.interactions.envelope import check_envelope
from service.interactions.permission import require_without_limits, withholds
from service.interactions.write import WriteRequest, write

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from typing import Any

    from service.fhir.audit.record import Record
    from service.fhir.bundle_plan import PlannedEntry
    from service.fhir.interaction import Context, Interaction, Process
    from service.interactions.parts import Parts
    from service.interactions.writing import Written
    from service.store.store import Session

    PerformReading = Callable[[Session, Interaction, Context], Awaitable[Answer]]


async def transaction(parts: Parts, context: Context, process: Process, perform_reading: PerformReading) -> Answer:
    """A transaction-response Bundle; FhirError, located at the entry, when any entry fails."""
    _refuse_within(context)
    entries = bundle_entries(process.bundle, most=parts.limits.max_bundle_entries)
    planned = plan_transaction(entries, base=context.base, routes=parts.routes)
    check_envelope(parts, process.bundle, entries)
    _authorise(parts, planned, context)
    ordered = in_processing_order(planned)
    writing = [entry for entry in ordered if isinstance(entry.interaction, Write)]
    reading = [entry for entry in ordered if not isinstance(entry.interaction, Write)]
    responses: dict[int, Entry] = {}
    body: bytes | None = None
    read: list[Record] = []
    within = replace(context, in_transaction=True) if reading else context

    async def read_after_write(session: Session) -> None:
        read.clear()
        for entry in reading:
            try:
                answer = await perform_reading(session, entry.interaction, within)
            except FhirError as error:
                raise located(error, entry.where) from error
            if context.trail is not None:
                read.append(context.trail.answered(entry.interaction, answer))
            responses[entry.index] = response_entry(context, entry, answer)

    def respond(written: Sequence[Written]) -> None:
        nonlocal body
        for entry, one in zip(writing, written, strict=True):
            answer = Answer(result=one.result, version=one.version, issues=one.issues)
            responses[entry.index] = response_entry(context, entry, answer)
        body = None if reading else _body(context, responses)

    ids = new_logical_ids(context.received_at, len(writing))
    requests = [_request(entry, new_id) for entry, new_id in zip(writing, ids, strict=True)]
    afterwards = read_after_write if reading else None
    await write(parts, context, requests, bundle=True, afterwards=afterwards, meanwhile=respond)
    if context.trail is not None:
        context.trail.add(*read)
    return Answer(result=Result.OK, body=_body(context, responses) if body is None else body)


def _body(context: Context, responses: dict[int, Entry]) -> bytes:
    """The answer, with the responses in the order of the Bundle."""
    return bundle(
        "transaction-response", [responses[index] for index in range(len(responses))], built_at=context.received_at
    )


def _refuse_within(context: Context) -> None:
    """FhirError bundle-entry for an operation that stores: it would be committed though the transaction fails."""
    if context.in_transaction:
        told = "What the operation stores cannot be part of a transaction: send it by itself, or in a batch."
        raise failure("bundle-entry", told)


def _authorise(parts: Parts, planned: Sequence[PlannedEntry], context: Context) -> None:
    """FhirError, located at the first entry that the actor, or nobody, may perform."""
    if context.actor is None and not parts.audited:
        return
    for entry in planned:
        try:
            require_without_limits(context, entry.interaction)
            if parts.audited:
                refuse_writing(entry.interaction)
        except FhirError as error:
            raise located(error, entry.where) from error


def response_entry(context: Context, planned: PlannedEntry, answer: Answer) -> Entry:
    """The response to one entry: what a read found, and of a write what `Prefer: return` asks for."""
    response: dict[str, Any] = {"status": answer.result.value}
    version = answer.version
    reads = not isinstance(planned.interaction, Write)
    content, full_url = answer.body, None
    if version is not None:
        url = f"{context.base}/{version.type}/{version.id}"
        if not reads and not version.deleted:
            response["location"] = f"{url}/_history/{version.version_id}"
        response["etag"] = version.etag
        response["lastModified"] = instant_text(version.last_updated)
        is_told = context.preferred_return == "representation" and not withholds(context, planned.interaction)
        if (reads or is_told) and answer.result is not Result.NOT_MODIFIED:
            content = version.content
        full_url = url if content is not None else None
    if planned.head_only:
        content = full_url = None
    if answer.issues or (not reads and context.preferred_return == "OperationOutcome"):
        response["outcome"] = operation_outcome(answer.issues)
    return Entry(full_url=full_url, content=content, rest=codec.encode({"response": response}))


def _request(entry: PlannedEntry, new_id: str) -> WriteRequest:
    interaction = entry.interaction
    if not isinstance(interaction, Write):
        raise TypeError(interaction)
    return WriteRequest(
        interaction=interaction,
        new_id=new_id,
        full_url=entry.full_url,
        where=entry.where,
    )
