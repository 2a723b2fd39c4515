"""Cursors: positions in a result, sealed so that a client can neither read nor alter them.

A position holds values of the resource that it stands at, a patient's name among them when the search sorts by it, so
a cursor is encrypted as well as authenticated: AES-SIV (https://www.rfc-editor.org/rfc/rfc5297) with a key of the
deployment. It needs no nonce, so the same position of the same search has the same link. A cursor is bound to a scope:
one that is used with another search does not open.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from msgspec import Struct

from service.fhir import codec
from service.fhir.outcome import failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.fhir.outcome import FhirError

Scalar = str | int | bool | None
"""What positions are made of; numbers with a fraction and instants travel as text."""

_BLOCK: Final = 32
"""Bytes that the plain text is filled up to a multiple of, so that a cursor's length tells little of a name's."""

LONGEST_URL: Final = 16_384
"""Characters of the longest URL that the service takes, and so of the longest cursor."""

_COMPRESSED: Final = b"z"
_COMPRESSED_FROM: Final = 1024
"""Bytes of plain text above which it is compressed: long lists of values, which URLs would not hold otherwise."""

_MOST_BYTES: Final = 1 << 20
"""Bytes of plain text: what repeats itself would be compressed into a short cursor that takes much memory to open."""


class Position(Struct, frozen=True, kw_only=True):
    """Where a page begins: beyond the resource with these sort values and this key, ahead of it or `backwards`."""

    values: tuple[Scalar, ...]
    backwards: bool = False


def seal(values: Sequence[Any], secret: bytes, scope: str = "") -> str:
    """The JSON values as URL-safe text that only the holder of the secret can open, and only for the same scope.

    FhirError too-costly for more than a megabyte of them.
    """
    plain = codec.encode(list(values))
    if len(plain) > _MOST_BYTES:
        raise too_long()
    if len(plain) > _COMPRESSED_FROM:
        plain = _COMPRESSED + zlib.compress(plain)
    plain += b" " * (-len(plain) % _BLOCK)
    sealed = _cipher(secret).encrypt(plain, [scope.encode()])
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def open(text: str, secret: bytes, scope: str = "") -> list[Any]:
    """The values of a cursor; FhirError cursor-invalid for anything that was not sealed with this secret and scope."""
    if len(text) > LONGEST_URL:
        raise invalid()
    try:
        sealed = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        plain = _cipher(secret).decrypt(sealed, [scope.encode()])
    except (UnicodeEncodeError, binascii.Error, InvalidTag, ValueError):
        raise invalid() from None
    if plain.startswith(_COMPRESSED):
        # what follows the compressed text is the filling
        inflating = zlib.decompressobj()
        plain = inflating.decompress(plain[len(_COMPRESSED) :], _MOST_BYTES + 1)
        if not inflating.eof:
            raise invalid()
    values: list[Any] = json.loads(plain)
    return values


@lru_cache(maxsize=4)
def _cipher(secret: bytes) -> AESSIV:
    return AESSIV(hmac.digest(secret, b"cursor", hashlib.sha512))


def too_long() -> FhirError:
    """The refusal of a search whose further pages no URL could name."""
    return failure(
        "too-costly",
        f"The link to the next page would be longer than the {LONGEST_URL} characters of a URL: "
        "send fewer values, or a _count that fits everything on one page.",
        "http._count",
    )


def invalid() -> FhirError:
    """The refusal of a cursor that does not belong here."""
    return failure(
        "cursor-invalid",
        "Cursors come from the links of a search and go with that search alone; start again without _cursor.",
        "http._cursor",
    )
