"""Keys of made-up clients, and tokens signed with them, rightly or wrongly."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
from typing import Any, Final, Literal

from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

AUDIENCE: Final = "http://testserver/auth/token"
NOW: Final = 1_800_000_000.0
_NUMBERS: Final = itertools.count(1)


class Signer:
    """A private key with its kid: EC on P-384 signs ES384, RSA RS384."""

    def __init__(self, key_id: str, kind: Literal["EC", "RSA"] = "EC") -> None:
        self.key_id = key_id
        self.algorithm = "ES384" if kind == "EC" else "RS384"
        made = ECKey.generate_key("P-384") if kind == "EC" else RSAKey.generate_key(2048)
        self._key: Any = made

    @property
    def public(self) -> dict[str, Any]:
        """The public key, as it is registered."""
        return {**self._key.as_dict(private=False), "kid": self.key_id}

    @property
    def private(self) -> dict[str, Any]:
        """The whole key."""
        return {**self._key.as_dict(private=True), "kid": self.key_id}

    @property
    def pem(self) -> bytes:
        """The public key as PEM, which an attacker would take for a symmetric one."""
        return bytes(self._key.as_pem(private=False))

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        """A token with whatever header; a parameter of None is left out."""
        complete = {"alg": self.algorithm, "kid": self.key_id, "typ": "JWT"} | header
        sent = {name: value for name, value in complete.items() if value is not None}
        signed = f"{encoded(sent)}.{encoded(claims)}"
        signature = jws.JWSRegistry.algorithms[self.algorithm].sign(signed.encode(), self._key)
        return f"{signed}.{encoded(signature)}"


def key_set(*signers: Signer) -> dict[str, Any]:
    """The public keys as a set."""
    return {"keys": [signer.public for signer in signers]}


def claims_of(client_id: str, *, now: float = NOW, **changes: Any) -> dict[str, Any]:
    """The claims of a good assertion, changed; a claim of None is left out."""
    good = {"iss": client_id, "sub": client_id, "aud": AUDIENCE, "exp": now + 240, "jti": f"jti-{next(_NUMBERS)}"}
    return {name: value for name, value in (good | changes).items() if value is not None}


def encoded(content: Any) -> str:
    """JSON as a part of a token."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def with_secret(secret: bytes, claims: dict[str, Any], key_id: str) -> str:
    """A token signed with HS256."""
    signed = f"{encoded({'alg': 'HS256', 'typ': 'JWT', 'kid': key_id})}.{encoded(claims)}"
    return f"{signed}.{encoded(hmac.digest(secret, signed.encode(), hashlib.sha256))}"
