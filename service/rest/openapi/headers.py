"""Headers, as reusable parameters of requests and as reusable headers of answers.

https://hl7.org/fhir/R4/http.html#Http-Headers
"""

from __future__ import annotations

from typing import Any, Final

from service.rest.openapi.parameters import LOGICAL_ID

_TEXT: Final[dict[str, Any]] = {"type": "string"}
_TAG: Final = f'(?:W/)?"{LOGICAL_ID}"'
_TAGS: Final = rf"^(?:\*|{_TAG}(?:, *{_TAG})*)$"

_PREFERENCES: Final = """\
`return=minimal`, `return=representation`, `return=OperationOutcome`; `handling=strict`, `handling=lenient`.
Without it a write answers with the resource; entries of a Bundle answer without it."""

_ORGANISATION: Final = """\
The organisation that the request acts for; without it every part may be played. With access control it is that of the
token, and the header is refused."""

_PROVENANCE: Final = (
    '{"resourceType":"Provenance","recorded":"2026-01-09T09:00:00Z","agent":[{"who":{"display":"Example EHR"}}]}'
)

_REQUEST: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "If-Match": (
        "Make the change only if this is the current version, else 412: an entity tag, a list of them, or `*` for any.",
        {"type": "string", "pattern": _TAGS, "examples": ['W/"3"', "*"]},
    ),
    "If-None-Match": (
        "Answer 304 without a body if the version is one of these entity tags.",
        {"type": "string", "pattern": _TAGS, "examples": ['W/"3"']},
    ),
    "If-None-Match-Any": (
        "`*` makes the update a create: if the resource exists already, the answer is 412.",
        {"type": "string", "pattern": r"^\*$"},
    ),
    "If-Modified-Since": (
        "Answer 304 without a body if the resource has not changed since this HTTP date.",
        {"type": "string", "examples": ["Fri, 09 Jan 2026 09:00:00 GMT"]},
    ),
    "If-None-Exist": (
        "Search criteria. If one resource matches, it is the answer (200) and nothing is created; if several, 412.",
        {"type": "string", "examples": ["identifier=https://ehr.example.org/mrn|MRN-1"]},
    ),
    "Prefer": (
        _PREFERENCES,
        {"type": "string", "examples": ["return=minimal", "handling=lenient"]},
    ),
    "X-Provenance": (
        "A Provenance resource without `target`, as JSON: stored with the change, about the versions that it makes.",
        {
            "type": "string",
            "examples": [_PROVENANCE],
        },
    ),
    "X-Break-Glass": (
        "With access control, of an administrator: why it has to see what other organisations have. It is on record.",
        _TEXT,
    ),
    "X-Actor-Organization": (
        _ORGANISATION,
        {"type": "string", "pattern": f"^Organization/{LOGICAL_ID}$", "examples": ["Organization/clinic"]},
    ),
    "X-Request-Id": (
        "A name for the request, given back with the answer and written to the log. Made up by the service if absent.",
        _TEXT,
    ),
    "X-Correlation-Id": ("A name that the request shares with others, given back with the answer.", _TEXT),
}
"""Component → description and schema. A header that means different things has one component per meaning."""

_RESPONSE: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "ETag": ("The version id as a weak entity tag.", {"type": "string", "examples": ['W/"3"']}),
    "Last-Modified": ("When the version was made, as an HTTP date.", _TEXT),
    "Location": ("The URL of the version that was made, ending in `/_history/{vid}`.", _TEXT),
    "Retry-After": ("Seconds to wait before sending the request again.", {"type": "integer", "minimum": 0}),
    "Allow": ("The methods that the address takes.", _TEXT),
    "Accept-Patch": ("The media types of patches, when a PATCH is refused.", _TEXT),
    "Preference-Applied": ("The `return` of `Prefer` that the answer follows; absent where none was sent.", _TEXT),
    "Content-Disposition": ("The name of the PDF as a file; absent where the answer is none.", _TEXT),
    "WWW-Authenticate": ("That a token is needed, or what is wrong with the one that was sent.", _TEXT),
    "X-Request-Id": ("The request's name, to quote when reporting a fault.", _TEXT),
    "X-Correlation-Id": ("The name that was sent; absent where none was.", _TEXT),
}

WHO_AND_WHY: Final = ("X-Request-Id", "X-Correlation-Id", "X-Actor-Organization", "X-Break-Glass")
"""Request headers that any interaction takes."""

_TOGETHER: Final = {"X-Request-Id": ("X-Request-Id", "X-Correlation-Id")}


def request_header_components() -> dict[str, Any]:
    """``components/parameters`` for every request header."""
    return {
        name: {
            "name": name.removesuffix("-Any"),
            "in": "header",
            "required": False,
            "description": description,
            "schema": schema,
        }
        for name, (description, schema) in _REQUEST.items()
    }


def response_header_components() -> dict[str, Any]:
    """``components/headers`` for every response header."""
    return {name: {"description": description, "schema": schema} for name, (description, schema) in _RESPONSE.items()}


def request_headers(*names: str) -> list[dict[str, Any]]:
    """``parameters`` that refer to the named request headers; `If-None-Match-Any` is the form with ``*`` only."""
    for name in names:
        _REQUEST[name]
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def response_headers(*names: str) -> dict[str, Any]:
    """``headers`` that refer to the named response headers."""
    named = [each for name in names for each in _TOGETHER.get(name, (name,))]
    for name in named:
        _RESPONSE[name]
    return {name: {"$ref": f"#/components/headers/{name}"} for name in named}
