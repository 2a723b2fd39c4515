"""The client's side of Backend Services, for developers who try the service out: a key pair, an assertion, a token."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import httpx
from joserfc import jws
from joserfc.jwk import ECKey

from service.access.refusal import Refused
from service.auth.client_authentication import ASSERTION_TYPE
from service.auth.token import GRANT

if TYPE_CHECKING:
    from service.access.keys import Key

_ALGORITHM: Final = "ES384"
_CURVE: Final = "P-384"
_LIFETIME_SECONDS: Final = 60
_TIMEOUT_SECONDS: Final = 10.0


def new_key(key_id: str) -> Key:
    """A private key for ES384; who holds it is the client."""
    made = ECKey.generate_key(_CURVE)
    return {**made.as_dict(private=True), "kid": key_id, "alg": _ALGORITHM, "use": "sig"}


def public_keys(private: Key) -> dict[str, Any]:
    """The key set to register for a private key."""
    hidden = ECKey.import_key(private).as_dict(private=False)
    return {"keys": [{**hidden, "kid": private["kid"], "alg": _ALGORITHM, "use": "sig"}]}


def signed_assertion(client_id: str, private: Key, *, audience: str, now: float, token_id: str) -> str:
    """An assertion that the client makes about itself; each needs a `token_id` of its own."""
    header = {"alg": _ALGORITHM, "kid": private["kid"], "typ": "JWT"}
    claims = {"iss": client_id, "sub": client_id, "aud": audience, "exp": now + _LIFETIME_SECONDS, "jti": token_id}
    return jws.serialize_compact(header, json.dumps(claims), ECKey.import_key(private), algorithms=[_ALGORITHM])


def ask_for_token(token_url: str, assertion: str, scope: str) -> str:
    """The access token that the server answers with; Refused says what it said."""
    form = {
        "grant_type": GRANT,
        "scope": scope,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
    }
    try:
        answered = httpx.post(token_url, data=form, timeout=_TIMEOUT_SECONDS, trust_env=False)
        told = answered.json()
    except (httpx.HTTPError, ValueError):
        raise Refused(
            f"no authorisation server answers at {token_url}; start the service with AUTH_MODE=smart"
        ) from None
    if not isinstance(told, dict) or "access_token" not in told:
        raise Refused(str(told.get("error_description", told) if isinstance(told, dict) else told))
    return str(told["access_token"])
