"""The primitive data types: which JSON values they take.

https://hl7.org/fhir/R4/datatypes.html. Where R4's published regular expression accepts what its text forbids (the 30th
of February, blank strings, unpadded base64), the text decides; the exceptions are named at their pattern. The patterns
mean the same to Python's `re` (with `fullmatch`) and to the Rust engine of pydantic-core.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from pydantic_core import core_schema as cs

_MAX_DECIMAL: Final = 10**308
_UNLIMITED: Final = frozenset({"base64Binary", "xhtml"})
MAX_STRING_LENGTH: Final = 1024 * 1024
"""https://hl7.org/fhir/R4/datatypes.html#string; base64Binary and xhtml have no limit of their own."""

_CHARACTER: Final = r"[^\x00-\x08\x0b\x0c\x0e-\x1f]"
_VISIBLE: Final = r"[^\x00-\x20]"  # white space is what XML Schema calls so: blank, tab, line feed, carriage return
_YEAR: Final = r"(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)"
_LEAP_YEAR: Final = (
    r"(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"  # of the Gregorian calendar
)
_DAY: Final = (
    rf"(?:{_YEAR}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    rf"|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    rf"|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    rf"|{_LEAP_YEAR}-02-29)"
)
_MONTH: Final = rf"{_YEAR}(?:-(?:0[1-9]|1[0-2]))?"
_TIME: Final = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE: Final = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_TEXT: Final = rf"{_CHARACTER}*{_VISIBLE}{_CHARACTER}*"  # a string of blanks says nothing
_BASE64: Final = (
    r"[ \t\r\n]*(?:(?:[0-9A-Za-z+/][ \t\r\n]*){4})*"
    r"(?:(?:[0-9A-Za-z+/][ \t\r\n]*){4}"
    r"|(?:[0-9A-Za-z+/][ \t\r\n]*){3}=[ \t\r\n]*"
    r"|(?:[0-9A-Za-z+/][ \t\r\n]*){2}(?:=[ \t\r\n]*){2})"
)
_UUID: Final = r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

PATTERNS: Final = {
    "base64Binary": _BASE64,
    "canonical": rf"{_VISIBLE}+",
    "code": rf"{_VISIBLE}+(?: {_VISIBLE}+)*",  # single blanks, where R4's expression lets any white space through
    "date": rf"(?:{_MONTH}|{_DAY})",
    "dateTime": rf"(?:{_MONTH}|{_DAY}(?:T{_TIME}{_ZONE})?)",
    "id": r"[A-Za-z0-9\-.]{1,64}",
    "instant": rf"{_DAY}T{_TIME}{_ZONE}",
    "markdown": _TEXT,
    "oid": r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+",
    "string": _TEXT,
    "time": _TIME,
    "uri": rf"{_VISIBLE}+",
    "url": rf"{_VISIBLE}+",
    "uuid": _UUID,
    "xhtml": _TEXT,
}
"""Primitive type → the form of its JSON strings."""

LENGTHY: Final = frozenset({"canonical", "code", "element-id", "markdown", "string", "uri", "url"})
"""The primitives whose form would let them grow beyond `MAX_STRING_LENGTH`."""

RANGES: Final = {
    "integer": (-(2**31), 2**31 - 1),
    "unsignedInt": (0, 2**31 - 1),
    "positiveInt": (1, 2**31 - 1),
}
"""Primitive type → the smallest and the largest of its JSON integers."""

RULE_PATTERNS: Final = {
    # https://www.rfc-editor.org/rfc/rfc5646#section-2.1, without the registry of subtags
    "language": r"(?:[A-Za-z]{2,8}|[IiXx])(?:-[A-Za-z0-9]{1,8})*",
    # https://www.rfc-editor.org/rfc/rfc9110#section-8.3.1; R4 lets xml, json and ttl stand for its own formats
    "media-type": r"(?:xml|json|ttl|[\w!#$&^.+-]+/[\w!#$&^.+*-]+(?: *; *[\w!#$&^.+-]+=(?:[^\s;\"]+|\"[^\"]*\"))*)",
}
"""Rule for an open-ended value set → the form of its codes."""

ACCEPTED: Final = {
    "base64Binary": "base64 in groups of four characters, such as aGVsbG8=",
    "boolean": "true or false, without quotes",
    "canonical": "an absolute URL without blanks, optionally followed by |version",
    "code": "a text without blanks at its ends and with single blanks inside",
    "date": "YYYY, YYYY-MM or YYYY-MM-DD, a day that the calendar has",
    "dateTime": "YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with Z or an offset such as +02:00",
    "decimal": "a JSON number up to 1e308, without quotes",
    "element-id": "a text without blanks",
    "id": "1 to 64 of the characters A-Z, a-z, 0-9, . and -",
    "instant": "YYYY-MM-DDThh:mm:ss with Z or an offset such as +02:00",
    "integer": "a whole JSON number from -2147483648 to 2147483647, without quotes",
    "markdown": "a text with at least one visible character and no control characters",
    "oid": "urn:oid: and the identifier in dotted numbers, such as urn:oid:1.2.3",
    "positiveInt": "a whole JSON number from 1 to 2147483647, without quotes",
    "string": "a text with at least one visible character and no control characters",
    "time": "hh:mm:ss, without a zone",
    "unsignedInt": "a whole JSON number from 0 to 2147483647, without quotes",
    "uri": "a URI without blanks",
    "url": "a URL without blanks",
    "uuid": "urn:uuid: and the identifier in lower case",
    "xhtml": "a <div> in the XHTML namespace",
    "language": "a BCP-47 language tag, such as en or de-AT",
    "media-type": "a media type, such as application/pdf",
}
"""Primitive type or rule → what it takes, in words."""


def primitive_schema(name: str) -> cs.CoreSchema:
    """The schema of a primitive data type, or of an ``element-id``: a string without blanks."""
    schema: cs.CoreSchema
    if name == "boolean":
        schema = cs.bool_schema()
    elif name == "decimal":
        whole = cs.int_schema(ge=-_MAX_DECIMAL, le=_MAX_DECIMAL)
        schema = cs.union_schema([whole, cs.is_instance_schema(Decimal)], mode="left_to_right")
    elif name in RANGES:
        smallest, largest = RANGES[name]
        schema = cs.int_schema(ge=smallest, le=largest)
    else:
        limit = None if name in _UNLIMITED else MAX_STRING_LENGTH
        schema = text_schema(PATTERNS["uri" if name == "element-id" else name], limit)
    return refusing(schema, "value-invalid", name)


def text_schema(pattern: str, max_length: int | None = None) -> cs.CoreSchema:
    """A string that the pattern matches in full."""
    return cs.str_schema(pattern=rf"\A(?:{pattern})\z", max_length=max_length)


def refusing(schema: cs.CoreSchema, code: str, accepted: str) -> cs.CoreSchema:
    """The schema with one error for whatever it refuses: an error code and the name of what it accepts."""
    return cs.custom_error_schema(
        schema,
        custom_error_type=code,
        custom_error_message="{accepted}",
        custom_error_context={"accepted": accepted},
    )
