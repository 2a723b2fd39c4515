"""Public keys: which key sets can be registered, which key verifies a token, how long a fetched set may be kept.

https://www.rfc-editor.org/rfc/rfc7517, https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from service.access.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from service.access.claims import Header

Key = dict[str, Any]
"""A JSON Web Key."""

MOST_KEYS: Final = 50
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_CURVES: Final = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_RSA_CHARACTERS: Final = (342, 1366)
"""The lengths of the base64url texts of moduli between 2048 and 8192 bits; longer ones take long to verify with."""

_LONGEST_KEPT_SECONDS: Final = 3600
_KEPT_SECONDS: Final = 300
"""How long a key set is kept whose answer does not say."""

_SECONDS: Final = re.compile(r'"?(\d{1,9})"?')


def checked_keys(document: Any) -> list[Key]:
    """The keys of a JSON Web Key Set; Refused. A set with a private or symmetric key is refused as a whole."""
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise Refused('A JSON Web Key Set is an object with an array of keys: {"keys": [...]}.')
    if len(keys) > MOST_KEYS:
        raise Refused(f"A JSON Web Key Set may have at most {MOST_KEYS} keys here.")
    if any(_PRIVATE & key.keys() for key in keys):
        raise Refused("The key set has a private or symmetric key; register the public keys only.")
    return keys


def registered_keys(document: Any, algorithms: Sequence[str]) -> list[Key]:
    """The keys of a set that a client registers: each with its own kid, and of use to one of the algorithms."""
    keys = checked_keys(document)
    if not keys:
        raise Refused("The key set has no key.")
    for key in keys:
        if not isinstance(key.get("kid"), str) or not key["kid"]:
            raise Refused("Each key of the set needs a kid.")
        if not any(_fits(key, algorithm) for algorithm in algorithms):
            raise Refused(f"Each key must serve {' or '.join(algorithms)}: RSA of 2048 to 8192 bits, or EC on P-384.")
    named = [(key["kid"], key["kty"]) for key in keys]
    if len(set(named)) < len(named):
        raise Refused("Two keys of the set have the same kid.")
    return keys


def select_key(keys: Sequence[Key], header: Header) -> Key:
    """The one key that a header names by kid and algorithm; Refused where there is none, or several."""
    fitting = [key for key in keys if _fits(key, header.algorithm) and header.key_id in (None, key.get("kid"))]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise Refused("Several keys have the token's kid and the key type of its alg; exactly one may.")
    raise Refused("No key has the token's kid and the key type of its alg.")


def kept_seconds(headers: Mapping[str, str]) -> int:
    """How long an answer with these headers (names in lower case) may be kept: no longer than Cache-Control says."""
    sent = headers.get("cache-control", "").lower()
    directives = dict(part.strip().partition("=")[::2] for part in sent.split(",") if part.strip())
    if directives.keys() & {"no-store", "no-cache"}:
        return 0
    lifetime = _SECONDS.fullmatch(directives.get("max-age", ""))
    if lifetime is None:
        return 0 if "max-age" in directives else _KEPT_SECONDS
    age = _SECONDS.fullmatch(headers.get("age", ""))
    return max(0, min(int(lifetime[1]) - (int(age[1]) if age else 0), _LONGEST_KEPT_SECONDS))


def _fits(key: Key, algorithm: str) -> bool:
    """Whether the key can verify signatures of the algorithm, by its type, size, curve and declared use."""
    if key.get("use", "sig") != "sig" or key.get("alg", algorithm) != algorithm:
        return False
    operations = key.get("key_ops")
    if operations is not None and (not isinstance(operations, list) or "verify" not in operations):
        return False
    if algorithm in _CURVES:
        return key.get("kty") == "EC" and key.get("crv") == _CURVES[algorithm]
    modulus = key.get("n")
    least, most = _RSA_CHARACTERS
    is_rsa = key.get("kty") == "RSA" and isinstance(modulus, str) and least <= len(modulus) <= most
    return is_rsa and algorithm[:2] in ("RS", "PS")
