"""Who asks the authorisation server: a client, by an assertion signed with its key (private_key_jwt).

https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from service.access.claims import LEEWAY_SECONDS, assertion_claims, assertion_header, require_registered_jku
from service.access.keys import select_key
from service.access.refusal import Refused
from service.access.registration import is_id
from service.auth.error import OAuthError
from service.auth.token_text import unverified, verified

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from service.access.claims import Assertion, Header
    from service.access.keys import Key
    from service.auth.evenness import Evenness
    from service.auth.key_sets import KeySets
    from service.auth.throttle import Throttle
    from service.auth.token_text import Unverified
    from service.store.clients import Clients, Registration

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_UNPROVED: Final = (
    "No client of this id that is registered here, and not disabled, has a key that verifies the assertion. Look at "
    "iss, at kid, and at the keys that are registered or at the client's JWKS URL; the log of the service says more."
)
"""All that anybody is told who does not prove to be a client: whether there is one is nobody else's business."""


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
        evenness: Evenness,
        *,
        audience: str,
        now: Callable[[], float],
    ) -> None:
        self._clients = clients
        self._key_sets = key_sets
        self._throttle = throttle
        self._evenness = evenness
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
        # what the sender can see for himself is told first, and the same whether there is such a client or not
        header = assertion_header(unproved.header)
        assertion = assertion_claims(unproved.claims, client_id=client_id, audience=self._audience, now=self._now())
        began = self._evenness.start()
        try:
            registration = await self._signed_by(client_id, token, unproved, header)
        except Refused as refused:
            await self._evenness.wait(began)
            raise OAuthError("invalid_client", _UNPROVED, cause=f"{client_id}: {refused.reason}") from None
        self._evenness.note(began)
        return Authenticated(
            registration=registration,
            digest=_digest(assertion),
            spent_until=datetime.fromtimestamp(assertion.expires_at + LEEWAY_SECONDS + 1, UTC),
        )

    async def _signed_by(self, client_id: str, token: str, unproved: Unverified, header: Header) -> Registration:
        """The client, if it is one and the token is signed with its key; Refused, for the log, tells what is wrong."""
        registration = await self._clients.find(client_id)
        if registration is None:
            raise Refused("There is no such client.")
        if registration.disabled_at is not None:
            raise Refused("The client is disabled.")
        if registration.issuer is not None:
            raise Refused("The client is registered for tokens of another issuer, and not by keys.")
        require_registered_jku(unproved.header, jwks_url=registration.jwks_url)
        key = select_key(await self._keys(registration, header), header)
        if verified(token, key, header.algorithm) != unproved.claims:
            raise Refused("The claims that were signed are others than those that were sent.")
        return registration

    async def _keys(self, registration: Registration, header: Header) -> list[Key]:
        if registration.jwks_url is not None:
            return await self._key_sets.keys(registration.jwks_url, header.key_id)
        keys: list[Key] = msgspec.json.decode(registration.jwks or b"")["keys"]
        return keys


def _digest(assertion: Assertion) -> bytes:
    return hashlib.sha256(msgspec.json.encode([assertion.client_id, assertion.token_id])).digest()
