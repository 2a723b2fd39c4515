"""Answers as pages: for who asks for HTML before JSON, as browsers do, and only where something is read.

What a page needs beside the answer is asked of the engine in the caller's name, and leaves its own record.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Protocol

from service.fhir.address import Place
from service.fhir.audit.trail import what
from service.fhir.outcome import FhirError, failure
from service.fhir.resource import LOGICAL_ID
from service.rest.negotiation import DEFAULT, HTML, media_ranges, representation
from service.rest.render import Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from service.fhir.interaction import Answer, Context, Interaction
    from service.rest.render import Header
    from service.rest.request import Request, Scope

    Perform = Callable[[Interaction, Context], Awaitable[Answer]]
    Ask = Callable[[Interaction], Awaitable[Answer]]

_HTML: Final = (b"content-type", b"text/html; charset=utf-8")
_NO_STORE: Final = (b"cache-control", b"no-store")
_REPLACED: Final = (b"content-type", b"cache-control")
_VARY: Final = (b"vary", b"accept, accept-encoding, origin")
_BY_FORM: Final = (Place.SYSTEM_SEARCH, Place.TYPE_SEARCH, Place.COMPARTMENT_SEARCH)
_ANY: Final = ("*/*", "*", HTML)
_OWNER: Final = re.compile(rf"[A-Z][A-Za-z]+/{LOGICAL_ID.pattern}")
_OF_WORK: Final = ("clinic", "show", "after")
_OK: Final = 200


class Pages(Protocol):
    """What makes HTML: of an answer, of a refusal, and the work list."""

    async def answer(
        self, body: bytes, interaction: Interaction, *, base: str, target: str, now: datetime, ask: Ask
    ) -> bytes:
        """The page of what an interaction answered; `target` is the path and query below the base."""

    def refusal(self, body: bytes, status: int, *, base: str, target: str, now: datetime) -> bytes:
        """The page of an OperationOutcome."""

    async def work_list(
        self, clinic: str, show: str, after: str, *, base: str, target: str, now: datetime, ask: Ask
    ) -> bytes:
        """The page of what needs attention; `clinic` is empty or the reference of an organisation.

        `show` is empty or the name of a list, which goes on `after` a page of it; FhirError for another name.
        """


class Browsing:
    """Puts pages in the place of JSON; `perform` is the engine's."""

    def __init__(self, pages: Pages, perform: Perform) -> None:
        self._pages = pages
        self._perform = perform

    async def answered(
        self, response: Response, interaction: Interaction, scope: Scope, request: Request, context: Context
    ) -> None:
        """Put the page of an answer in its place, unless it has no body or nothing was read."""
        if response.body and _reads(request):
            ask = self._asking(request, context)
            target, now = _target(scope), context.received_at
            body = await self._pages.answer(
                response.body, interaction, base=context.base, target=target, now=now, ask=ask
            )
            _dress(response, body)

    def refused(self, response: Response, scope: Scope, request: Request, now: datetime) -> Response:
        """The same refusal; as a page, where one was asked for."""
        if response.body and _reads(request) and (request.representation.page or _wants_page(request)):
            target = _target(scope)
            base = request.base or scope.get("root_path", "")
            _dress(response, self._pages.refusal(response.body, response.status, base=base, target=target, now=now))
        return response

    async def work_list(self, scope: Scope, request: Request, context: Context) -> Response:
        """The work list; FhirError not-acceptable for who takes no HTML, or whatever its searches are refused with."""
        if not (request.representation.page or _takes_anything(request)):
            told = "The work list is a page (text/html). It is made of a search for Tasks, which answers in JSON."
            raise failure("not-acceptable", told, "http.Accept")
        asked = _work_asked(request)
        ask = self._asking(request, context)
        body = await self._pages.work_list(
            *asked, base=context.base, target=_target(scope), now=context.received_at, ask=ask
        )
        response = Response(_OK, [_VARY])
        _dress(response, body)
        return response

    def _asking(self, request: Request, context: Context) -> Ask:
        async def ask(interaction: Interaction) -> Answer:
            trail = request.trail
            try:
                answer = await self._perform(interaction, context)
            except FhirError as error:
                if trail is not None:
                    trail.add(trail.refused(what(interaction), error))
                raise
            if trail is not None:
                trail.add(trail.answered(interaction, answer))
            return answer

        return ask


def _takes_anything(request: Request) -> bool:
    ranges = media_ranges(request.headers.get(b"accept", b"*/*").decode("latin-1"))
    return not request.general and any(each.name in _ANY and each.weight > 0 for each in ranges)


def _work_asked(request: Request) -> tuple[str, str, str]:
    """Whose work is asked for, empty for everybody's, and which further page; FhirError parameter-unknown or -value."""
    given: dict[str, str] = {}
    for name, value in request.parameters:
        if name not in _OF_WORK:
            raise failure("parameter-unknown", f"The work list takes {', '.join(_OF_WORK)}.", f"http.{name}")
        if name in given:
            raise failure("parameter-value", f"{name} is given once.", f"http.{name}")
        given[name] = value
    if "clinic" in given and _OWNER.fullmatch(given["clinic"]) is None:
        raise failure("parameter-value", "clinic takes one reference such as Organization/1.", "http.clinic")
    clinic, show, after = (given.get(name, "") for name in _OF_WORK)
    return clinic, show, after


def _dress(response: Response, body: bytes) -> None:
    """Make a page of the response. Whatever it shows may be somebody's health: nobody keeps it."""
    kept: list[Header] = [header for header in response.headers if header[0] not in _REPLACED]
    response.headers = [*kept, _HTML, _NO_STORE]
    response.body = body
    response.is_page = True


def _reads(request: Request) -> bool:
    return request.method == "GET" or (request.address is not None and request.address.place in _BY_FORM)


def _wants_page(request: Request) -> bool:
    """Whether a page would have been asked for by a request that was refused before that was looked at."""
    accept = request.headers.get(b"accept")
    if not accept or request.representation is not DEFAULT:
        return False
    try:
        return representation(accept, None, None).page
    except FhirError:
        return False


def _target(scope: Scope) -> str:
    """The path and query below the base, as they were sent."""
    root: str = scope.get("root_path", "")
    path = (scope.get("raw_path") or b"").decode("latin-1") or scope["path"]
    query = scope.get("query_string", b"").decode("latin-1")
    return f"{path.removeprefix(root)}{f'?{query}' if query else ''}"
