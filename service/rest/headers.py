"""The request headers of FHIR's RESTful API, read into the vocabulary of `fhir.interaction`, and HTTP dates both ways.

https://hl7.org/fhir/R4/http.html#general. A malformed precondition is refused (ignoring it could overwrite another's
change); a malformed If-Modified-Since and an unknown preference are ignored, as HTTP demands.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from service.fhir.entity_tag import parse_entity_tags
from service.fhir.interaction import Criteria
from service.fhir.outcome import failure
from service.fhir.url_encoding import parse_query

if TYPE_CHECKING:
    from service.fhir.interaction import IfMatch

Returning = Literal["minimal", "representation", "OperationOutcome"]

REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._\-]{1,64}")

_PREFERENCE: Final = re.compile(r"""\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:=\s*("[^"]*"|[^;,\s]*))?[^,]*""")
_RETURNS: Final[tuple[Returning, ...]] = ("minimal", "representation", "OperationOutcome")
_LEAST_REASON, _MOST_REASON = 10, 500
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Preferences(Struct, frozen=True, kw_only=True):
    """What the Prefer headers ask for; `returning` None where they do not say. https://www.rfc-editor.org/rfc/rfc7240"""

    strict: bool = True
    returning: Returning | None = None


NO_PREFERENCES: Final = Preferences()


@lru_cache(maxsize=256)
def preferences(prefer: bytes) -> Preferences:
    """The preferences of a Prefer header (several headers joined by commas); the first of a name counts."""
    sent: dict[str, str] = {}
    for name, value in _PREFERENCE.findall(prefer.decode("latin-1")):
        sent.setdefault(name.lower(), value.strip('"'))
    returning = sent.get("return", "").lower()
    return Preferences(
        strict=sent.get("handling", "").lower() != "lenient",
        returning=next((known for known in _RETURNS if known.lower() == returning), None),
    )


def reason(value: bytes, header: str) -> str:
    """The reason that a header gives, in UTF-8; FhirError header-invalid for too little or too much of one."""
    text = value.decode("utf-8", "replace").strip()
    if not _LEAST_REASON <= len(text) <= _MOST_REASON or not text.isprintable():
        told = f"{header} gives the reason in {_LEAST_REASON} to {_MOST_REASON} printable characters."
        raise failure("header-invalid", told, f"http.{header}")
    return text


def entity_tags(value: bytes, header: str) -> IfMatch:
    """The version ids of If-Match or If-None-Match. FhirError header-invalid."""
    tags = parse_entity_tags(value.decode("latin-1"))
    if tags is None:
        raise failure("header-invalid", f'{header} takes version ids such as W/"1", or *.', f"http.{header}")
    return tags


def if_modified_since(value: bytes) -> datetime | None:
    """The instant of an HTTP date in any of its three forms; None where it is malformed."""
    try:
        instant = parsedate_to_datetime(value.decode("latin-1"))
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant


def if_none_exist(value: bytes, resource_type: str) -> Criteria:
    """The criteria of a conditional create; a leading ``?`` or ``Type?`` is tolerated.

    FhirError criteria-required where it selects by nothing, header-invalid where it names another type.
    """
    name, question_mark, rest = value.partition(b"?")
    if question_mark and not name:
        value = rest
    elif question_mark and name.isalpha():
        if name != resource_type.encode():
            raise failure("header-invalid", f"If-None-Exist must search {resource_type}.", "http.If-None-Exist")
        value = rest
    parameters = parse_query(value, "http.If-None-Exist")
    if not parameters:
        needed = "If-None-Exist needs criteria such as identifier=system|value."
        raise failure("criteria-required", needed, "http.If-None-Exist")
    return Criteria(parameters=parameters)


def http_date(instant: datetime) -> bytes:
    """An instant as IMF-fixdate, such as ``Fri, 09 Jan 2026 08:00:00 GMT``; fractions of a second are cut off."""
    return _date_of_second(instant.replace(microsecond=0))


@lru_cache(maxsize=64)
def _date_of_second(instant: datetime) -> bytes:
    instant = instant.astimezone(UTC)
    return (
        f"{_WEEKDAYS[instant.weekday()]}, {instant.day:02} {_MONTHS[instant.month - 1]} {instant.year:04} "
        f"{instant.hour:02}:{instant.minute:02}:{instant.second:02} GMT"
    ).encode()
