"""$everything of a patient or a referral: https://hl7.org/fhir/R4/patient-operation-everything.html

Of a ServiceRequest it returns the whole episode: the referral, what belongs to it, and of the directory what these
refer to. Of a Patient it returns the compartment. Both as far as the caller sees it and may read it.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from msgspec import Struct

from service.access.permission import may_read
from service.fhir import codec
from service.fhir.bundle import Entry, bundle
from service.fhir.capability import RECORDS
from service.fhir.interaction import Answer, Read
from service.fhir.outcome import Issue, Result, failure, operation_outcome
from service.fhir.search import cursor
from service.fhir.search.compartment import compartment_types
from service.fhir.search.cursor import Position
from service.fhir.search.parse import parse_search
from service.fhir.stamp import instant_text
from service.fhir.temporal import parse_instant_range
from service.interactions.read import read
from service.operations.along import DIRECTORY, THINGS, along_with
from service.operations.care_dates import care_dates
from service.operations.parameters import Taken, sent
from service.store.membership import members_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from service.fhir.interaction import Context, Operation
    from service.fhir.resource import Version
    from service.interactions.parts import Parts
    from service.operations.care_dates import CareDates
    from service.store.found import Found
    from service.store.store import Session

    Belonging = Callable[[Parts, Session, Context, str, "_Page"], Awaitable[list[Found]]]

TAKEN: Final = Taken(
    operation="everything",
    kinds={
        "_type": "text",
        "_since": "text",
        "start": "text",
        "end": "text",
        "_count": "integer",
        "_cursor": "text",
    },
    repeating=frozenset({"_type"}),
)

NOT_KEPT: Final = (
    "What belongs to a referral is not kept here: neither access control nor the rules for referrals are on. "
    "Search by references instead, such as Task?focus=ServiceRequest/id or Observation?patient=Patient/id."
)
"""Where $everything of a referral, and what is made of an episode, cannot work."""

_MATCH: Final = b'{"search":{"mode":"match"}}'
_INCLUDE: Final = b'{"search":{"mode":"include"}}'
_OUTCOME: Final = b'{"search":{"mode":"outcome"}}'
_LEFT_OUT: Final = Issue(
    code=None,
    severity="information",
    diagnostics="Resources are left out whose types the token's scopes do not let the client read without a limit.",
)


class _Asked(Struct, frozen=True, kw_only=True):
    """What was asked for: `types` are those to return, `readable` those that may lead to them.

    `count` is of matches; `after` is None on the first page, then the key that the one before ended with, if any.
    """

    types: frozenset[str]
    readable: frozenset[str]
    since: datetime | None
    dates: CareDates | None
    count: int
    after: tuple[int | None] | None
    is_limited: bool
    repeated: tuple[tuple[str, str], ...]


class _Page(Struct, frozen=True, kw_only=True):
    types: frozenset[str]
    since: datetime | None
    after: int | None
    limit: int


async def everything(parts: Parts, context: Context, operation: Operation) -> Answer:
    """A searchset Bundle; FhirError not-found where the patient or referral is not seen."""
    resource_type, logical_id = operation.type or "", operation.id
    if logical_id is None or resource_type not in _BELONGING:
        raise failure("operation-unknown", f"$everything works on an instance of {' and '.join(sorted(_BELONGING))}.")
    asked = _asked(parts, context, operation)
    belonging, beside = _BELONGING[resource_type]
    # what is not returned itself may lead to what goes along
    goes = beside & asked.readable if beside & asked.types else frozenset()
    types, since = (asked.readable, None) if goes else (asked.types, asked.since)
    async with parts.store.session() as session:
        focus = (await read(session, Read(type=resource_type, id=logical_id))).version
        matches: list[Found | Version] = [focus] if focus is not None and asked.after is None else []
        room, after = asked.count - len(matches), asked.after[0] if asked.after else None
        found = await belonging(
            parts, session, context, logical_id, _Page(types=types, since=since, after=after, limit=room + 1)
        )
        matches += [each for each in found[:room] if _is_beside(parts, context, operation, asked, each)]
        contents = [each.content for each in matches if each.content is not None]
        along = await along_with(parts, session, context, contents, goes) if goes else []
    links = [("self", _link(context, operation, asked.repeated))]
    if len(found) > room:
        end = found[room - 1].key if room else after
        sealed = cursor.seal([end], parts.cursor_secret, _scope(operation))
        links.append(("next", _link(context, operation, (*asked.repeated, ("_cursor", sealed)))))
    is_whole = asked.after is None and len(found) <= room
    body = _body(context, asked, matches, along, links, is_whole=is_whole)
    return Answer(result=Result.OK, body=body)


def _is_beside(parts: Parts, context: Context, operation: Operation, asked: _Asked, found: Found) -> bool:
    """Whether what belongs to the patient or referral is not itself, and about care in the dates, if there are any."""
    is_itself = (found.type, found.id) == (operation.type, operation.id)
    return not is_itself and (asked.dates is None or asked.dates.cover(parts, context.base, found))


async def _of_referral(parts: Parts, session: Session, context: Context, logical_id: str, page: _Page) -> list[Found]:
    del context
    if parts.store.sight is None:
        raise failure("not-supported", NOT_KEPT)
    types = sorted(page.types)
    return await members_of(session, logical_id, types, since=page.since, after=page.after or 0, limit=page.limit)


async def _of_patient(parts: Parts, session: Session, context: Context, logical_id: str, page: _Page) -> list[Found]:
    types = page.types.intersection(compartment_types(parts.registry, "Patient"))
    if not types:
        return []
    criteria = [("_type", ",".join(sorted(types)))]
    if page.since is not None:
        criteria.append(("_lastUpdated", f"ge{instant_text(page.since)}"))
    query = parse_search(
        parts.registry,
        None,
        tuple(criteria),
        base=context.base,
        zone=parts.zone,
        limits=parts.limits.search,
        compartment=("Patient", logical_id),
    )
    position = None if page.after is None else Position(values=(page.after,))
    return await session.search(query, limit=page.limit, position=position)


_BELONGING: Final[Mapping[str, tuple[Belonging, frozenset[str]]]] = {
    "Patient": (_of_patient, DIRECTORY | THINGS),
    "ServiceRequest": (_of_referral, DIRECTORY),
}
"""Type → how a page of what belongs to one of it is found, and the types of what goes along."""


def _asked(parts: Parts, context: Context, operation: Operation) -> _Asked:
    """The parameters; FhirError names the one that is wrong."""
    given = sent(operation, TAKEN, parts.validator)
    known = frozenset(parts.definitions.resource_types)
    listed = frozenset(name for text in given.all("_type") for name in text.split(","))
    if not listed <= known:
        raise failure("parameter-value", "_type takes resource types that are served here.", "http._type")
    served = known - {RECORDS} if parts.audited else known
    actor = context.actor
    readable = served if actor is None else frozenset(name for name in served if may_read(actor, name))
    largest = parts.limits.search.max_page_size
    count = given.one("_count")
    if count == 0:
        raise failure("parameter-value", "_count takes a whole number from 1.", "http._count")
    since, sealed = given.one("_since"), given.one("_cursor")
    repeated = [("_type", ",".join(sorted(listed)))] if listed else []
    repeated += [(name, text) for name in ("_since", "start", "end") if (text := given.one(name))]
    repeated += [("_count", str(min(count, largest)))] if count else []
    wanted = (listed or served) & served
    return _Asked(
        types=wanted & readable,
        readable=readable,
        since=parse_instant_range(since, parts.zone, "_since")[0] if since else None,
        dates=care_dates(given.one("start"), given.one("end"), parts.zone),
        count=min(count or largest, largest),
        after=(cursor.open(sealed, parts.cursor_secret, _scope(operation))[0],) if sealed else None,
        is_limited=not wanted <= readable,
        repeated=tuple(repeated),
    )


def _scope(operation: Operation) -> str:
    return f"{operation.type}/{operation.id}/$everything"


def _link(context: Context, operation: Operation, parameters: tuple[tuple[str, str], ...]) -> str:
    url = f"{context.base}/{_scope(operation)}"
    return f"{url}?{urlencode(parameters)}" if parameters else url


def _body(
    context: Context,
    asked: _Asked,
    matches: list[Found | Version],
    along: list[Version],
    links: list[tuple[str, str]],
    *,
    is_whole: bool,
) -> bytes:
    matches = [each for each in matches if _is_asked_for(each, asked)]
    there = {(each.type, each.id) for each in matches}
    included = [each for each in along if (each.type, each.id) not in there and _is_asked_for(each, asked)]
    entries = [_entry(context, each, _MATCH) for each in matches]
    entries += [_entry(context, each, _INCLUDE) for each in included]
    if asked.is_limited:
        entries.append(Entry(content=codec.encode(operation_outcome((_LEFT_OUT,))), rest=_OUTCOME))
    total = len(matches) if is_whole else None
    return bundle("searchset", entries, built_at=context.received_at, total=total, links=links)


def _entry(context: Context, each: Found | Version, rest: bytes) -> Entry:
    return Entry(full_url=f"{context.base}/{each.type}/{each.id}", content=each.content, rest=rest)


def _is_asked_for(each: Found | Version, asked: _Asked) -> bool:
    if each.type not in asked.types or each.content is None:
        return False
    if asked.since is None:
        return True
    content: Any = codec.decode(each.content)
    return datetime.fromisoformat(content["meta"]["lastUpdated"]) >= asked.since
