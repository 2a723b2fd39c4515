"""Registering clients, for the command line and the administrators' API alike.

They call the same things differently: `called` is what the sender of a field calls it, its own name or an option.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from service.access.claims import ASSERTION_ALGORITHMS
from service.access.keys import registered_keys
from service.access.refusal import Refused
from service.access.registration import (
    checked_id,
    checked_limit,
    checked_name,
    checked_organisation,
    checked_role,
    checked_scopes,
)
from service.outgoing.error import OutgoingError
from service.store.clients import Registration

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

_LONGEST_URL: Final = 2000


class NewClient(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody asks to be registered: by exactly one of `jwks`, `jwks_url` and `issuer`.

    `id` None: one is made. `scope` None: those of the role.
    """

    name: str
    role: str
    id: str | None = None
    organisation: str | None = None
    scope: str | None = None
    jwks: Any = None
    jwks_url: str | None = None
    issuer: str | None = None
    requests_per_minute: int | None = None


class NewKeys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys for a client that is registered: a set, or where it is."""

    jwks: Any = None
    jwks_url: str | None = None


class Changes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change about a client; what is not there stays as it is.

    `scope` None: those of the role. `requests_per_minute` None: as the settings say.
    """

    name: str | msgspec.UnsetType = msgspec.UNSET
    scope: str | msgspec.UnsetType | None = msgspec.UNSET
    requests_per_minute: int | msgspec.UnsetType | None = msgspec.UNSET


def changed(
    registered: Registration, asked: Changes, called: Callable[[str], str] = str
) -> tuple[str, str, int | None]:
    """The name, scopes and limit that a client has after the changes; Refused, also where none are asked for."""
    name, scope, limit = asked.name, asked.scope, asked.requests_per_minute
    if name is scope is limit is msgspec.UNSET:
        names = [called(each) for each in ("name", "scope", "requests_per_minute")]
        raise Refused(f"Name what is to change: {names[0]}, {names[1]} or {names[2]}.")
    return (
        registered.name if name is msgspec.UNSET else checked_name(name),
        registered.scope if scope is msgspec.UNSET else checked_scopes(scope, registered.role),
        registered.requests_per_minute if limit is msgspec.UNSET else checked_limit(limit, called),
    )


def registration(
    new: NewClient,
    *,
    created_at: datetime,
    new_id: Callable[[], str],
    check_url: Callable[[str], None],
    issuers: tuple[str, ...],
    called: Callable[[str], str] = str,
) -> Registration:
    """The client as it can be registered; Refused says what would be accepted."""
    role = checked_role(new.role)
    sources = [each for each in (new.jwks, new.jwks_url, new.issuer) if each is not None]
    if len(sources) != 1:
        names = [called(each) for each in ("jwks", "jwks_url", "issuer")]
        raise Refused(f"A client is registered by exactly one of {names[0]}, {names[1]} and {names[2]}.")
    if new.issuer is not None and (new.issuer not in issuers or new.id is None):
        told = (
            f"{called('issuer')} must be one of OIDC_ISSUERS, and {called('id')} the id by which it knows the client."
        )
        raise Refused(told)
    return Registration(
        id=checked_id(new.id or new_id()),
        name=checked_name(new.name),
        role=role,
        organisation=checked_organisation(new.organisation, role),
        scope=checked_scopes(new.scope, role),
        jwks=None if new.jwks is None else checked_jwks(new.jwks),
        jwks_url=None if new.jwks_url is None else checked_jwks_url(new.jwks_url, check_url, called),
        issuer=new.issuer,
        requests_per_minute=checked_limit(new.requests_per_minute, called),
        created_at=created_at,
    )


def checked_jwks(document: Any) -> bytes:
    """A key set as it is stored; Refused."""
    return msgspec.json.encode({"keys": registered_keys(document, ASSERTION_ALGORITHMS)})


def joined(registered: bytes | None, document: Any) -> Any:
    """The keys of a set after those that are registered already, which it may name again; not yet checked."""
    if registered is None or not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        return document
    kept: list[Any] = msgspec.json.decode(registered)["keys"]
    return {"keys": kept + [key for key in document["keys"] if key not in kept]}


def checked_jwks_url(url: str, check_url: Callable[[str], None], called: Callable[[str], str] = str) -> str:
    """The URL of a key set, as far as it can be judged without asking its host; Refused."""
    if len(url) > _LONGEST_URL:
        raise Refused(f"{called('jwks_url')} may have at most {_LONGEST_URL} characters.")
    try:
        check_url(url)
    except OutgoingError as error:
        raise Refused(f"{called('jwks_url')}: {error}") from None
    return url


def shown(registered: Registration) -> dict[str, object]:
    """A client as administrators see it; keys are public, and secrets there are none."""
    told: dict[str, object] = {
        "id": registered.id,
        "name": registered.name,
        "role": registered.role,
        "organisation": registered.organisation,
        "scope": registered.scope,
        "jwks": None if registered.jwks is None else msgspec.json.decode(registered.jwks),
        "jwks_url": registered.jwks_url,
        "issuer": registered.issuer,
        "requests_per_minute": registered.requests_per_minute,
        "created_at": registered.created_at.isoformat(),
        "disabled_at": registered.disabled_at and registered.disabled_at.isoformat(),
    }
    return {name: value for name, value in told.items() if value is not None}
