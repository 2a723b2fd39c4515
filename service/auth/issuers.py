"""Access tokens of other issuers: an EHR's own authorisation server, Keycloak, Entra.

The keys are found by discovery. A token's client must be registered here under the id that the issuer knows it by:
organisation, role and the widest scopes are ours to say, never the token's.
https://openid.net/specs/openid-connect-discovery-1_0.html, https://www.rfc-editor.org/rfc/rfc9068
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from service.access.claims import access_token_header, check_access_token, client_of, granted_text
from service.access.keys import kept_seconds, select_key
from service.access.refusal import Refused
from service.access.scopes import known_scopes, merged, narrowed, parse_scopes
from service.auth.gate import Known
from service.auth.token_text import unverified, verified
from service.fhir.actor import PATIENTS, PROFESSIONALS, Actor, patient_of
from service.fhir.outcome import failure
from service.fhir.reference import names_one_of
from service.fhir.resource import LOGICAL_ID
from service.outgoing.error import OutgoingError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from service.auth.key_sets import Fetch, KeySets
    from service.store.tokens import Tokens

_DISCOVERY: Final = "/.well-known/openid-configuration"
_AGAIN_SECONDS: Final = 5.0
_Discovered = tuple[float, dict[str, Any], str]
"""Until when it is known, the document (empty: there is none), and why there is no newer one."""

_UNKNOWN: Final[_Discovered] = (0.0, {}, "")
_VERIFIED_SECONDS: Final = 60.0
"""How long a token that was verified is not looked at again: a key that its issuer withdraws ends it after that."""


class Issuers:
    """The issuers whose tokens are accepted, those for `audience`; `now` is in seconds since 1970.

    `base` is the public FHIR base URL, on which the patient who signed in may be named.
    """

    def __init__(
        self,
        issuers: Collection[str],
        *,
        base: str,
        audience: str,
        algorithms: Collection[str],
        fetch: Fetch,
        key_sets: KeySets,
        tokens: Tokens,
        now: Callable[[], float],
    ) -> None:
        self._issuers = tuple(issuers)
        self._base = base
        self._audience = audience
        self._algorithms = tuple(algorithms)
        self._fetch = fetch
        self._key_sets = key_sets
        self._tokens = tokens
        self._now = now
        self._discovered: dict[str, _Discovered] = {}
        self._locks = {issuer: asyncio.Lock() for issuer in self._issuers}

    async def known(self, token: str) -> Known:
        """What a token stands for; FhirError unauthenticated."""
        try:
            return await self._known(token)
        except Refused as refused:
            raise failure("unauthenticated", refused.reason, "http.Authorization") from None

    async def discovery(self, issuer: str) -> dict[str, Any]:
        """What an issuer publishes about itself, the last that could be read; Refused where there is none."""
        known, lock = self._discovered.get(issuer, _UNKNOWN), self._locks[issuer]
        # one asks again for all; who knows an older document meanwhile goes on by that
        if self._now() >= known[0] and not (known[1] and lock.locked()):
            async with lock:
                known = self._discovered.get(issuer, _UNKNOWN)
                if self._now() >= known[0]:
                    known = self._discovered[issuer] = await self._discovered_after(issuer, known[1])
        _, document, problem = known
        if not document:
            raise Refused(f"The token's issuer does not tell where its keys are. {problem}")
        return document

    async def _known(self, token: str) -> Known:
        claims = await self._verified(token)
        held = await self._tokens.find_client(client_of(claims), claims["iss"])
        if held is None:
            raise Refused("The token's client is not registered here with its issuer, or it is disabled.")
        registration = held.registration
        actor = Actor(
            client=registration.client,
            scopes=narrowed(known_scopes(granted_text(claims)), parse_scopes(registration.scope)),
            user=_user(claims.get("fhirUser")),
            patient=_patient(claims.get("patient")),
        )
        return Known(
            actor=_as_person(actor, self._base),
            expires_at=min(float(claims["exp"]), self._now() + _VERIFIED_SECONDS),
            own_limit=registration.requests_per_minute,
            generation=held.generation,
        )

    async def _verified(self, token: str) -> dict[str, Any]:
        unproved = unverified(token)
        issuer = unproved.claims.get("iss")
        if issuer not in self._issuers:
            raise Refused("The token's issuer is not one that this service trusts.")
        header = access_token_header(unproved.header, algorithms=self._algorithms)
        document = await self.discovery(issuer)
        keys = await self._key_sets.keys(document["jwks_uri"], header.key_id)
        claims = verified(token, select_key(keys, header), header.algorithm)
        check_access_token(claims, issuer=issuer, audience=self._audience, now=self._now())
        return claims

    async def _discovered_after(self, issuer: str, document: dict[str, Any]) -> _Discovered:
        """What is known of an issuer now; `document` is what was known before."""
        try:
            seconds, document = await self._discover(issuer)
            problem = ""
        except Refused as refused:
            seconds, problem = 0.0, refused.reason
        return self._now() + max(seconds, _AGAIN_SECONDS), document, problem

    async def _discover(self, issuer: str) -> tuple[float, dict[str, Any]]:
        """The document and how long it may be kept, in seconds; Refused."""
        try:
            document = await self._fetch(issuer.rstrip("/") + _DISCOVERY)
        except OutgoingError as error:
            raise Refused(str(error)) from None
        content = document.content
        if not isinstance(content, dict) or content.get("issuer") != issuer:
            raise Refused("Its discovery document is not its own.")
        keys = content.get("jwks_uri")
        if not isinstance(keys, str) or not keys.startswith(f"{issuer.partition(':')[0]}:"):
            raise Refused("Its discovery document names no key set.")
        return kept_seconds(document.headers), content


def _as_person(actor: Actor, base: str) -> Actor:
    """The actor with what its scopes of a user come to: all that they say for a professional alone.

    Who signed in as a patient, or for one, has them within the compartment of the patient of the launch context, or
    else his own; anybody else, or who cannot be told, has none.
    """
    user = actor.user or ""
    if names_one_of(PROFESSIONALS, user, base):
        return actor
    if not names_one_of(PATIENTS, user, base):
        return replace(actor, scopes=tuple(scope for scope in actor.scopes if scope.level != "user"))
    # without a launch context the token's own patient/ scopes are nobody's
    held = (scope for scope in actor.scopes if scope.level != "patient" or actor.patient is not None)
    scopes = merged(replace(scope, level="patient") if scope.level == "user" else scope for scope in held)
    return replace(actor, scopes=scopes, patient=patient_of(actor, base))


def _user(value: Any) -> str | None:
    return value if isinstance(value, str) and value.isprintable() and 0 < len(value) <= 1024 else None


def _patient(value: Any) -> str | None:
    """The logical id of the launch context's patient, which some issuers send as a reference."""
    identifier = value.removeprefix("Patient/") if isinstance(value, str) else ""
    return identifier if LOGICAL_ID.fullmatch(identifier) else None
