"""The addresses of CDS Hooks: discovery, the service, feedback on its cards; and the page of its rules.

Refusals are OperationOutcomes, as CDS Hooks recommends. https://cds-hooks.hl7.org/2.0/#http-status-codes
"""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response
from starlette.routing import Route

from service.cds.call import read_call
from service.cds.feedback import read_feedback
from service.cds.hooks import PLACE, SERVICE, offered
from service.fhir import codec
from service.fhir.outcome import Category, FhirError, Result, failure, operation_outcome
from service.rest.body import Body, ClientDisconnectedError
from service.rest.headers import REQUEST_ID

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from service.cds.call import Call
    from service.cds.recording import Recording
    from service.cds.safety import Safety
    from service.cds.trust import Trust
    from service.rest.cors import Origins

    Act = Callable[[Request], Awaitable[Response]]

_LOGGER: Final = logging.getLogger(__name__)
_JSON: Final = "application/json"


class Reception:
    """Takes calls and feedback, from EHRs that `trust` knows; None lets everybody in.

    `place` is the public URL of the services.
    """

    def __init__(
        self,
        safety: Safety,
        *,
        trust: Trust | None,
        recording: Recording,
        origins: Origins,
        place: str,
        max_bytes: int,
        timeout_seconds: float,
    ) -> None:
        self._safety = safety
        self._trust = trust
        self._recording = recording
        self._origins = origins
        self._place = place
        self._max_bytes = max_bytes
        self._timeout_seconds = timeout_seconds

    async def call(self, request: Request) -> Response:
        """Cards for what is being ordered."""
        await self._admit(request)
        call = read_call(await self._body(request))
        cards = await self._safety.cards(call)
        rules = ",".join(card["source"]["topic"]["code"] for card in cards)
        told = {"hook": call.hook, "hookInstance": call.instance, "rules": rules}
        await self._recording.answered(request, told, user=_user(call))
        _LOGGER.info("decision support", extra={"fields": {"hook": call.hook, "cards": len(cards)}})
        return answer({"cards": cards})

    async def feedback(self, request: Request) -> Response:
        """What became of cards, kept on record."""
        await self._admit(request, "/feedback")
        safety = self._safety
        given = read_feedback(await self._body(request), safety.marks, safety.override_reasons)
        await self._recording.answered(request, *(each.as_fields() for each in given))
        for each in given:
            fields = {"rule": each.rule, "outcome": each.outcome, "reason": each.reason}
            _LOGGER.info("feedback on decision support", extra={"fields": fields})
        return answer({})

    async def refuse(self, request: Request, error: FhirError) -> Response:
        """A refusal of the service, on record."""
        try:
            await self._recording.refused(request, error)
        except FhirError as unavailable:
            return refused(unavailable)
        return refused(error)

    def shared(self, request: Request, response: Response, methods: tuple[str, ...]) -> Response:
        """The response with what a browser needs to let a page of another origin have it."""
        origin = request.headers.get("origin")
        if origin:
            is_preflight = request.method == "OPTIONS"
            raw = origin.encode("latin-1")
            headers = self._origins.preflight(raw, methods) if is_preflight else self._origins.headers(raw)
            response.raw_headers.extend(headers)
        return response

    async def _admit(self, request: Request, rest: str = "") -> None:
        """Note who calls; FhirError unauthenticated or throttled, or not-found for the name of another service."""
        if request.path_params.get("id") != SERVICE:
            raise failure("not-found", f"The only service here is {SERVICE}; {PLACE} describes it.", "http.url")
        if self._trust is None:
            return
        service = f"{self._place}/{SERVICE}"
        audiences = tuple(dict.fromkeys((f"{service}{rest}", service)))
        address = request.client.host if request.client else None
        authorization = request.headers.get("authorization")
        request.state.caller = await self._trust.caller(authorization, audiences, address)

    async def _body(self, request: Request) -> Any:
        headers = {name.lower(): value for name, value in request.headers.raw}
        body = Body(
            receive=request.receive,
            headers=headers,
            max_bytes=self._max_bytes,
            timeout_seconds=self._timeout_seconds,
        )
        return await body.resource()


def routes(reception: Reception, policy: bytes) -> list[Route]:
    """The routes for the application around FHIR."""

    async def discover(_: Request) -> Response:
        return answer(offered())

    async def tell(_: Request) -> Response:
        return Response(policy, media_type="text/html")

    def route(place: str, act: Act, method: str) -> Route:
        methods = ("GET", "HEAD", "OPTIONS") if method == "GET" else ("POST", "OPTIONS")
        return Route(place, _guarded(reception, act, methods), methods=_ALL)

    return [
        route(PLACE, discover, "GET"),
        route(f"{PLACE}/{{id}}", reception.call, "POST"),
        route(f"{PLACE}/{{id}}/feedback", reception.feedback, "POST"),
        route("/policy", tell, "GET"),
    ]


_ALL: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
"""Every method reaches us, so that the others are refused in FHIR's words, too."""


def answer(content: object) -> Response:
    """JSON that is not to be stored."""
    return Response(codec.encode(content), Result.OK.status, {"Cache-Control": "no-store"}, _JSON)


def _guarded(reception: Reception, act: Act, methods: tuple[str, ...]) -> Act:
    """What answers with an OperationOutcome where `act` refuses or fails."""

    async def guarded(request: Request) -> Response:
        sent = request.headers.get("x-request-id", "")
        request.state.id = sent if REQUEST_ID.fullmatch(sent.encode()) else secrets.token_hex(16)
        response = await answered(request)
        response.headers["X-Request-Id"] = request.state.id
        return reception.shared(request, response, methods)

    async def answered(request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=Result.DELETED.status, headers={"Allow": ", ".join(methods)})
        if request.method not in methods:
            told = f"The address takes {', '.join(methods)}."
            return refused(failure("not-allowed", told, "http.method", allowed_methods=methods))
        try:
            return await act(request)
        except FhirError as error:
            return await reception.refuse(request, error)
        except ClientDisconnectedError:
            return Response(status_code=Category.REQUEST_TIMEOUT.status)
        except Exception:
            _LOGGER.exception("unexpected fault", extra={"fields": {"request_id": request.state.id}})
            told = f"An unexpected fault; it is recorded under the request id {request.state.id}."
            return refused(failure("internal", told))

    return guarded


def refused(error: FhirError) -> Response:
    """A refusal as an OperationOutcome."""
    _LOGGER.info("refused decision support", extra={"fields": {"code": error.code}})
    headers = {"Cache-Control": "no-store"}
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    if error.category is Category.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = 'Bearer realm="massage-fhir"'
    if error.allowed_methods:
        headers["Allow"] = ", ".join(error.allowed_methods)
    return Response(codec.encode(operation_outcome(error.issues)), error.category.status, headers, _JSON)


def _user(call: Call) -> str | None:
    """The person who orders, by the address of the EHR's own resource; None where the EHR does not say which it is."""
    return f"{call.server.base}/{call.user}" if call.server else None
