"""The body of a request to the authorisation server: a small form, each parameter once.

https://www.rfc-editor.org/rfc/rfc6749#section-3.2
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from starlette.requests import ClientDisconnect

from service.auth.error import OAuthError
from service.fhir.outcome import FhirError
from service.fhir.url_encoding import parse_query

if TYPE_CHECKING:
    from starlette.requests import Request

_FORM: Final = "application/x-www-form-urlencoded"
_MOST_BYTES: Final = 32 << 10
_SECONDS: Final = 10.0


async def read_form(request: Request) -> dict[str, str]:
    """The form that was sent; OAuthError invalid_request."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise OAuthError("invalid_request", f"Send the parameters as {_FORM}.")
    try:
        pairs = parse_query(await read_body(request))
    except FhirError as error:
        raise OAuthError("invalid_request", error.issues[0].diagnostics) from None
    form = dict(pairs)
    if len(form) < len(pairs):
        raise OAuthError("invalid_request", "Send each parameter once.")
    return form


async def read_body(request: Request) -> bytes:
    """The bytes that were sent; OAuthError where they are too many or take too long."""
    body = bytearray()
    try:
        async with asyncio.timeout(_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > _MOST_BYTES:
                    raise OAuthError("invalid_request", f"The body may have at most {_MOST_BYTES} bytes.")
    except TimeoutError:
        raise OAuthError("invalid_request", f"The body was not there after {_SECONDS:g} seconds.") from None
    except ClientDisconnect:
        raise OAuthError("invalid_request", "The body is not complete.") from None
    return bytes(body)
