"""Over the endpoints where anybody may try to prove who they are: each address has so many tries, each is on record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.auth.error import OAuthError, translated
from service.auth.form import read_form
from service.auth.recording import claimed_client
from service.auth.token_state import sender_of
from service.fhir.outcome import Category, FhirError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from service.auth.recording import Recording
    from service.auth.strangers import Strangers
    from service.auth.token_state import Sender
    from service.fhir.actor import Client

    Form = Mapping[str, str]
    Act = Callable[[Form, Sender], Awaitable[tuple[Response, Client | None]]]

_PROVED: Final = ("invalid_scope", "temporarily_unavailable")
"""How a client is refused that has proved who it is, or could not."""


class Watch:
    """Counts tries in `strangers`, and keeps them in `recording`; `now` is in seconds since 1970."""

    def __init__(self, strangers: Strangers, recording: Recording, now: Callable[[], float]) -> None:
        self._strangers = strangers
        self._recording = recording
        self._now = now

    def over(self, act: Act, event: str | None) -> Callable[[Request], Awaitable[Response]]:
        """What reads the form and acts on it; OAuthError. `event` None: it is not put on record."""

        async def perform(request: Request) -> Response:
            sender, form = sender_of(request), dict[str, str]()
            try:
                response, client = await self._tried(act, request, sender, form)
            except (OAuthError, FhirError) as error:
                refused = error if isinstance(error, OAuthError) else translated(error)
                if event is not None:
                    await self._recording.refused(event, request, refused, claimed_client(form))
                raise refused from None
            if event is not None and client is not None:
                await self._recording.succeeded(event, request, client)
            return response

        return perform

    async def _tried(
        self, act: Act, request: Request, sender: Sender, form: dict[str, str]
    ) -> tuple[Response, Client | None]:
        """What comes of a try; it counts unless the sender has proved who it is. `form` is filled."""
        bucket = self._strangers.take(sender.address, self._now())
        try:
            form.update(await read_form(request))
            done = await act(form, sender)
        except OAuthError as error:
            if error.code in _PROVED:
                bucket.give_back()
            raise
        except FhirError as error:
            if error.category is not Category.UNAUTHENTICATED:
                bucket.give_back()
            raise
        bucket.give_back()
        return done
