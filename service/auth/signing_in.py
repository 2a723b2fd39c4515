"""``/sign-in`` and ``/sign-out``: a person gives an access token to a form, and a browser keeps it while it lasts.

Pages only read, so nothing is lost to a page of somebody else that sends its visitor here; even so a form of another
site is refused, as it could sign a person in as somebody else. Each try counts and is on record as those for a token.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.responses import Response
from starlette.routing import Route

from service.access.signed_in import LONGEST_TOKEN, forgotten, is_from_own_page, is_token, kept, token_in
from service.auth.error import NO_STORE, OAuthError, translated
from service.auth.gate import digest_of
from service.fhir.audit.record import LOGIN, LOGOUT
from service.fhir.outcome import FhirError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request

    from service.auth.gate import Gate
    from service.auth.token_state import Sender
    from service.auth.watch import Watch
    from service.fhir.actor import Client
    from service.store.tokens import Tokens

    Page = Callable[[str], Response]
    Act = Callable[[Mapping[str, str], Sender], Awaitable[tuple[Response, Client | None]]]

_NO_TOKEN: Final = f"Give an access token of at most {LONGEST_TOKEN:,} characters."
_ELSEWHERE: Final = "The form must be sent by the sign-in page of this service."
_ENDED: Final = "You are signed out, and the access token has ended, if it was one of this service."


class SigningIn:
    """`page` makes the sign-in page with what is to be told; `fhir` is the public FHIR base URL."""

    def __init__(self, gate: Gate, tokens: Tokens, watch: Watch, *, fhir: str, page: Page) -> None:
        self._gate = gate
        self._tokens = tokens
        self._watch = watch
        self._page = page
        split = urlsplit(fhir)
        self._origin = f"{split.scheme}://{split.netloc}"
        self._work_list = f"{split.path}/worklist"

    def routes(self) -> list[Route]:
        """The page, what its form sends, and the way out."""

        async def show(_: Request) -> Response:
            return self._page("")

        return [
            Route("/sign-in", show, methods=["GET"]),
            Route("/sign-in", self._formed(self._sign_in, LOGIN), methods=["POST"]),
            Route("/sign-out", self._formed(self._sign_out, LOGOUT), methods=["POST"]),
        ]

    def _formed(
        self, act: Callable[..., Awaitable[tuple[Response, Client | None]]], event: str
    ) -> Callable[[Request], Awaitable[Response]]:
        """What answers a form with a page, also where it is refused."""

        async def answer(request: Request) -> Response:
            site, origin = (request.headers.get(name) for name in ("sec-fetch-site", "origin"))
            if not is_from_own_page(site, origin, self._origin):
                return self._refused(OAuthError("invalid_request", _ELSEWHERE))

            async def perform(form: Mapping[str, str], sender: Sender) -> tuple[Response, Client | None]:
                return await act(form, sender, request)

            try:
                return await self._watch.over(perform, event)(request)
            except OAuthError as refused:
                return self._refused(refused)
            except FhirError as error:
                return self._refused(translated(error))

        return answer

    async def _sign_in(self, form: Mapping[str, str], sender: Sender, _: Request) -> tuple[Response, Client | None]:
        token = form.get("token", "").strip()
        if not is_token(token):
            raise OAuthError("invalid_token", _NO_TOKEN)
        actor, seconds = await self._gate.stay(f"Bearer {token}".encode(), sender.address)
        headers = {**NO_STORE, "Set-Cookie": kept(token, seconds), "Location": self._work_list}
        return Response(status_code=HTTPStatus.SEE_OTHER, headers=headers), actor.client

    async def _sign_out(self, _: Mapping[str, str], sender: Sender, request: Request) -> tuple[Response, Client | None]:
        token = token_in([value for name, value in request.scope["headers"] if name == b"cookie"])
        client = None
        if token is not None:
            try:
                client = (await self._gate.stay(f"Bearer {token}".encode(), sender.address))[0].client
                await self._tokens.revoke(digest_of(token.encode()), client_id=client.id)
            except FhirError as error:
                if error.code != "unauthenticated":
                    raise
        response = self._page(_ENDED)
        response.headers["Set-Cookie"] = forgotten()
        return response, client

    def _refused(self, error: OAuthError) -> Response:
        response = self._page(error.description)
        response.status_code = error.status
        if error.retry_after_seconds is not None:
            response.headers["Retry-After"] = str(error.retry_after_seconds)
        return response
