"""The addresses of the authorisation server, as routes for the application around FHIR."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from starlette.responses import Response
from starlette.routing import Route

from service.access.refusal import Refused
from service.auth.endpoints import delegated_configuration, smart_configuration
from service.auth.error import NO_STORE, OAuthError, answer, translated
from service.fhir.audit.record import LOGIN, LOGOUT
from service.fhir.outcome import FhirError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from service.auth.endpoints import Endpoints
    from service.auth.issuers import Issuers
    from service.auth.token import TokenEndpoint
    from service.auth.token_state import Sender, TokenState
    from service.auth.watch import Form, Watch
    from service.fhir.actor import Client

    Answer = Callable[[Request], Awaitable[Response]]

_LOG: Final = logging.getLogger(__name__)
WELL_KNOWN: Final = "/.well-known/smart-configuration"
_PUBLIC: Final = {"Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"}


def discovery_routes(endpoints: Endpoints, issuers: Issuers | None, first_issuer: str | None) -> list[Route]:
    """``.well-known/smart-configuration`` below the FHIR base and the root; without `first_issuer` we issue tokens."""

    async def tell(_: Request) -> Response:
        if issuers is None or first_issuer is None:
            return answer(smart_configuration(endpoints), headers=_PUBLIC)
        try:
            discovered = await issuers.discovery(first_issuer)
        except Refused as refused:
            raise OAuthError("temporarily_unavailable", refused.reason, retry_after_seconds=5) from None
        return answer(delegated_configuration(discovered), headers=_PUBLIC)

    return [Route(f"{place}{WELL_KNOWN}", guarded(tell)) for place in ("/fhir", "")]


def token_routes(tokens: TokenEndpoint, state: TokenState, watch: Watch) -> list[Route]:
    """The built-in authorisation server."""

    async def token(form: Form, _: Sender) -> tuple[Response, Client | None]:
        told, client = await tokens.answer(form)
        return answer(told), client

    async def introspect(form: Form, sender: Sender) -> tuple[Response, Client | None]:
        return answer(await state.introspected(form, sender)), None

    async def revoke(form: Form, sender: Sender) -> tuple[Response, Client | None]:
        client = await state.revoke(form, sender)
        return Response(headers=NO_STORE), client

    acts = (("token", token, LOGIN), ("introspect", introspect, None), ("revoke", revoke, LOGOUT))
    return [Route(f"/auth/{name}", guarded(watch.over(act, event)), methods=["POST"]) for name, act, event in acts]


def _refused(error: OAuthError) -> Response:
    _LOG.info("refused", extra={"fields": {"code": error.code, "reason": error.cause or error.description}})
    return error.response()


def guarded(act: Answer) -> Answer:
    """What answers in OAuth's words where `act` refuses or fails in the database."""

    async def guarded(request: Request) -> Response:
        try:
            return await act(request)
        except OAuthError as refused:
            return _refused(refused)
        except FhirError as error:
            return _refused(translated(error))

    return guarded
