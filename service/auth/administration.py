"""``/auth/clients``: the registry for administrators, as the command line has it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import msgspec

from service.access.permission import ALLOWED, Need, check_needs
from service.access.refusal import Refused
from service.access.registration import is_id
from service.auth.error import OAuthError
from service.auth.registering import (
    Changes,
    NewClient,
    NewKeys,
    changed,
    checked_jwks,
    checked_jwks_url,
    registration,
    shown,
)
from service.fhir.actor import ANY_TYPE, PERMISSIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.auth.gate import Gate
    from service.auth.token_state import Sender
    from service.fhir.actor import Actor
    from service.store.clients import Clients, Registration

_Body = TypeVar("_Body")


class Administration:
    """What administrators do with clients; everybody else is refused. `now` is in seconds since 1970."""

    def __init__(
        self,
        clients: Clients,
        gate: Gate,
        *,
        issuers: tuple[str, ...],
        check_url: Callable[[str], None],
        new_id: Callable[[], str],
        now: Callable[[], float],
    ) -> None:
        self._clients = clients
        self._gate = gate
        self._issuers = issuers
        self._check_url = check_url
        self._new_id = new_id
        self._now = now

    async def admit(self, sender: Sender) -> Actor:
        """Who asks; FhirError of the gate."""
        return await self._gate.admit(sender.authorization, sender.address)

    def check(self, actor: Actor) -> None:
        """OAuthError unless it is an administrator who may do everything.

        Who may change the registry can give himself any scope, so that no narrower one would hold.
        """
        if actor.client.role != "administrator":
            raise OAuthError("insufficient_scope", "Only a client with the role administrator may do this.")
        if check_needs(actor, [Need(ANY_TYPE, letter) for letter in PERMISSIONS]) != ALLOWED:
            raise OAuthError(
                "insufficient_scope", "The registry of clients takes a token with the scope system/*.cruds."
            )

    async def every(self) -> list[dict[str, object]]:
        """All clients."""
        return [shown(each) for each in await self._clients.every()]

    async def one(self, client_id: str) -> dict[str, object]:
        """One client; OAuthError not_found."""
        return shown(_found(await self._clients.find(_named(client_id))))

    async def add(self, body: bytes) -> dict[str, object]:
        """Register a client; OAuthError."""
        new = _read(body, NewClient)
        try:
            checked = registration(
                new,
                created_at=datetime.fromtimestamp(self._now(), UTC),
                new_id=self._new_id,
                check_url=self._check_url,
                issuers=self._issuers,
            )
        except Refused as refused:
            raise OAuthError("invalid_request", refused.reason) from None
        if not await self._clients.add(checked):
            raise OAuthError("already_exists", "A client of this id is registered.")
        return shown(checked)

    async def change(self, client_id: str, body: bytes) -> dict[str, object]:
        """Change what a client is called, may ask for, and how often; OAuthError. What is not named stays."""
        asked = _read(body, Changes)
        registered = _found(await self._clients.find(_named(client_id)))
        try:
            name, scope, limit = changed(registered, asked)
        except Refused as refused:
            raise OAuthError("invalid_request", refused.reason) from None
        done = await self._clients.change(registered.id, name=name, scope=scope, requests_per_minute=limit)
        return shown(_found(done))

    async def set_keys(self, client_id: str, body: bytes) -> dict[str, object]:
        """Put keys in the place of those registered; to change keys without a gap, send the old and the new ones."""
        new = _read(body, NewKeys)
        if (new.jwks is None) == (new.jwks_url is None):
            raise OAuthError("invalid_request", "Send either jwks or jwks_url.")
        try:
            jwks = None if new.jwks is None else checked_jwks(new.jwks)
            url = None if new.jwks_url is None else checked_jwks_url(new.jwks_url, self._check_url)
        except Refused as refused:
            raise OAuthError("invalid_request", refused.reason) from None
        return shown(_found(await self._clients.set_keys(_named(client_id), jwks=jwks, jwks_url=url)))

    async def switch(self, client_id: str, *, enabled: bool) -> dict[str, object]:
        """Disable a client, which ends its tokens, or enable it again; OAuthError not_found."""
        disabled_at = None if enabled else datetime.fromtimestamp(self._now(), UTC)
        return shown(_found(await self._clients.switch(_named(client_id), disabled_at=disabled_at)))


def _named(client_id: str) -> str:
    """The id in a path; OAuthError not_found for one that nobody can have."""
    return client_id if is_id(client_id) else _found(None).id


def _found(registered: Registration | None) -> Registration:
    if registered is None:
        raise OAuthError("not_found", "No such client is registered, or it has no keys of its own.")
    return registered


def _read(body: bytes, kind: type[_Body]) -> _Body:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # the text of a ValidationError names members and types, and quotes no value
        told = str(error) if isinstance(error, msgspec.ValidationError) else "The body is not JSON."
        raise OAuthError("invalid_request", told) from None
