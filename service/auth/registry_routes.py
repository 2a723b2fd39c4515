"""The addresses of the registry of clients. Every change of it and every look is on record, and every attempt."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from service.auth.error import OAuthError, answer, translated
from service.auth.form import read_body
from service.auth.routes import guarded
from service.auth.token_state import sender_of
from service.fhir.audit.record import CLIENT_CHANGE, CLIENT_LOOK
from service.fhir.outcome import FhirError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from service.auth.administration import Administration
    from service.auth.recording import Recording
    from service.auth.routes import Answer
    from service.fhir.actor import Client

    Act = Callable[[Request], Awaitable[dict[str, object]]]


def registry_routes(administration: Administration, recording: Recording) -> list[Route]:
    """The registry of clients."""
    desk = _Desk(administration, recording)
    place = "/auth/clients/{id}"
    return [
        Route("/auth/clients", desk.reading("list", desk.every), methods=["GET"]),
        Route("/auth/clients", desk.changing("add", desk.add, HTTPStatus.CREATED), methods=["POST"]),
        Route(place, desk.reading("read", desk.one), methods=["GET"]),
        Route(place, desk.changing("change", desk.change), methods=["PATCH"]),
        Route(f"{place}/keys", desk.changing("keys", desk.keys), methods=["PUT"]),
        Route(f"{place}/disable", desk.changing("disable", desk.disable), methods=["POST"]),
        Route(f"{place}/enable", desk.changing("enable", desk.enable), methods=["POST"]),
    ]


class _Desk:
    """Where administrators are served, and everybody else is not."""

    def __init__(self, administration: Administration, recording: Recording) -> None:
        self._administration = administration
        self._recording = recording

    def reading(self, operation: str, act: Act) -> Answer:
        """What answers with what is registered."""
        return self._answering(CLIENT_LOOK, operation, act, HTTPStatus.OK)

    def changing(self, operation: str, act: Act, status: HTTPStatus = HTTPStatus.OK) -> Answer:
        """What answers with what it changed."""
        return self._answering(CLIENT_CHANGE, operation, act, status)

    def _answering(self, event: str, operation: str, act: Act, status: HTTPStatus) -> Answer:
        """What answers with `act`, once it is on record."""

        async def perform(request: Request) -> Response:
            client: Client | None = None
            fields: dict[str, Any] = {"operation": operation, "id": request.path_params.get("id")}
            try:
                actor = await self._administration.admit(sender_of(request))
                client = actor.client
                self._administration.check(actor)
                told = await act(request)
            except (OAuthError, FhirError) as error:
                refused = error if isinstance(error, OAuthError) else translated(error)
                asking = client.id if client else None
                await self._recording.refused(event, request, refused, asking, **fields)
                raise refused from None
            await self._recording.succeeded(event, request, client, **{**fields, "id": told.get("id")})
            return answer(told, status=status)

        return guarded(perform)

    async def every(self, _: Request) -> dict[str, object]:
        """GET of all."""
        return {"clients": await self._administration.every()}

    async def add(self, request: Request) -> dict[str, object]:
        """POST."""
        return await self._administration.add(await read_body(request))

    async def one(self, request: Request) -> dict[str, object]:
        """GET of one."""
        return await self._administration.one(request.path_params["id"])

    async def change(self, request: Request) -> dict[str, object]:
        """PATCH."""
        return await self._administration.change(request.path_params["id"], await read_body(request))

    async def keys(self, request: Request) -> dict[str, object]:
        """PUT of keys."""
        return await self._administration.set_keys(request.path_params["id"], await read_body(request))

    async def disable(self, request: Request) -> dict[str, object]:
        """POST of disable."""
        return await self._administration.switch(request.path_params["id"], enabled=False)

    async def enable(self, request: Request) -> dict[str, object]:
        """POST of enable."""
        return await self._administration.switch(request.path_params["id"], enabled=True)
