"""What the header and the claims of a JSON Web Token must say, given the time. Nothing here verifies a signature.

https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html,
https://www.rfc-editor.org/rfc/rfc7523, https://www.rfc-editor.org/rfc/rfc8725
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.access.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

ASSERTION_ALGORITHMS: Final = ("RS384", "ES384")
"""Those of SMART. Neither ``none`` nor a symmetric one can become one of them by what a token says."""

ASSERTION_SECONDS: Final = 300
"""How far ahead an assertion may expire."""

LEEWAY_SECONDS: Final = 10
"""How far the clocks of two honest machines may be apart."""

_LONGEST_TEXT: Final = 255
_TYPES: Final = ("jwt", "client-authentication+jwt")
_ACCESS_TYPES: Final = ("jwt", "at+jwt", "application/at+jwt")


class Header(Struct, frozen=True, kw_only=True):
    """What a token's header says that matters; `key_id` None where it names no key."""

    algorithm: str
    key_id: str | None


class Assertion(Struct, frozen=True, kw_only=True):
    """The claims of a client assertion that hold: `token_id` is its jti, `expires_at` in seconds since 1970."""

    client_id: str
    token_id: str
    expires_at: float


def assertion_header(header: Mapping[str, Any]) -> Header:
    """The header of a client assertion; Refused."""
    read = _header(header, ASSERTION_ALGORITHMS, _TYPES)
    if read.key_id is None:
        raise Refused("The assertion's header needs kid, the id of the key that it is signed with.")
    return read


def require_registered_jku(header: Mapping[str, Any], *, jwks_url: str | None) -> None:
    """Refused where the header names another JWKS URL than the client is registered with; None: with none."""
    if "jku" in header and (jwks_url is None or header["jku"] != jwks_url):
        raise Refused("The assertion's jku is not the JWKS URL that the client is registered with.")


def access_token_header(header: Mapping[str, Any], *, algorithms: Collection[str]) -> Header:
    """The header of an access token of another issuer; Refused."""
    return _header(header, algorithms, _ACCESS_TYPES)


def assertion_claims(claims: Mapping[str, Any], *, client_id: str, audience: str, now: float) -> Assertion:
    """The claims of a client assertion; Refused. `audience` is the token URL, `now` in seconds since 1970."""
    if _text(claims, "iss") != client_id or _text(claims, "sub") != client_id:
        raise Refused("iss and sub of the assertion must both be the client's id.")
    # one that names others too could be used by them, https://openid.net/notice-of-a-security-vulnerability/
    if claims.get("aud") not in (audience, [audience]):
        raise Refused(f"aud of the assertion must be {audience}.")
    expires_at = check_times(claims, now=now)
    if expires_at > now + ASSERTION_SECONDS + LEEWAY_SECONDS:
        raise Refused(f"exp of the assertion may lie at most {ASSERTION_SECONDS} seconds ahead.")
    return Assertion(client_id=client_id, token_id=_text(claims, "jti"), expires_at=expires_at)


def check_times(claims: Mapping[str, Any], *, now: float) -> float:
    """When a token expires, in seconds since 1970; Refused where it has expired or does not hold yet."""
    expires_at = _instant(claims, "exp")
    if expires_at is None:
        raise Refused("The token needs exp, when it expires.")
    if expires_at <= now - LEEWAY_SECONDS:
        raise Refused("The token has expired.")
    for name in ("nbf", "iat"):
        instant = _instant(claims, name)
        if instant is not None and instant > now + LEEWAY_SECONDS:
            raise Refused(f"The token does not hold yet: its {name} lies in the future.")
    return expires_at


def check_access_token(claims: Mapping[str, Any], *, issuer: str, audience: str, now: float) -> float:
    """When an access token of `issuer` for us, `audience`, expires; Refused."""
    if claims.get("iss") != issuer:
        raise Refused("iss of the token is not the issuer whose keys it is signed with.")
    named = claims.get("aud")
    if audience not in (named if isinstance(named, list) else [named]):
        raise Refused(f"aud of the token must be, or contain, {audience}.")
    return check_times(claims, now=now)


def client_of(claims: Mapping[str, Any]) -> str:
    """The id of the client that an access token was issued to; Refused."""
    for name in ("client_id", "azp", "appid", "cid"):
        if name in claims:
            return _text(claims, name)
    raise Refused("The token names no client: client_id or azp is needed.")


def granted_text(claims: Mapping[str, Any]) -> str:
    """The scopes of an access token as a space-separated list, whichever of the usual claims holds them."""
    found: list[str] = []
    for name in ("scope", "scp"):
        value = claims.get(name)
        listed = value if isinstance(value, list) else [value]
        found += [each for each in listed if isinstance(each, str)]
    return " ".join(found)


def _header(header: Mapping[str, Any], algorithms: Collection[str], types: Sequence[str]) -> Header:
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise Refused(f"alg of the token's header must be {' or '.join(algorithms)}.")
    kind = header.get("typ", types[0])
    if not isinstance(kind, str) or kind.lower() not in types:
        raise Refused("typ of the token's header must be JWT.")
    if "crit" in header or "b64" in header:
        raise Refused("The token's header demands extensions (crit, b64) that are not supported.")
    key_id = header.get("kid")
    if key_id is not None and (not isinstance(key_id, str) or not 0 < len(key_id) <= _LONGEST_TEXT):
        raise Refused(f"kid of the token's header must be a text of at most {_LONGEST_TEXT} characters.")
    return Header(algorithm=algorithm, key_id=key_id)


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_TEXT or not value.isprintable():
        raise Refused(f"The token needs {name}, a text of at most {_LONGEST_TEXT} characters.")
    return value


def _instant(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1 << 40:
        raise Refused(f"{name} of the token must be a number of seconds since 1970.")
    return float(value)
