"""``/auth/token``: an access token for a client that proves who it is. Client credentials only, as in Backend Services.

https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html. Tokens are random and mean nothing to their bearer:
a signed one could not be taken back without asking the database anyway, and there is no signing key to guard or rotate.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from service.access.refusal import Refused
from service.access.scopes import LONGEST_SCOPES, known_scopes, narrowed, parse_scopes, scope_text
from service.auth.error import OAuthError
from service.auth.gate import digest_of
from service.store.tokens import NewToken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from service.auth.client_authentication import ClientAuthentication
    from service.fhir.actor import Client, Scope
    from service.store.clients import Registration
    from service.store.tokens import Tokens

_LOG: Final = logging.getLogger(__name__)
TOKEN_SECONDS: Final = 300
GRANT: Final = "client_credentials"


class TokenEndpoint:
    """Issues tokens; `new_token` makes random ones of 256 bits, as base64url."""

    def __init__(
        self,
        authentication: ClientAuthentication,
        tokens: Tokens,
        *,
        now: Callable[[], float],
        new_token: Callable[[], str],
    ) -> None:
        self._authentication = authentication
        self._tokens = tokens
        self._now = now
        self._new_token = new_token

    async def answer(self, form: Mapping[str, str]) -> tuple[dict[str, object], Client]:
        """The answer to a token request, and whom it is for; OAuthError, and what authentication raises."""
        if form.get("grant_type") != GRANT:
            raise OAuthError("unsupported_grant_type", f"grant_type must be {GRANT}.")
        client = await self._authentication.authenticate(form)
        registration = client.registration
        now = self._now()
        granted = scope_text(_granted(form.get("scope", ""), registration))
        token, issued_at = self._new_token(), datetime.fromtimestamp(now, UTC)
        new = NewToken(
            digest=digest_of(token.encode()),
            client_id=registration.id,
            scope=granted,
            issued_at=issued_at,
            expires_at=issued_at + timedelta(seconds=TOKEN_SECONDS),
            assertion_digest=client.digest,
            assertion_expires_at=client.spent_until,
        )
        if not await self._tokens.issue(new):
            raise OAuthError("invalid_client", "The assertion was used before; sign a new one, with its own jti.")
        _LOG.info("issued an access token", extra={"fields": {"client": registration.id, "scope": granted}})
        told = {"access_token": token, "token_type": "bearer", "expires_in": TOKEN_SECONDS, "scope": granted}
        return told, registration.client


def _granted(asked: str, registration: Registration) -> tuple[Scope, ...]:
    """The scopes to grant: those of the client itself, because nobody else is there; OAuthError invalid_scope."""
    try:
        scopes = narrowed(known_scopes(asked), parse_scopes(registration.scope))
    except Refused as refused:
        raise OAuthError("invalid_scope", refused.reason) from None
    granted = tuple(scope for scope in scopes if scope.level == "system")
    if len(scope_text(granted)) > LONGEST_SCOPES:
        raise OAuthError("invalid_scope", "The scopes that would be granted are too many; ask for fewer.")
    if not granted:
        told = "None of the scopes is one that the client is registered for; ask for scopes such as system/Task.rs."
        raise OAuthError("invalid_scope", told)
    return granted
