"""AuditEvents where interactions are put on record: the service writes them, and administrators read and search them.

They are not among the other resources: no search of other types, no chain and no include leads to them.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from service.fhir import codec
from service.fhir.audit.event import audit_event, event_id
from service.fhir.audit.search import parse_event_query
from service.fhir.bundle import Entry, bundle
from service.fhir.capability import RECORDS
from service.fhir.interaction import Answer, Create, Delete, History, Patch, Read, Search, Update, VRead
from service.fhir.outcome import Result, failure
from service.fhir.resource import Version
from service.fhir.search import cursor
from service.interactions.permission import require_whole
from service.store.audit.search import Position, read_event, search_events

if TYPE_CHECKING:
    from service.fhir.audit.record import Event
    from service.fhir.interaction import Context, Interaction
    from service.interactions.parts import Parts
    from service.store.store import Session

_SCOPE: Final = "audit"
_ID: Final = re.compile(r"([1-9][0-9]{0,8})-([1-9][0-9]{0,17})")


def is_about_records(interaction: Interaction) -> bool:
    """Whether the interaction is one with AuditEvents."""
    return getattr(interaction, "type", None) == RECORDS


def refuse_writing(interaction: Interaction) -> None:
    """FhirError not-allowed for what would write AuditEvents, or ask for versions that they do not have."""
    if is_about_records(interaction) and isinstance(interaction, Create | Update | Patch | Delete | History):
        told = "AuditEvents are written by the service itself and never changed; they can be read and searched."
        raise failure("not-allowed", told, "http.method", allowed_methods=("GET", "HEAD", "OPTIONS"))


async def perform(parts: Parts, session: Session, context: Context, interaction: Interaction) -> Answer:
    """What an administrator asks of the records; FhirError forbidden for anybody else."""
    refuse_writing(interaction)
    if context.actor is not None and context.actor.client.role != "administrator":
        raise failure("forbidden", "Only an administrator may see what is on record.", "http.Authorization")
    if isinstance(interaction, Search):
        require_whole(context, RECORDS)
        return await _search(parts, session, context, interaction)
    if not isinstance(interaction, Read | VRead):
        raise TypeError(interaction)
    match = _ID.fullmatch(interaction.id)
    event = await read_event(session, int(match[1]), int(match[2])) if match else None
    if event is None or (isinstance(interaction, VRead) and interaction.version_id != "1"):
        raise failure("not-found", "There is no such resource.")
    version = Version(
        type=RECORDS,
        id=interaction.id,
        version_id=1,
        last_updated=event.recorded,
        method="POST",
        content=_content(event, context),
    )
    return Answer(result=Result.OK, version=version)


async def _search(parts: Parts, session: Session, context: Context, search: Search) -> Answer:
    if search.compartment is not None:
        told = "AuditEvents are in no compartment here; search AuditEvent with patient or entity."
        raise failure("not-supported", told, "http.path")
    query = parse_event_query(
        search.parameters,
        base=context.base,
        types=parts.definitions.resource_types,
        zone=parts.zone,
        limits=parts.limits.search,
    )
    after = None if query.cursor is None else _opened(query.cursor, parts.cursor_secret)
    found: list[Event] = []
    further = None
    if not query.nothing:
        found, further = await search_events(session, query, limit=query.count, after=after)
    kept = [(name, value) for name, value in search.parameters if name != "_cursor"]
    links = [("self", _url(context, list(search.parameters)))]
    if further is not None:
        links.append(("next", _url(context, [*kept, ("_cursor", _sealed(further, parts.cursor_secret))])))
    body = bundle(
        "searchset",
        [_entry(event, context) for event in found],
        built_at=context.received_at,
        total=len(found) if after is None and further is None else None,
        links=links,
    )
    return Answer(result=Result.OK, body=body)


def _entry(event: Event, context: Context) -> Entry:
    return Entry(
        full_url=f"{context.base}/{RECORDS}/{event_id(event.chain, event.number)}",
        content=_content(event, context),
        rest=b'{"search":{"mode":"match"}}',
    )


def _content(event: Event, context: Context) -> bytes:
    return codec.encode(audit_event(event, context.base))


def _url(context: Context, pairs: list[tuple[str, str]]) -> str:
    return f"{context.base}/{RECORDS}?{urlencode(pairs)}" if pairs else f"{context.base}/{RECORDS}"


def _sealed(position: Position, secret: bytes) -> str:
    recorded, *numbers = position
    return cursor.seal([recorded.isoformat(), *numbers], secret, _SCOPE)


def _opened(text: str, secret: bytes) -> Position:
    recorded, chain, link, number = cursor.open(text, secret, _SCOPE)
    return Position(datetime.fromisoformat(recorded), int(chain), int(link), int(number))
