"""JSON bytes ⇄ values, without loss: a decimal keeps its text, ``1.50`` and ``1.0e0`` included.

https://hl7.org/fhir/R4/json.html, https://hl7.org/fhir/R4/datatypes.html#decimal. A decoded value is made of dict,
list, str, int, Decimal and bool, and of None where JSON says null; there are no floats. Reading refuses what JSON
leaves to chance: repeated keys, lone surrogates, NUL characters, numbers and nesting beyond a stated limit.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from decimal import Decimal, InvalidOperation
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

from service.fhir.outcome import FhirError, failure

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_DEPTH: Final = 100
"""Objects and arrays inside of each other; the deepest official example nests 22 of them."""

MAX_MEMBERS: Final = 1000
"""Members of one object; R4's largest type, ElementDefinition, has fewer than 500 properties."""

MAX_NUMBER_LENGTH: Final = 400
MAX_EXPONENT: Final = 308
"""The magnitudes of IEEE doubles: other systems that read a number must be able to hold it."""

_ROOMY: Final = MAX_MEMBERS * len('"":0,')
"""A shorter text cannot hold an object with too many members."""

_SMALL: Final = 16 * 1024
"""Up to this length of a text, indenting it takes a tenth of a walk; of a hostile one it makes some MB at most."""

_TOO_FAR_IN: Final = b"\n" + b" " * MAX_DEPTH

_MINUS_ZERO: Final = re.compile(rb"-0(?:[\s,\]}]|\Z)")
_LONE_SURROGATE: Final = re.compile(rb"\\u[dD](?:[89aAbB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|[c-fC-F][0-9a-fA-F]{2})")
_BYTE: Final = re.compile(r"\(byte (\d+)\)")


class ExactDecimal(Decimal):
    """A number whose text `Decimal` alone would not give back, such as ``1.0e0``."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Self:
        """The number that the JSON text denotes."""
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __str__(self) -> str:
        return self.text


def decode(data: bytes) -> Any:
    """The value of a JSON text.

    Raises FhirError: malformed-json, duplicate-key, nesting-too-deep, number-out-of-range or too-costly.
    """
    try:
        value = _DECODER.decode(data)
        if _may_be_misshapen(data):
            _refuse_shape(value)
        if b"\\" in data and b"\\u0000" in data:
            _refuse_nul(value)
        if _may_have_lost(data, value):
            value = _decode_slowly(data)
    except RecursionError as error:
        raise _too_deep() from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _malformed(data, error) from error
    else:
        return value


def encode(value: Any) -> bytes:
    """Compact JSON; every number with the text that it was read with."""
    return _ENCODER.encode(value)


def encode_pretty(data: bytes) -> bytes:
    """The same JSON text, indented for people."""
    return msgspec.json.format(data, indent=2)


def canonical(value: Any) -> bytes:
    """Compact JSON with sorted keys: equal for values that differ in the order of their keys alone."""
    return _SORTING_ENCODER.encode(value)


def _number(text: str) -> Decimal:
    """The float hook: a Decimal that encodes as `text`."""
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise _out_of_range() from error
    if len(text) > MAX_NUMBER_LENGTH or (number and abs(number.adjusted()) > MAX_EXPONENT):
        raise _out_of_range()
    return number if str(number) == text else ExactDecimal(text)


def _raw(value: object) -> msgspec.Raw:
    if isinstance(value, ExactDecimal):
        return msgspec.Raw(value.text.encode())
    raise TypeError(f"JSON cannot hold a {type(value).__name__}")


_INNER: Final = frozenset({dict, list})
_DECODER: Final = msgspec.json.Decoder(float_hook=_number)
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number", enc_hook=_raw)
_SORTING_ENCODER: Final = msgspec.json.Encoder(decimal_format="number", enc_hook=_raw, order="sorted")


def _may_have_lost(data: bytes, value: Any) -> bool:
    """Whether `value` may hold less than `data` says.

    A repeated key takes quotes away from what is encoded again; only an escaped quote can make up for them.
    """
    encoded = _ENCODER.encode(value)
    if encoded == data:
        return False
    if _MINUS_ZERO.search(data) or (b"\\" in data and b"\\u0022" in data):
        return True
    return data.count(b'"') != encoded.count(b'"')


def _decode_slowly(data: bytes) -> Any:
    """For the texts that the fast decoder would alter: names a repeated key, keeps the sign of ``-0``."""
    reader = json.JSONDecoder(parse_float=_number, parse_int=_integer, object_pairs_hook=_object)
    return reader.decode(data.decode())


def _integer(text: str) -> int | Decimal:
    return Decimal(text) if text == "-0" else int(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        repeated = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise failure("duplicate-key", f"One object has the key {repeated[:64]!r} more than once; send it once.")
    return members


def _may_be_misshapen(data: bytes) -> bool:
    """Whether JSON text may be too deep or too wide: never where brackets and colons are few, or lines far out.

    A part at depth n begins on a line with n - 1 blanks of indentation, and no string holds a line feed as it is.
    """
    if len(data) > _ROOMY and data.count(b":") > MAX_MEMBERS:
        return True
    if data.count(b"{") + data.count(b"[") <= MAX_DEPTH:
        return False
    return len(data) > _SMALL or _TOO_FAR_IN in msgspec.json.format(data, indent=1)


def _refuse_shape(value: Any) -> None:
    """Walks level by level; by exact types, which are all that the decoder makes, because large bodies have many."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH + 1):
        objects = [each for each in level if type(each) is dict]
        arrays = [each for each in level if type(each) is list]
        if not objects and not arrays:
            return
        if objects and max(map(len, objects)) > MAX_MEMBERS:
            raise failure("too-costly", f"An object may have {MAX_MEMBERS} members, no more.")
        parts = chain(chain.from_iterable(map(dict.values, objects)), chain.from_iterable(arrays))
        level = [part for part in parts if type(part) in _INNER]
    raise _too_deep()


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _refuse_nul(value: Any) -> None:
    if isinstance(value, str) and "\0" in value:
        raise failure("malformed-json", "A string or key holds the character U+0000, which R4 does not allow.")
    if isinstance(value, dict):
        for key in value:
            _refuse_nul(key)
    for part in _parts(value):
        _refuse_nul(part)


