"""A browser that has signed in: its access token in a cookie, which counts for what a person reads and nothing else.

The cookie is no session of its own: it ends with its token, by time or by revocation, and may do what the token may. No
script sees it, no other site's page sends it along, no other host can have set it, and it goes by https alone (browsers
count the loopback as that). https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

COOKIE: Final = "__Host-massage-fhir"
LONGEST_TOKEN: Final = 3_800
"""Characters; browsers keep no cookie of more than 4096 with its name."""

_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=\-]{1,3800}")
_ATTRIBUTES: Final = "Path=/; Secure; HttpOnly; SameSite=Strict"
_OWN_SITES: Final = (b"same-origin", b"none")
"""What a browser says of a request that a page of ours made, or a person by the address bar."""


def is_token(text: str) -> bool:
    """Whether a text may be an access token that fits into a cookie."""
    return _TOKEN.fullmatch(text) is not None


def kept(token: str, seconds: int) -> str:
    """The Set-Cookie that keeps a token for so long."""
    return f"{COOKIE}={token}; Max-Age={seconds}; {_ATTRIBUTES}"


def forgotten() -> str:
    """The Set-Cookie that ends it."""
    return f"{COOKIE}=; Max-Age=0; {_ATTRIBUTES}"


def token_in(cookies: Iterable[bytes]) -> str | None:
    """The token in Cookie headers; None where there is none, or more than one, as nobody can tell which is ours."""
    found = [
        value
        for header in cookies
        for name, _, value in (pair.strip().partition("=") for pair in header.decode("latin-1").split(";"))
        if name == COOKIE
    ]
    return found[0] if len(found) == 1 and is_token(found[0]) else None


def is_own(site: bytes | None) -> bool:
    """Whether Sec-Fetch-Site leaves it to the cookie: absent, as older browsers have it, SameSite alone protects."""
    return site is None or site in _OWN_SITES


def is_from_own_page(site: str | None, origin: str | None, own: str) -> bool:
    """Whether a form was sent by a page of this very origin, ``scheme://host``; who says neither, was not a browser."""
    if site is not None:
        return site == "same-origin"
    return origin is not None and origin.casefold() == own.casefold()
