"""Cross-origin requests: what a browser must be told before a page of another origin may call and read.

https://fetch.spec.whatwg.org/#http-cors-protocol. Credentials are never allowed: clients send a token in a header.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

    from service.rest.render import Header

_ALLOWED_HEADERS: Final = (
    b"Accept, Authorization, Content-Encoding, Content-Type, If-Match, If-Modified-Since, If-None-Exist, "
    b"If-None-Match, Prefer, X-Actor-Organization, X-Break-Glass, X-Correlation-Id, X-Provenance, X-Request-Id"
)
_EXPOSED: Final = (
    b"access-control-expose-headers",
    b"Allow, ETag, Last-Modified, Location, Preference-Applied, Retry-After, X-Correlation-Id, X-Request-Id",
)
_ANY: Final = (b"access-control-allow-origin", b"*")
_REMEMBERED_SECONDS: Final = b"600"


class Origins:
    """The origins whose pages may call, ``*`` for all; a request without Origin is none of this module's business."""

    def __init__(self, origins: Collection[str]) -> None:
        self._any = "*" in origins
        self._allowed = frozenset(origin.encode() for origin in origins)

    def headers(self, origin: bytes) -> list[Header]:
        """The headers that let a page of `origin` read the answer; none for one that may not."""
        if self._any:
            return [_ANY, _EXPOSED]
        if origin in self._allowed:
            return [(b"access-control-allow-origin", origin), _EXPOSED]
        return []

    def preflight(self, origin: bytes, methods: tuple[str, ...]) -> list[Header]:
        """The headers that answer a preflight for a place with these methods."""
        shared = self.headers(origin)
        if not shared:
            return []
        return [
            *shared,
            (b"access-control-allow-methods", ", ".join(methods).encode()),
            (b"access-control-allow-headers", _ALLOWED_HEADERS),
            (b"access-control-max-age", _REMEMBERED_SECONDS),
        ]
