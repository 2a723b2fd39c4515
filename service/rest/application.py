"""The ASGI application: a request in, an interaction to the engine, an answer out.

https://asgi.readthedocs.io/en/latest/specs/www.html, https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Protocol

from service.fhir.address import Place, refuse_method, routes_of
from service.fhir.interaction import Context
from service.fhir.outcome import Category, FhirError, failure
from service.fhir.search.cursor import LONGEST_URL
from service.fhir.summary import EVERYTHING
from service.rest import coding, render
from service.rest import request as reading
from service.rest.acting import acting_for, breaking_the_glass, provenance
from service.rest.answer_form import negotiate, printed
from service.rest.body import Body, ClientDisconnectedError
from service.rest.browser_cookie import authorization_of
from service.rest.browsing import Browsing
from service.rest.cors import Origins
from service.rest.headers import REQUEST_ID
from service.rest.interpret import SHAPING, interpret
from service.rest.protection import page_headers, protecting_headers
from service.rest.recording import Recording
from service.rest.request import Request
from service.rest.shape import asked_subset, shaped

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, MutableMapping

    from service.fhir.actor import Admission
    from service.fhir.address import Address
    from service.fhir.definitions import Definitions
    from service.fhir.interaction import Answer, Interaction
    from service.rest.body import Receive
    from service.rest.browsing import Pages
    from service.rest.hosts import Hosts
    from service.rest.recording import Journal
    from service.rest.render import Response
    from service.rest.request import Scope

    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_LOGGER: Final = logging.getLogger(__name__)
_COMPRESS_IN_THREAD_BYTES: Final = 1 << 20
_CLIENT_GONE: Final = 499
"""The status that the access log shows for a client that left before it was answered; nothing is sent."""


class Engine(Protocol):
    """What the application needs of the engine."""

    async def perform(self, interaction: Interaction, context: Context) -> Answer:
        """The answer to an interaction; FhirError where it is refused or fails."""


class Door(Protocol):
    """Who may come in."""

    async def admission(self, authorization: bytes | None, address: str | None) -> Admission:
        """Who sends a request with this Authorization header from there; FhirError unauthenticated or throttled."""

    def visit(self, address: str | None) -> None:
        """Count a request of somebody of whom nobody knows who it is; FhirError throttled."""


class AccessLog(Protocol):
    """What happens once per request when it is over; `route` has placeholders in the place of ids."""

    def __call__(
        self, *, method: str, route: str, status: int, milliseconds: float, size_bytes: int, request_id: str
    ) -> None:
        """Log one request."""


class FhirApplication:
    """FHIR R4 over HTTP below the path that `scope["root_path"]` names.

    `base_url` has no trailing slash; None takes it from each request. Requests name one of the `hosts`; None: any. The
    origins in `cors_origins` may call from a browser, and `pages` are what it is shown; None: JSON. The `door` says who
    asks; None lets everybody in. The `journal` keeps on record what was asked, before the answer leaves; None where
    nothing is. `bind_request_id` is called in the request's task before anything is performed, so that log lines of
    other packages can name the request.
    """

    def __init__(  # noqa: PLR0913 - the composition root names each of them
        self,
        engine: Engine,
        *,
        definitions: Definitions,
        base_url: str | None = None,
        max_body_bytes: int = 16 << 20,
        body_timeout_seconds: float = 30,
        max_url_length: int = LONGEST_URL,
        hosts: Hosts | None = None,
        cors_origins: Collection[str] = ("*",),
        access_log: AccessLog | None = None,
        door: Door | None = None,
        pages: Pages | None = None,
        journal: Journal | None = None,
        bind_request_id: Callable[[str], object] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        new_request_id: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._engine = engine
        self._definitions = definitions
        self._routes = routes_of(definitions)
        self._base_url = base_url
        self._max_body_bytes = max_body_bytes
        self._body_timeout_seconds = body_timeout_seconds
        self._max_url_length = max_url_length
        self._origins = Origins(cors_origins)
        self._access_log = access_log
        self._door = door
        self._hosts = hosts
        self._always, self._of_pages = protecting_headers(base_url), page_headers(base_url)
        self._browsing = None if pages is None else Browsing(pages, engine.perform)
        self._bind_request_id = bind_request_id
        self._now = now
        self._recording = None if journal is None else Recording(journal, now)
        self._new_request_id = new_request_id
        self._stopping = False

    def begin_shutdown(self) -> None:
        """Refuse new requests with 503 from now on; those under way are finished."""
        self._stopping = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a web socket is refused."""
        if scope["type"] != "http":
            await send({"type": "websocket.close"})
            return
        started = perf_counter()
        method: str = scope["method"]
        kept, repeated = reading.kept_headers(scope)
        sent_id = kept.get(b"x-request-id")
        request = Request(
            method="GET" if method == "HEAD" else method,
            head_only=method == "HEAD",
            headers=kept,
            body=Body(
                receive=receive,
                headers=kept,
                max_bytes=self._max_body_bytes,
                timeout_seconds=self._body_timeout_seconds,
            ),
            request_id=sent_id.decode() if sent_id and REQUEST_ID.fullmatch(sent_id) else self._new_request_id(),
        )
        if self._bind_request_id:
            self._bind_request_id(request.request_id)
        status, size = _CLIENT_GONE, 0
        try:
            response = await self._response(scope, request, repeated)
            status, size = await self._send(response, request, send)
        except ClientDisconnectedError:
            pass
        finally:
            if self._access_log:
                self._access_log(
                    method=method if method.isalpha() and len(method) <= 10 else "-",
                    route=request.address.route if request.address else "-",
                    status=status,
                    milliseconds=(perf_counter() - started) * 1000,
                    size_bytes=size,
                    request_id=request.request_id,
                )

    async def _response(self, scope: Scope, request: Request, repeated: bytes | None) -> Response:
        """The response to whatever was sent; nothing but a cancellation or a lost client gets out of here."""
        try:
            response = await self._performed(scope, request, repeated)
        except FhirError as error:
            response = self._refused(error, scope, request)
        except ClientDisconnectedError:
            raise
        except Exception:
            _LOGGER.exception("unexpected fault", extra={"fields": {"request_id": request.request_id}})
            told = f"An unexpected fault; it is recorded under the request id {request.request_id}."
            response = self._refused(failure("internal", told), scope, request)
        finally:
            if self._recording is not None:
                self._recording.forget(request)
        if self._recording is not None:
            try:
                await self._recording.keep(request)
            except FhirError as error:
                return self._told(error, scope, request)
        return response

    def _refused(self, error: FhirError, scope: Scope, request: Request) -> Response:
        is_early = request.address is None or request.address.place is not Place.METADATA
        if self._door is not None and request.actor is None and is_early and error.category in _BEFORE_THE_DOOR:
            try:
                self._door.visit(reading.network_address(scope))
            except FhirError as throttled:
                error = throttled
        if self._recording is not None:
            self._recording.refused(scope, request, error)
        return self._told(error, scope, request)

    def _told(self, error: FhirError, scope: Scope, request: Request) -> Response:
        refusal = render.refused(error, request)
        return self._browsing.refused(refusal, scope, request, self._now()) if self._browsing else refusal

    async def _performed(self, scope: Scope, request: Request, repeated: bytes | None) -> Response:
        """Understand, perform, render; FhirError. `repeated` is a header that must not be."""
        if repeated:
            raise reading.refuse_repeated(repeated)
        address = await self._admitted(scope, request)
        if request.method == "OPTIONS":
            return self._options(request)
        if address.place is Place.WORK_LIST:
            return await self._work_list(scope, request, address)
        interaction = await self._understood(scope, request, address)
        asked = EVERYTHING
        if request.parameters and any(name in SHAPING for name, _ in request.parameters):
            asked = asked_subset(interaction, request.parameters, self._definitions)
        context = self._context(request)
        answer = await self._engine.perform(interaction, context)
        if request.trail is not None and not request.trail.is_settled:
            request.trail.add(request.trail.answered(interaction, answer))
        if asked is not EVERYTHING:
            answer = shaped(answer, asked, self._definitions)
        if request.is_printed:
            return printed(answer, request)
        response = render.answered(answer, request)
        if request.representation.page and self._browsing is not None:
            await self._browsing.answered(response, interaction, scope, request, context)
        return response

    async def _work_list(self, scope: Scope, request: Request, address: Address) -> Response:
        if request.method != "GET" or self._browsing is None:
            raise refuse_method(address)
        _read_head(scope, request)
        negotiate(request)
        return await self._browsing.work_list(scope, request, self._context(request))

    async def _admitted(self, scope: Scope, request: Request) -> Address:
        """Where the request goes, with who asks put into it; FhirError."""
        if self._stopping:
            raise failure("shutting-down", "The service is stopping; send the request again.", retry_after_seconds=1)
        if self._hosts is not None:
            self._hosts.check_one(request.headers.get(b"host"), scope)
        if len(scope.get("raw_path") or scope["path"]) + len(scope.get("query_string", b"")) > self._max_url_length:
            told = f"The URL is longer than {self._max_url_length} bytes; a long search can be sent by POST."
            raise failure("url-too-long", told, "http.url")
        request.base = self._base_url or reading.base_of(scope, request.headers.get(b"host"))
        address = request.address = self._routes.address(reading.path_segments(scope))
        if request.method != "OPTIONS":
            if self._door is not None:
                await self._identify(self._door, scope, request)
            if self._recording is not None:
                self._recording.start(scope, request)
                self._recording.expect(request)
        return address

    async def _identify(self, door: Door, scope: Scope, request: Request) -> None:
        """Put into the request who asks; FhirError. What the service can do is told to everybody."""
        address = reading.network_address(scope)
        if request.address is not None and request.address.place is Place.METADATA:
            door.visit(address)
            return
        admission = await door.admission(authorization_of(scope, request), address)
        request.actor = admission.actor
        if admission.refusal is not None:
            raise admission.refusal
        if b"x-break-glass" in request.headers:
            request.actor = breaking_the_glass(admission.actor, request.headers[b"x-break-glass"])

    async def _understood(self, scope: Scope, request: Request, address: Address) -> Interaction:
        """The interaction that the request asks for; FhirError."""
        _read_head(scope, request)
        by_form = request.method == "POST" and address.place in _SEARCHED_BY_FORM
        if not by_form:
            negotiate(request)
        interaction = request.interaction = await interpret(request, address)
        if by_form:
            negotiate(request)
        return interaction

    def _context(self, request: Request) -> Context:
        return Context(
            base=request.base,
            request_id=request.request_id,
            received_at=self._now(),
            strict=request.preferences.strict,
            preferred_return=request.preferences.returning,
            actor=request.actor,
            organisation=acting_for(request) if b"x-actor-organization" in request.headers else None,
            trail=request.trail,
            provenance=provenance(request) if b"x-provenance" in request.headers else None,
        )

    def _options(self, request: Request) -> Response:
        """The methods of a place, for whoever asks and for a browser's preflight."""
        methods = request.address.place.methods if request.address else ()
        response = render.allowing(methods)
        origin = request.headers.get(b"origin")
        if origin and b"access-control-request-method" in request.headers:
            response.headers += self._origins.preflight(origin, methods)
        return response

    async def _send(self, response: Response, request: Request, send: Send) -> tuple[int, int]:
        """Send the response; its status and the number of bytes of its body as sent."""
        body, headers = response.body, response.headers
        headers += self._of_pages if response.is_page else self._always
        headers.append((b"x-request-id", request.request_id.encode()))
        correlation_id = request.headers.get(b"x-correlation-id")
        if correlation_id and REQUEST_ID.fullmatch(correlation_id):
            headers.append((b"x-correlation-id", correlation_id))
        if len(body) >= coding.SMALLEST_COMPRESSED_BYTES:
            accepted = request.headers.get(b"accept-encoding")
            if accepted and coding.accepts_gzip(accepted):
                large = len(body) >= _COMPRESS_IN_THREAD_BYTES
                body = await asyncio.to_thread(coding.gzipped, body) if large else coding.gzipped(body)
                headers.append((b"content-encoding", b"gzip"))
        if response.status not in _WITHOUT_LENGTH:
            headers.append((b"content-length", b"%d" % len(body)))
        origin = request.headers.get(b"origin")
        if origin and request.method != "OPTIONS":
            headers += self._origins.headers(origin)
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        sent = b"" if request.head_only else body
        await send({"type": "http.response.body", "body": sent})
        return response.status, len(sent)


def _read_head(scope: Scope, request: Request) -> None:
    if query := scope.get("query_string", b""):
        reading.read_query(request, query)
    reading.read_preferences(request)


_BEFORE_THE_DOOR: Final = (Category.INVALID, Category.NOT_FOUND, Category.NOT_ALLOWED, Category.MISDIRECTED)
"""How requests are refused before anybody looks at who sends them."""
_SEARCHED_BY_FORM: Final = (Place.SYSTEM_SEARCH, Place.TYPE_SEARCH, Place.COMPARTMENT_SEARCH)
_WITHOUT_LENGTH: Final = (204, 304)
