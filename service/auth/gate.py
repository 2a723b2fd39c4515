"""The gate before FHIR: a bearer token becomes the actor of an interaction. https://www.rfc-editor.org/rfc/rfc6750

What was found out about a token is remembered by each worker, so that a request costs a look into a dictionary. Once in
`TRUSTED_SECONDS` the next request asks the database whether a right was taken away since, by any worker; if so all is
forgotten. A worker that cannot ask lets nobody in.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.access.scopes import known_scopes, merged, narrowed
from service.fhir.actor import Actor, Admission
from service.fhir.outcome import Category, FhirError, failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.auth.issuers import Issuers
    from service.auth.strangers import Strangers
    from service.auth.throttle import Bucket, Throttle
    from service.fhir.actor import Scope
    from service.store.tokens import Held, Tokens

TRUSTED_SECONDS: Final = 1.0
"""How long a token may still be accepted after it was revoked, or its client disabled."""

_BEARER: Final = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/=\-]{1,8192})")
_OWN: Final = re.compile(rb"[A-Za-z0-9_-]{43}")
_MOST_REMEMBERED: Final = 10_000


class Known(Struct, frozen=True, kw_only=True):
    """What a token stands for until `expires_at`, seconds since 1970; `generation` is the one that it was read in."""

    actor: Actor
    expires_at: float
    own_limit: int | None
    generation: int


class _Remembered(Struct, frozen=True):
    actor: Actor
    expires_at: float
    bucket: Bucket
    admission: Admission


class Gate:
    """Admits the bearers of tokens; `tokens` None: not of our own, `issuers` None: not of others."""

    def __init__(
        self,
        tokens: Tokens,
        throttle: Throttle,
        strangers: Strangers,
        *,
        is_issuer: bool,
        issuers: Issuers | None,
        now: Callable[[], float],
    ) -> None:
        self._tokens = tokens
        self._throttle = throttle
        self._strangers = strangers
        self._is_issuer = is_issuer
        self._issuers = issuers
        self._now = now
        self._remembered: dict[bytes, _Remembered] = {}
        self._generation = -1
        self._asked_at = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    async def admit(self, authorization: bytes | None, address: str | None) -> Actor:
        """Who sends a request with this Authorization header from there; FhirError unauthenticated or throttled."""
        admission = await self.admission(authorization, address)
        if admission.refusal is not None:
            raise admission.refusal
        return admission.actor

    async def stay(self, authorization: bytes, address: str | None) -> tuple[Actor, int]:
        """Who it is, and for how many whole seconds the token still counts; FhirError as of `admit`."""
        now = self._now()
        remembered = await self._recognised(authorization, address, now)
        remembered.bucket.take(now)
        return remembered.actor, int(remembered.expires_at - now)

    async def admission(self, authorization: bytes | None, address: str | None) -> Admission:
        """The same, and who it is of whom there are too many requests; FhirError unauthenticated or throttled."""
        now = self._now()
        remembered = await self._recognised(authorization, address, now)
        try:
            remembered.bucket.take(now)
        except FhirError as throttled:
            return Admission(remembered.actor, throttled)
        return remembered.admission

    async def _recognised(self, authorization: bytes | None, address: str | None, now: float) -> _Remembered:
        """What is known of a token; FhirError unauthenticated or throttled."""
        if authorization is None:
            self._strangers.take(address, now)
            raise _refused(
                "Send Authorization: Bearer and an access token; .well-known/smart-configuration says where."
            )
        if not 0 <= now - self._asked_at < TRUSTED_SECONDS:
            await self._ask()
        remembered = self._remembered.get(authorization)
        if remembered is None or remembered.expires_at <= now:
            remembered = await self._introduced(authorization, address, now)
        return remembered

    def visit(self, address: str | None) -> None:
        """Count a request of somebody who need not say who they are; FhirError throttled."""
        self._strangers.take(address, self._now())

    async def _introduced(self, authorization: bytes, address: str | None, now: float) -> _Remembered:
        """What is found out about a token that is not remembered, as long as its sender has not sent too many."""
        bucket = self._strangers.take(address, now)
        try:
            remembered = await self._look(authorization)
        except FhirError as error:
            if error.category is not Category.UNAUTHENTICATED:
                bucket.give_back()
            raise
        bucket.give_back()
        return remembered

    async def _ask(self) -> None:
        """Forget everything if a right was taken away; requests that come meanwhile wait for the same answer."""
        if self._asking is None:
            self._asking = asyncio.create_task(self._compare())
            # where nobody waits any more, a failure is nobody's
            self._asking.add_done_callback(lambda asked: asked.cancelled() or asked.exception())
        # the request that asked may be cancelled, the others still wait
        await asyncio.shield(self._asking)

    async def _compare(self) -> None:
        try:
            asked_at = self._now()
            generation = await self._tokens.generation()
            # a lower one is that of a database that was restored from a backup
            if generation != self._generation:
                self._forget(generation)
            self._asked_at = asked_at
        finally:
            self._asking = None

    def _forget(self, generation: int) -> None:
        self._remembered.clear()
        self._generation = generation

    async def _look(self, authorization: bytes) -> _Remembered:
        match = _BEARER.fullmatch(authorization)
        if match is None:
            raise _refused("The Authorization header must be Bearer, a blank and an access token.")
        token: bytes = match[1]
        known = await (self._own(token) if b"." not in token else self._foreign(token))
        now = self._now()
        if known.expires_at <= now:
            raise _refused("The access token has expired; ask for a new one.")
        bucket = self._throttle.bucket(known.actor.client.id, known.own_limit, now)
        remembered = _Remembered(known.actor, known.expires_at, bucket, Admission(known.actor))
        # what was read before a right was taken away must not outlive that
        if known.generation >= self._generation:
            if known.generation > self._generation:
                self._forget(known.generation)
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[authorization] = remembered
        return remembered

    async def _own(self, token: bytes) -> Known:
        held = None
        if self._is_issuer and _OWN.fullmatch(token):
            held = await self._tokens.find(digest_of(token))
        if held is None or held.expires_at is None:
            raise _refused("The access token is not one of this service, or it was revoked.")
        return _known(held)

    async def _foreign(self, token: bytes) -> Known:
        if self._issuers is None:
            raise _refused("The access token is not one of this service.")
        return await self._issuers.known(token.decode())


def digest_of(token: bytes) -> bytes:
    """What the database keeps of a token."""
    return hashlib.sha256(token).digest()


def scopes_left(held: Held) -> tuple[Scope, ...]:
    """What a token was granted, as far as its client is still registered for it."""
    return merged(narrowed(known_scopes(held.granted), known_scopes(held.registration.scope)))


def _known(held: Held) -> Known:
    return Known(
        actor=Actor(client=held.registration.client, scopes=scopes_left(held)),
        expires_at=held.expires_at.timestamp() if held.expires_at else 0.0,
        own_limit=held.registration.requests_per_minute,
        generation=held.generation,
    )


def _refused(told: str) -> FhirError:
    return failure("unauthenticated", told, "http.Authorization")
