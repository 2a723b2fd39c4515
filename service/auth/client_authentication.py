"""Who asks the authorisation server: a client, by an assertion signed with its key (private_key_jwt).

https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from service.access.claims import LEEWAY_SECONDS, assertion_claims, assertion_header
from service.access.keys import select_key
from service.access.refusal import Refused
from service.access.registration import is_id
from service.auth.error import OAuthError
from service.auth.token_text import unverified, verified

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from service.access.claims import Assertion, Header
    from service.access.keys import Key
    from service.auth.key_sets import KeySets
    from service.auth.throttle import Throttle
    from service.store.clients import Clients, Registration

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_UNKNOWN: Final = "No such client is registered here by keys, or it is disabled."


class Authenticated(msgspec.Struct, frozen=True, kw_only=True):
    """A client that has proved who it is; `digest` is that of its assertion, which may be spent once."""

    registration: Registration
    digest: bytes
    spent_until: datetime


class ClientAuthentication:
    """Verifies client assertions for one token URL, `audience`; `now` is in seconds since 1970."""

    def __init__(
        self,
        clients: Clients,
        key_sets: KeySets,
        throttle: Throttle,
        *,
        audience: str,
        now: Callable[[], float],
    ) -> None:
        self._clients = clients
        self._key_sets = key_sets
        self._throttle = throttle
        self._audience = audience
        self._now = now

    async def authenticate(self, form: Mapping[str, str]) -> Authenticated:
        """The client that the form's assertion proves, spent or not; OAuthError invalid_client.

        FhirError throttled where it asks too often; what a stranger sends is not counted.
        """
        if form.get("client_assertion_type") != ASSERTION_TYPE or not form.get("client_assertion"):
            told = f"Send client_assertion, a signed JWT, and client_assertion_type={ASSERTION_TYPE}."
            raise OAuthError("invalid_client", told)
        try:
            proved = await self._authenticate(form["client_assertion"], form.get("client_id"))
        except Refused as refused:
            raise OAuthError("invalid_client", refused.reason) from None
        now, client = self._now(), proved.registration
        self._throttle.bucket(client.id, client.requests_per_minute, now).take(now)
        return proved

    async def _authenticate(self, token: str, named: str | None) -> Authenticated:
        unproved = unverified(token)
        client_id = unproved.claims.get("iss")
        if not is_id(client_id) or named not in (None, client_id):
            raise Refused("iss of the assertion must be the client's id.")
        registration = await self._clients.find(client_id)
        if registration is None or registration.disabled_at is not None or registration.issuer is not None:
            raise Refused(_UNKNOWN)
        header = assertion_header(unproved.header, jwks_url=registration.jwks_url)
        key = select_key(await self._keys(registration, header), header)
        claims = verified(token, key, header.algorithm)
        assertion = assertion_claims(claims, client_id=client_id, audience=self._audience, now=self._now())
        return Authenticated(
            registration=registration,
            digest=_digest(assertion),
            spent_until=datetime.fromtimestamp(assertion.expires_at + LEEWAY_SECONDS + 1, UTC),
        )

    async def _keys(self, registration: Registration, header: Header) -> list[Key]:
        if registration.jwks_url is not None:
            return await self._key_sets.keys(registration.jwks_url, header.key_id)
        keys: list[Key] = msgspec.json.decode(registration.jwks or b"")["keys"]
        return keys


def _digest(assertion: Assertion) -> bytes:
    return hashlib.sha256(msgspec.json.encode([assertion.client_id, assertion.token_id])).digest()
