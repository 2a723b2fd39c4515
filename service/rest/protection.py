"""Headers that every answer carries, so that a browser makes nothing else of it than what it is.

Nothing is guessed about its type, no page may frame it, nothing that is in it runs; and a host that is called by https
is called so for a year. https://www.rfc-editor.org/rfc/rfc6797
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping, Sequence

    from service.rest.render import Header

    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_PAGE_POLICY: Final = (
    b"default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'none'; base-uri 'none'; "
    b"frame-ancestors 'none'"
)
_OF_PAGES: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", _PAGE_POLICY),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
"""Pages run no script at all, and load nothing but their style sheet, an icon, and the charts that they hold."""
_TLS_ONLY: Final = (b"strict-transport-security", b"max-age=31536000")


def protecting_headers(base_url: str | None) -> list[Header]:
    """The headers of a service with this public base; only where that is https is the host held to it.

    Not so without one: a developer's localhost would be held to https by every browser, whatever else runs there.
    """
    return [*_ALWAYS, *_by_tls(base_url)]


def page_headers(base_url: str | None) -> list[Header]:
    """The same of a page."""
    return [*_OF_PAGES, *_by_tls(base_url)]


def _by_tls(base_url: str | None) -> list[Header]:
    return [_TLS_ONLY] if base_url and base_url.startswith("https:") else []


def protected(send: Send, headers: Sequence[Header]) -> Send:
    """What sends an answer with the headers, but for those that it has itself."""

    async def complete(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            own = list(message.get("headers", ()))
            names = {name.lower() for name, _ in own}
            message["headers"] = own + [each for each in headers if each[0] not in names]
        await send(message)

    return complete
