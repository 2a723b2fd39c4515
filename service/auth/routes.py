"""The addresses of the authorisation server, as routes for the application around FHIR."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response
from starlette.routing import Route

from service.access.refusal import Refused
from service.auth.endpoints import delegated_configuration, smart_configuration
from service.auth.error import NO_STORE, OAuthError, answer, translated
from service.auth.form import read_body, read_form
from service.fhir.outcome import FhirError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from service.auth.administration import Administration
    from service.auth.endpoints import Endpoints
    from service.auth.issuers import Issuers
    from service.auth.token import TokenEndpoint
    from service.auth.token_state import TokenState

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

    return [Route(f"{place}{WELL_KNOWN}", _guarded(tell)) for place in ("/fhir", "")]


def token_routes(tokens: TokenEndpoint, state: TokenState) -> list[Route]:
    """The built-in authorisation server."""

    async def token(request: Request) -> Response:
        return answer(await tokens.answer(await read_form(request)))

    async def introspect(request: Request) -> Response:
        return answer(await state.introspected(await read_form(request), request.headers.get("authorization")))

    async def revoke(request: Request) -> Response:
        await state.revoke(await read_form(request), request.headers.get("authorization"))
        return Response(headers=NO_STORE)

    return [
        Route("/auth/token", _guarded(token), methods=["POST"]),
        Route("/auth/introspect", _guarded(introspect), methods=["POST"]),
        Route("/auth/revoke", _guarded(revoke), methods=["POST"]),
    ]


def administration_routes(administration: Administration) -> list[Route]:
    """The registry of clients."""

    def admitted(act: Callable[[Request], Awaitable[Any]], status: HTTPStatus = HTTPStatus.OK) -> Answer:
        async def perform(request: Request) -> Response:
            await administration.admit(request.headers.get("authorization"))
            return answer(await act(request), status=status)

        return _guarded(perform)

    async def every(_: Request) -> Any:
        return {"clients": await administration.every()}

    async def add(request: Request) -> Any:
        return await administration.add(await read_body(request))

    async def one(request: Request) -> Any:
        return await administration.one(request.path_params["id"])

    async def keys(request: Request) -> Any:
        return await administration.set_keys(request.path_params["id"], await read_body(request))

    async def disable(request: Request) -> Any:
        return await administration.switch(request.path_params["id"], enabled=False)

    async def enable(request: Request) -> Any:
        return await administration.switch(request.path_params["id"], enabled=True)

    place = "/auth/clients/{id}"
    return [
        Route("/auth/clients", admitted(every), methods=["GET"]),
        Route("/auth/clients", admitted(add, HTTPStatus.CREATED), methods=["POST"]),
        Route(place, admitted(one), methods=["GET"]),
        Route(f"{place}/keys", admitted(keys), methods=["PUT"]),
        Route(f"{place}/disable", admitted(disable), methods=["POST"]),
        Route(f"{place}/enable", admitted(enable), methods=["POST"]),
    ]


def _refused(error: OAuthError) -> Response:
    _LOG.info("refused", extra={"fields": {"code": error.code, "reason": error.description}})
    return error.response()


def _guarded(act: Answer) -> Answer:
    """What answers in OAuth's words where `act` refuses or fails in the database."""

    async def guarded(request: Request) -> Response:
        try:
            return await act(request)
        except OAuthError as refused:
            return _refused(refused)
        except FhirError as error:
            return _refused(translated(error))

    return guarded
