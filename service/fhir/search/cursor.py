"""Cursors: positions in a result, sealed so that a client can neither read nor alter them.

A cursor is encrypted and authenticated with a key of the deployment (a synthetic initialisation vector: the tag of the
values is also what their key stream is made from), so the same position of the same search has the same link. It is
bound to a scope: a cursor that is used with another search does not open.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Final

from service.fhir.outcome import failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.fhir.search.query import Query

Position = str | int

_TAG_BYTES: Final = 16
_LONGEST: Final = 4096


def seal(values: Sequence[Position], secret: bytes, scope: str = "") -> str:
    """The values as URL-safe text that only the holder of the secret can open, and only for the same scope."""
    plain = json.dumps(list(values), separators=(",", ":")).encode()
    tag = _tag(plain, secret, scope)
    return base64.urlsafe_b64encode(tag + _masked(plain, tag, secret)).rstrip(b"=").decode()


def open(text: str, secret: bytes, scope: str = "") -> list[Position]:
    """The values of a cursor; FhirError cursor-invalid for anything that was not sealed with this secret and scope."""
    try:
        sealed = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        sealed = b""
    tag, masked = sealed[:_TAG_BYTES], sealed[_TAG_BYTES:]
    if masked and len(text) <= _LONGEST:
        plain = _masked(masked, tag, secret)
        if hmac.compare_digest(tag, _tag(plain, secret, scope)):
            values: list[Position] = json.loads(plain)
            return values
    raise failure(
        "cursor-invalid",
        "Cursors come from the links of a search and go with that search alone; start again without _cursor.",
        "http._cursor",
    )


def scope_of(query: Query) -> str:
    """The scope of a search's cursors: its types and criteria, whatever the page size and the form of the answer."""
    pairs = sorted((name, value) for name, value in query.applied if name not in _FORM)
    return json.dumps(["search", query.types, pairs])


_FORM: Final = frozenset({"_count", "_summary", "_elements", "_total", "_format", "_pretty"})


def _tag(plain: bytes, secret: bytes, scope: str) -> bytes:
    message = len(scope.encode()).to_bytes(8) + scope.encode() + plain
    return hmac.digest(_key(secret, b"tag"), message, hashlib.sha256)[:_TAG_BYTES]


def _masked(text: bytes, tag: bytes, secret: bytes) -> bytes:
    """The text under the key stream of the tag; masking twice gives it back."""
    key, stream = _key(secret, b"mask"), b""
    while len(stream) < len(text):
        stream += hmac.digest(key, tag + len(stream).to_bytes(8), hashlib.sha256)
    return bytes(left ^ right for left, right in zip(text, stream, strict=False))


def _key(secret: bytes, purpose: bytes) -> bytes:
    return hmac.digest(secret, purpose, hashlib.sha256)
