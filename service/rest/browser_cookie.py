"""Who asks, where a browser has signed in: the cookie in the place of the Authorization header, for reading alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.access.signed_in import is_own, token_in

if TYPE_CHECKING:
    from service.rest.request import Request, Scope


def authorization_of(scope: Scope, request: Request) -> bytes | None:
    """The Authorization header; else, of a GET that no other site has caused, what the cookie says."""
    sent = request.headers.get(b"authorization")
    if sent is not None or request.method != "GET":
        return sent
    cookies = [value for name, value in scope["headers"] if name == b"cookie"]
    if not cookies or not is_own(request.headers.get(b"sec-fetch-site")):
        return None
    token = token_in(cookies)
    return None if token is None else f"Bearer {token}".encode()
