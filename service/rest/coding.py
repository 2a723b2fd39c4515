"""Content codings, both ways: gzip and deflate of what is sent, gzip of what is answered.

https://www.rfc-editor.org/rfc/rfc9110#name-content-codings
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import Final

from service.fhir.outcome import FhirError, failure
from service.rest.negotiation import media_ranges

SMALLEST_COMPRESSED_BYTES: Final = 1024
"""Below this an answer fits into one network packet anyway."""

_LEVEL: Final = 1
"""The cheapest level: on FHIR JSON it takes a third of the time of the default and saves nearly as much."""

_NARROW_WINDOW: Final = 13
_NARROW_ENOUGH_BYTES: Final = 32_768
"""A window as wide as zlib allows costs 50 µs of memory management, which small answers do not win back."""

_GZIP: Final = 16 + zlib.MAX_WBITS
_ZLIB: Final = zlib.MAX_WBITS
_RAW_DEFLATE: Final = -zlib.MAX_WBITS
_DEFLATE_METHOD: Final = 8
_MOST_CODINGS: Final = 2
_MOST_MEMBERS: Final = 17
"""A gzip file may be several in a row; thousands of empty ones would only keep the service busy."""


def decoded(body: bytes, content_encoding: bytes, max_bytes: int) -> bytes:
    """The body without its content codings, of at most `max_bytes`.

    FhirError media-type-unsupported for an unknown coding, encoding-invalid, body-too-large.
    """
    codings = [name for name in content_encoding.decode("latin-1").lower().replace(" ", "").split(",") if name]
    codings = [name for name in codings if name != "identity"]
    if len(codings) > _MOST_CODINGS:
        raise _unknown_coding()
    for name in reversed(codings):
        if name in ("gzip", "x-gzip"):
            body = _inflated(body, _GZIP, max_bytes)
        elif name == "deflate":
            body = _inflated(body, _deflate_window(body), max_bytes)
        else:
            raise _unknown_coding()
    return body


def _unknown_coding() -> FhirError:
    return failure(
        "media-type-unsupported", "The Content-Encoding must be gzip, deflate or absent.", "http.Content-Encoding"
    )


def _deflate_window(body: bytes) -> int:
    """RFC 9110 says zlib format; some clients send the raw format, which has no zlib header."""
    has_zlib_header = len(body) > 1 and body[0] & 0x0F == _DEFLATE_METHOD and (body[0] << 8 | body[1]) % 31 == 0
    return _ZLIB if has_zlib_header else _RAW_DEFLATE


def _inflated(body: bytes, window: int, max_bytes: int) -> bytes:
    """The decompressed body; never holds more than `max_bytes` and one byte of it, however much it would inflate to."""
    result = b""
    for _ in range(_MOST_MEMBERS):
        if not body:
            return result
        stream = zlib.decompressobj(window)
        try:
            result += stream.decompress(body, max_bytes + 1 - len(result))
        except zlib.error:
            raise _invalid() from None
        if len(result) > max_bytes:
            raise too_large(max_bytes)
        if not stream.eof:
            raise _invalid()
        body = stream.unused_data
        if window != _GZIP and body:
            raise _invalid()
    raise _invalid()


def _invalid() -> FhirError:
    return failure("encoding-invalid", "The body is not what its Content-Encoding says.", "http.Content-Encoding")


def too_large(max_bytes: int) -> FhirError:
    """The refusal of a body over the limit."""
    return failure("body-too-large", f"The body is larger than {max_bytes} bytes; send it in parts.", "http.body")


@lru_cache(maxsize=256)
def accepts_gzip(accept_encoding: bytes) -> bool:
    """Whether an Accept-Encoding header allows gzip. https://www.rfc-editor.org/rfc/rfc9110#name-accept-encoding"""
    weights = {found.name: found.weight for found in media_ranges(accept_encoding.decode("latin-1"))}
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0))) > 0


def gzipped(body: bytes) -> bytes:
    """The body in gzip format."""
    window = _NARROW_WINDOW if len(body) < _NARROW_ENOUGH_BYTES else zlib.MAX_WBITS
    stream = zlib.compressobj(_LEVEL, zlib.DEFLATED, 16 + window)
    return stream.compress(body) + stream.flush()