def _too_deep() -> FhirError:
    return failure("nesting-too-deep", f"Objects and arrays may be nested {MAX_DEPTH} levels deep, no deeper.")


def _out_of_range() -> FhirError:
    magnitude = f"from 1e-{MAX_EXPONENT} to 1e{MAX_EXPONENT}"
    text = f"Numbers may have up to {MAX_NUMBER_LENGTH} characters and a magnitude {magnitude}."
    return failure("number-out-of-range", text)


def _malformed(data: bytes, error: Exception) -> FhirError:
    """Says what keeps the text from being JSON, and where."""
    if isinstance(error, msgspec.ValidationError):
        return _out_of_range()
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff")) or 0 in data[:2]
    explanations = (
        (not data.strip(), "The body is empty; it should be one JSON object."),
        (data.startswith(b"\xef\xbb\xbf"), "The body starts with a byte order mark; send UTF-8 without one."),
        (wide, "The body is not UTF-8 but looks like UTF-16 or UTF-32; send UTF-8."),
        (isinstance(error, UnicodeDecodeError), "A string of the body is not UTF-8."),
        (
            _LONE_SURROGATE.search(data) is not None,
            "A \\u escape stands for one half of a surrogate pair; send both halves or the character itself.",
        ),
        ("truncated" in str(error), "The body ends before its JSON is complete."),
    )
    explained = next((text for holds, text in explanations if holds), None)
    reason = _BYTE.sub("", str(error)).removeprefix("JSON is malformed: ").strip()
    return failure("malformed-json", explained or f"The body is not JSON: {reason}{_place(data, error)}.")


def _place(data: bytes, error: Exception) -> str:
    found = _BYTE.search(str(error))
    if found is None:
        return ""
    before = data[: int(found[1])]
    line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
    return f" at line {line}, byte {column} of that line"
