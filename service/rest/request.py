"""The head of an HTTP request, taken from the ASGI scope: where it goes, what it asks, the headers that matter.

https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, field

from service.fhir.outcome import FhirError, failure
from service.fhir.url_encoding import decode, parse_query
from service.rest.headers import NO_PREFERENCES, Preferences, preferences
from service.rest.negotiation import DEFAULT, Representation

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from service.fhir.actor import Actor
    from service.fhir.address import Address
    from service.fhir.audit.trail import Trail
    from service.fhir.interaction import Interaction, Parameters
    from service.rest.body import Body

    Scope = MutableMapping[str, Any]

_LISTS: Final = (b"accept", b"accept-encoding", b"content-encoding", b"if-match", b"if-none-match", b"prefer")
"""Headers that may be repeated: HTTP reads them as one comma-separated list."""

_SINGLES: Final = (
    b"access-control-request-method",
    b"authorization",
    b"content-length",
    b"content-type",
    b"host",
    b"if-modified-since",
    b"if-none-exist",
    b"origin",
    b"sec-fetch-site",
    b"x-actor-organization",
    b"x-break-glass",
    b"x-correlation-id",
    b"x-provenance",
    b"x-request-id",
)
_KEPT: Final = frozenset((*_LISTS, *_SINGLES))
_GENERAL: Final = ("_format", "_pretty")
_HOST: Final = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:[]")


class Request(Struct, kw_only=True):
    """A request as it is understood step by step; the defaults stand while a refusal comes before the step.

    `method` is GET for HEAD. `general` are the parameters ``_format`` and ``_pretty``, `parameters` the others. `actor`
    is who asks, `interaction` what for, `trail` what is put on record of it,
    `is_expected` tells that the journal counts on it, `is_printed` that a PDF goes back unless it is refused.
    """

    method: str
    head_only: bool
    headers: dict[bytes, bytes]
    body: Body
    request_id: str
    address: Address | None = None
    base: str = ""
    parameters: Parameters = ()
    general: Parameters = ()
    representation: Representation = DEFAULT
    actor: Actor | None = None
    interaction: Interaction | None = None
    trail: Trail | None = None
    is_expected: bool = False
    is_printed: bool = False
    preferences: Preferences = field(default=NO_PREFERENCES)


def kept_headers(scope: Scope) -> tuple[dict[bytes, bytes], bytes | None]:
    """The headers that FHIR or this service gives a meaning to, and one that occurs twice although it must not.

    Repeats of a list are joined by commas. Of two Content-Types or criteria another reader could take the other one.
    """
    kept: dict[bytes, bytes] = {}
    repeated = None
    for name, value in scope["headers"]:
        if name in _KEPT:
            if name not in kept:
                kept[name] = value
            elif name in _LISTS:
                kept[name] += b", " + value
            else:
                repeated = name
    return kept, repeated


def refuse_repeated(name: bytes) -> FhirError:
    """The refusal of a header that may occur only once."""
    header = name.decode("latin-1").title()
    return failure("header-invalid", f"The header {header} may occur only once.", f"http.{header}")


def network_address(scope: Scope) -> str | None:
    """From where the request came; None through a socket that has no addresses."""
    caller = scope.get("client")
    return caller[0] if caller else None


def path_segments(scope: Scope) -> list[str]:
    """The decoded segments of the path below the mount point; a slash that was sent as %2F does not separate.

    FhirError parameter-value or not-found.
    """
    root = scope.get("root_path", "")
    path: str = scope["path"]
    raw = scope.get("raw_path")
    if raw and b"%" in raw:
        path = raw.decode("latin-1")
    elif "\ufffd" in path or "\0" in path:
        raise failure("parameter-value", "The path is not UTF-8 text.", "http.path")
    if root and path.startswith(root):
        path = path[len(root) :]
    path = path.removeprefix("/").removesuffix("/")
    if not path:
        return []
    segments = path.split("/")
    if "%" in path:
        segments = [decode(segment, "http.path") for segment in segments]
    if "" in segments or "." in segments or ".." in segments:
        raise failure("not-found", "The URL has an empty or relative path segment.", "http.path")
    return segments


def read_query(request: Request, encoded: bytes) -> None:
    """Put the parameters of a query string into the request, ``_format`` and ``_pretty`` apart."""
    request.parameters = without_general(request, parse_query(encoded))


def without_general(request: Request, parameters: Parameters) -> Parameters:
    """The parameters that are not about the answer's form; those that are go into the request."""
    if not any(name in _GENERAL for name, _ in parameters):
        return parameters
    request.general += tuple(pair for pair in parameters if pair[0] in _GENERAL)
    return tuple(pair for pair in parameters if pair[0] not in _GENERAL)


def first_value(parameters: Parameters, name: str) -> str | None:
    """The first value of a parameter, None where it was not sent."""
    return next((value for sent, value in parameters if sent == name), None)


def read_preferences(request: Request) -> None:
    """Put the Prefer headers into the request."""
    prefer = request.headers.get(b"prefer")
    if prefer:
        request.preferences = preferences(prefer)


def base_of(scope: Scope, host: bytes | None) -> str:
    """The base URL as the client sees it, without a trailing slash; FhirError header-invalid for a hostile Host."""
    if host is None:
        name, port = scope.get("server") or ("localhost", None)
        host = f"{name}:{port}".encode() if port else str(name).encode()
    return _base(scope.get("scheme", "http"), host, scope.get("root_path", ""))


@lru_cache(maxsize=64)
def _base(scheme: str, host: bytes, root_path: str) -> str:
    if not host or not _HOST.issuperset(host):
        raise _refuse_host()
    return f"{scheme}://{host.decode('ascii')}{root_path}".rstrip("/")


def _refuse_host() -> FhirError:
    return failure("header-invalid", "The Host header must be a host name and an optional port.", "http.Host")
