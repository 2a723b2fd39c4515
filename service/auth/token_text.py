"""JSON Web Tokens as text: taken apart, and verified with one key and one algorithm. Signatures are joserfc's.

https://www.rfc-editor.org/rfc/rfc7519
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final

import msgspec
from joserfc import jwk, jws
from joserfc.errors import JoseError

from service.access.refusal import Refused

if TYPE_CHECKING:
    from service.access.keys import Key

LONGEST_TOKEN: Final = 8192
_PARTS: Final = 3
_ASYMMETRIC: Final = ("RS", "PS", "ES")


class _Registry(jws.JWSRegistry):
    """Header parameters that are nobody's business are ignored, as RFC 7515 says; `access.claims` looks at the rest."""

    max_header_length = 4096
    max_payload_length = LONGEST_TOKEN


class Unverified(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says before anybody has vouched for it."""

    header: dict[str, Any]
    claims: dict[str, Any]


def unverified(token: str) -> Unverified:
    """A token taken apart; Refused where it is none."""
    parts = token.split(".")
    if len(token) > LONGEST_TOKEN or len(parts) != _PARTS or not all(parts):
        raise Refused(f"A token is three parts separated by dots, of at most {LONGEST_TOKEN} characters together.")
    return Unverified(header=_object(parts[0]), claims=_object(parts[1]))


def verified(token: str, key: Key, algorithm: str) -> dict[str, Any]:
    """The claims of a token that was signed with this key and algorithm; Refused."""
    if algorithm[:2] not in _ASYMMETRIC:
        raise Refused("The token's algorithm is not an asymmetric one.")
    registry = _Registry(algorithms=[algorithm], strict_check_header=False)
    try:
        signed = jws.deserialize_compact(token, jwk.import_key(key, key["kty"]), registry=registry)
    except (JoseError, ValueError, TypeError, KeyError):
        raise Refused("The token's signature does not match the key.") from None
    return _decoded(signed.payload)


def _object(part: str) -> dict[str, Any]:
    try:
        return _decoded(base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise Refused("A part of the token is not base64url.") from None


def _decoded(data: bytes) -> dict[str, Any]:
    try:
        content = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused("A part of the token is not JSON.") from None
    if not isinstance(content, dict):
        raise Refused("A part of the token is not a JSON object.")
    return content
