"""Percent-encoding: query strings, form bodies and path segments become text, exactly or not at all.

https://url.spec.whatwg.org/#application/x-www-form-urlencoded. Stricter than the usual libraries, because a value
that is silently repaired is another question than the one asked: a stray ``%``, bytes that are not UTF-8 and NUL are
refused. ``;`` is an ordinary character.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote_plus, unquote_to_bytes

from service.fhir.outcome import failure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.fhir.interaction import Parameters

MAX_PARAMETERS: Final = 1000
MAX_BYTES: Final = 1 << 20
"""Of the names and values together, as they were sent: decoding more would take long."""

_PRINTABLE: Final = re.compile(r"[A-Za-z0-9_.:\-]{1,64}")
_UNRESERVED: Final = re.compile(r"[A-Za-z0-9_.~\-]*")
_ASCII: Final = {code: quote_plus(chr(code)) for code in range(128) if quote_plus(chr(code)) != chr(code)}
"""The ASCII characters that `quote_plus` encodes."""


def parse_query(encoded: bytes, expression: str = "http.query") -> Parameters:
    """The decoded name-value pairs in the order sent, repeats kept; a name without ``=`` has the value ``""``.

    FhirError parameter-value where the text is not percent-encoded UTF-8, too-costly over `MAX_PARAMETERS` pairs or
    `MAX_BYTES`.
    """
    if not encoded:
        return ()
    if len(encoded) > MAX_BYTES:
        raise failure("too-costly", f"The parameters are longer than {MAX_BYTES} bytes.", expression)
    try:
        text = encoded.decode()
    except UnicodeDecodeError:
        raise failure("parameter-value", "The query is not UTF-8.", expression) from None
    if text.count("&") >= MAX_PARAMETERS:
        raise failure("too-costly", f"The query has more than {MAX_PARAMETERS} parameters.", expression)
    pairs = []
    for pair in text.split("&"):
        if pair:
            name, _, value = pair.partition("=")
            plain_name = decode(name.replace("+", " "), expression)
            place = f"http.{plain_name}" if _PRINTABLE.fullmatch(plain_name) else expression
            pairs.append((plain_name, decode(value.replace("+", " "), place)))
    return tuple(pairs)


def encode_query(pairs: Iterable[tuple[str, str]]) -> str:
    """The pairs as a query: `parse_query` gives them back."""
    return "&".join([f"{_encoded(name)}={_encoded(value)}" for name, value in pairs])


def _encoded(text: str) -> str:
    """Most names and many values stay as they are, which `quote_plus` takes its time to find out."""
    if _UNRESERVED.fullmatch(text):
        return text
    return text.translate(_ASCII) if text.isascii() else quote_plus(text)


def decode(text: str, expression: str) -> str:
    """The text that a percent-encoded one stands for; FhirError parameter-value for a stray % or what is not UTF-8."""
    if "%" in text:
        decoded = unquote_to_bytes(text)
        if len(decoded) != len(text.encode()) - 2 * text.count("%"):
            told = "A % must be followed by two hexadecimal digits; % itself is written %25."
            raise failure("parameter-value", told, expression)
        try:
            text = decoded.decode()
        except UnicodeDecodeError:
            raise failure("parameter-value", "The percent-encoded bytes are not UTF-8.", expression) from None
    if "\0" in text:
        raise failure("parameter-value", "The character NUL is not allowed.", expression)
    return text
