"""``/auth/introspect`` and ``/auth/revoke``: what a token stands for, and its end before its time.

https://www.rfc-editor.org/rfc/rfc7662, https://www.rfc-editor.org/rfc/rfc7009. A client asks about its own tokens; an
administrator about all. Nobody learns from an answer whether another one's token exists.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from service.access.scopes import scope_text
from service.auth.error import OAuthError
from service.auth.gate import digest_of, scopes_left

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from service.auth.client_authentication import ClientAuthentication
    from service.auth.gate import Gate
    from service.fhir.actor import Client
    from service.store.tokens import Tokens


class Sender(Struct, frozen=True):
    """What a request tells of who sends it besides its form: its Authorization header, and from where it came."""

    authorization: bytes | None
    address: str | None


def sender_of(request: Request) -> Sender:
    """The sender of a request."""
    sent = request.headers.get("authorization")
    return Sender(None if sent is None else sent.encode("latin-1"), request.client.host if request.client else None)


class TokenState:
    """Tells of tokens and revokes them, for clients that authenticate by an assertion or an access token."""

    def __init__(
        self,
        authentication: ClientAuthentication,
        gate: Gate,
        tokens: Tokens,
        *,
        issuer: str,
        now: Callable[[], float],
    ) -> None:
        self._authentication = authentication
        self._gate = gate
        self._tokens = tokens
        self._issuer = issuer
        self._now = now

    async def introspected(self, form: Mapping[str, str], sender: Sender) -> dict[str, object]:
        """The answer to an introspection; OAuthError, or FhirError of the gate."""
        asking = await self._caller(form, sender)
        held = await self._tokens.find(digest_of(_token(form)))
        if held is None or held.expires_at is None or held.issued_at is None:
            return {"active": False}
        owner = held.registration
        expires_at = int(held.expires_at.timestamp())
        if expires_at <= self._now() or (owner.id != asking.id and asking.role != "administrator"):
            return {"active": False}
        told = {
            "active": True,
            "scope": scope_text(scopes_left(held)),
            "client_id": owner.id,
            "sub": owner.id,
            "iss": self._issuer,
            "token_type": "bearer",
            "iat": int(held.issued_at.timestamp()),
            "exp": expires_at,
        }
        return told | ({"organisation": owner.organisation} if owner.organisation else {})

    async def revoke(self, form: Mapping[str, str], sender: Sender) -> Client:
        """Take a token away from the client that asks; unknown ones and those of others are left as they are."""
        asking = await self._caller(form, sender)
        await self._tokens.revoke(digest_of(_token(form)), client_id=asking.id)
        return asking

    async def _caller(self, form: Mapping[str, str], sender: Sender) -> Client:
        if sender.authorization is not None:
            return (await self._gate.admit(sender.authorization, sender.address)).client
        client = await self._authentication.authenticate(form)
        now = datetime.fromtimestamp(self._now(), UTC)
        if not await self._tokens.spend(client.digest, expires_at=client.spent_until, now=now):
            raise OAuthError("invalid_client", "The assertion was used before; sign a new one, with its own jti.")
        return client.registration.client


def _token(form: Mapping[str, str]) -> bytes:
    token = form.get("token")
    if not token:
        raise OAuthError("invalid_request", "Send the token as the parameter token.")
    return token.encode()
