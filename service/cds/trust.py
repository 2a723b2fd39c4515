"""Which EHR calls: a JSON Web Token that it signs for every call, of an issuer that the deployment trusts.

https://cds-hooks.hl7.org/2.0/#trusting-cds-clients. The keys are those at the URL that the deployment gave for the
issuer, whatever the token says; a token is accepted once.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from service.access.claims import LEEWAY_SECONDS, access_token_header, check_access_token
from service.access.keys import select_key
from service.access.refusal import Refused
from service.auth.key_sets import KeySets
from service.auth.strangers import Strangers
from service.auth.throttle import Throttle
from service.auth.token_text import unverified, verified
from service.fhir.outcome import failure
from service.outgoing.address import EVERYWHERE
from service.outgoing.fetch import Fetch
from service.store.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from service.store.pool import Pool

ALGORITHMS: Final = ("ES384", "RS384", "ES256", "RS256", "PS256", "PS384", "ES512", "RS512", "PS512")
"""The first two are those that CDS Hooks recommends; none is symmetric."""

LIFETIME_SECONDS: Final = 3600
"""How far ahead a token may expire: it is remembered as spent for as long."""

_BEARER: Final = "bearer "
_LONGEST_TEXT: Final = 255


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Requests a minute, of which each of the workers allows its share."""

    each_issuer: int
    each_stranger: int
    workers: int


class Trust:
    """Verifies the tokens of `issuers`, issuer → URL of its key set; `now` is in seconds since 1970."""

    def __init__(
        self,
        issuers: Mapping[str, str],
        *,
        key_sets: KeySets,
        tokens: Tokens,
        throttle: Throttle,
        strangers: Strangers,
        now: Callable[[], float],
    ) -> None:
        self._issuers = dict(issuers)
        self._key_sets = key_sets
        self._tokens = tokens
        self._throttle = throttle
        self._strangers = strangers
        self._now = now

    async def caller(self, authorization: str | None, audiences: tuple[str, ...], address: str | None) -> str:
        """The issuer whose token an Authorization header carries for one of these URLs, sent from an address.

        FhirError unauthenticated or throttled.
        """
        now = self._now()
        bucket = self._strangers.take(address, now)
        if authorization is None or authorization[: len(_BEARER)].lower() != _BEARER:
            raise _unauthenticated(f"Send Authorization: Bearer and a JSON Web Token for {audiences[0]}.")
        try:
            issuer, claims = await self._verified(authorization[len(_BEARER) :].strip(), audiences)
            token_id, until = self._once(claims)
        except Refused as refused:
            raise _unauthenticated(refused.reason) from None
        bucket.give_back()
        self._throttle.bucket(issuer, None, now).take(now)
        digest = hashlib.sha256(msgspec.json.encode(["cds", issuer, token_id])).digest()
        if not await self._tokens.spend(digest, expires_at=until, now=datetime.fromtimestamp(now, UTC)):
            raise _unauthenticated("The token was used before; sign a new one, with its own jti, for every call.")
        return issuer

    async def _verified(self, token: str, audiences: tuple[str, ...]) -> tuple[str, dict[str, Any]]:
        unproved = unverified(token)
        issuer = unproved.claims.get("iss")
        keys_url = self._issuers.get(issuer) if isinstance(issuer, str) else None
        if keys_url is None or issuer is None:
            raise Refused("The token's issuer is not one that this service trusts.")
        header = access_token_header(unproved.header, algorithms=ALGORITHMS)
        if header.key_id is None:
            raise Refused("The token's header needs kid, the id of the key that it is signed with.")
        if unproved.header.get("jku", keys_url) != keys_url:
            raise Refused("The token's jku is not the URL that this service knows for its issuer.")
        keys = await self._key_sets.keys(keys_url, header.key_id)
        claims = verified(token, select_key(keys, header), header.algorithm)
        named = claims.get("aud")
        audience = next((each for each in audiences if named in (each, [each])), audiences[0])
        check_access_token(claims, issuer=issuer, audience=audience, now=self._now())
        return issuer, claims

    def _once(self, claims: dict[str, Any]) -> tuple[str, datetime]:
        """The token's id, and until when it must be remembered; Refused."""
        token_id = claims.get("jti")
        if not isinstance(token_id, str) or not 0 < len(token_id) <= _LONGEST_TEXT:
            raise Refused(f"The token needs jti, a text of at most {_LONGEST_TEXT} characters of its own.")
        if claims.get("iat") is None:
            raise Refused("The token needs iat, when it was issued.")
        expires_at = float(claims["exp"])
        if expires_at > self._now() + LIFETIME_SECONDS + LEEWAY_SECONDS:
            raise Refused(f"exp of the token may lie at most {LIFETIME_SECONDS} seconds ahead.")
        return token_id, datetime.fromtimestamp(expires_at + LEEWAY_SECONDS + 1, UTC)


def trust_in(issuers: Mapping[str, str], pool: Pool, limits: Limits, *, now: Callable[[], float]) -> Trust:
    """The trust of one worker."""
    return Trust(
        issuers,
        # who runs the service names the URLs, which may well be on its own network
        key_sets=KeySets(Fetch(allowed=EVERYWHERE), now),
        tokens=Tokens(pool),
        throttle=Throttle(per_minute=limits.each_issuer, workers=limits.workers),
        strangers=Strangers(per_minute=limits.each_stranger, workers=limits.workers),
        now=now,
    )


def _unauthenticated(told: str) -> Exception:
    return failure("unauthenticated", told, "http.Authorization")
