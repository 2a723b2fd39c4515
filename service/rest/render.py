"""`Answer` or `FhirError` → status, headers, body.

https://hl7.org/fhir/R4/http.html#return. Without ``Prefer: return`` a write answers with the resource; issues of a
success are then only seen with ``return=OperationOutcome`` (inside a batch or transaction they are in
``response.outcome``), because a body can be one resource or the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.fhir import codec
from service.fhir.outcome import Category, Result, operation_outcome
from service.rest.headers import http_date

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.fhir.interaction import Answer
    from service.fhir.outcome import FhirError, Issue
    from service.fhir.resource import Version
    from service.rest.request import Request

Header = tuple[bytes, bytes]

_REVALIDATE: Final = (b"cache-control", b"private, no-cache")
_NO_STORE: Final = (b"cache-control", b"no-store")
_ACCEPT_PATCH: Final = b"application/json-patch+json, application/fhir+json"
"""https://www.rfc-editor.org/rfc/rfc5789#section-2.2"""
_BEARER: Final = b'Bearer realm="massage-fhir"'
_INVALID_TOKEN: Final = _BEARER + b', error="invalid_token"'
_INSUFFICIENT_SCOPE: Final = _BEARER + b', error="insufficient_scope"'
"""https://www.rfc-editor.org/rfc/rfc6750#section-3"""
_VARY: Final = (b"vary", b"accept, accept-encoding, origin, prefer")


class Response(Struct):
    """What goes back before the headers that every response has, before content coding, with the body also for HEAD.

    `is_page`: it is HTML, and takes the headers of a page.
    """

    status: int
    headers: list[Header]
    body: bytes = b""
    is_page: bool = False


def answered(answer: Answer, request: Request) -> Response:
    """The response to an interaction that did not fail."""
    version = answer.version
    safe = request.method == "GET"
    cached = _REVALIDATE if safe and version else _NO_STORE
    response = Response(answer.result.status, [cached, _VARY])
    if version:
        response.headers.append((b"etag", version.etag.encode()))
        response.headers.append((b"last-modified", http_date(version.last_updated)))
        if not safe and not version.deleted:
            response.headers.append((b"location", _location(request, version)))
    if answer.result is Result.NOT_MODIFIED:
        return response
    if safe or answer.body is not None:
        _give(response, request, answer.body if version is None else version.content)
    else:
        _give_preferred(response, request, answer)
    return response


def _location(request: Request, version: Version) -> bytes:
    return f"{request.base}/{version.type}/{version.id}/_history/{version.version_id}".encode()


def _give_preferred(response: Response, request: Request, answer: Answer) -> None:
    """The body of a write, as ``Prefer: return`` asks."""
    returning = request.preferences.returning
    if answer.is_withheld and returning != "OperationOutcome":
        returning = "minimal"
    deleted = answer.version is None or answer.version.deleted
    if returning:
        response.headers.append((b"preference-applied", f"return={returning}".encode()))
    if returning == "minimal":
        return
    if returning == "OperationOutcome" or (deleted and answer.issues):
        if answer.result is Result.DELETED:
            response.status = Result.OK.status
        _give(response, request, _outcome(answer.issues))
    elif answer.version:
        _give(response, request, answer.version.content)


def _give(response: Response, request: Request, body: bytes | None) -> None:
    if body:
        response.headers.append((b"content-type", request.representation.content_type))
        response.body = codec.encode_pretty(body) if request.representation.pretty else body


def refused(error: FhirError, request: Request) -> Response:
    """The response to a refusal or failure: an OperationOutcome, never to be cached."""
    response = Response(error.category.status, [_NO_STORE])
    if error.retry_after_seconds is not None:
        response.headers.append((b"retry-after", str(error.retry_after_seconds).encode()))
    if error.allowed_methods:
        response.headers.append((b"allow", ", ".join(error.allowed_methods).encode()))
    if error.category is Category.REQUEST_TIMEOUT:
        response.headers.append((b"connection", b"close"))
    if error.category is Category.MEDIA_TYPE and request.method == "PATCH":
        response.headers.append((b"accept-patch", _ACCEPT_PATCH))
    if error.category is Category.UNAUTHENTICATED:
        was_sent = b"authorization" in request.headers
        response.headers.append((b"www-authenticate", _INVALID_TOKEN if was_sent else _BEARER))
    if error.category is Category.FORBIDDEN:
        response.headers.append((b"www-authenticate", _INSUFFICIENT_SCOPE))
    _give(response, request, _outcome(error.issues))
    return response


def allowing(methods: tuple[str, ...]) -> Response:
    """The response to OPTIONS: the methods of a place."""
    return Response(204, [_NO_STORE, (b"allow", ", ".join(methods).encode())])


def _outcome(issues: Iterable[Issue]) -> bytes:
    return codec.encode(operation_outcome(issues))
