"""Which media type to answer in, and which kind of body was sent.

https://hl7.org/fhir/R4/http.html#mime-type, https://hl7.org/fhir/R4/http.html#parameters. The service speaks JSON, and
shows what is read as a page to browsers; XML and Turtle are refused rather than approximated.
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from typing import Final

from msgspec import Struct

from service.fhir.outcome import FhirError, failure

FHIR_JSON: Final = "application/fhir+json"
JSON: Final = "application/json"
HTML: Final = "text/html"
FHIR_VERSIONS: Final = ("4.0", "4.0.1")

_FORMATS: Final = {"json": FHIR_JSON, FHIR_JSON: FHIR_JSON, JSON: JSON, "text/json": JSON}
_PAGES: Final = ("html", HTML)
_OFFERED: Final = (FHIR_JSON, JSON)


class Representation(Struct, frozen=True):
    """How an answer is written: its Content-Type, and whether for a human's eyes.

    `page`: in a browser, as a page where there is one for it; the Content-Type is that of answers without one.
    """

    content_type: bytes
    pretty: bool = False
    page: bool = False


DEFAULT: Final = Representation(b"application/fhir+json; charset=utf-8")


_PAGE: Final = Representation(b"application/json; charset=utf-8", page=True)
"""A browser shows application/json, too, but would offer application/fhir+json for download."""


class BodyKind(Enum):
    """What a Content-Type says about a body."""

    FHIR_JSON = FHIR_JSON
    JSON = JSON
    JSON_PATCH = "application/json-patch+json"
    FORM = "application/x-www-form-urlencoded"


class MediaRange(Struct, frozen=True):
    """One element of an Accept header: a type or range in lower case, its parameters, its weight from 0 to 1."""

    name: str
    parameters: dict[str, str]
    weight: float


def representation(
    accept: bytes, format_parameter: str | None, pretty: str | None, *, beside: tuple[str, ...] = ()
) -> Representation:
    """The representation to answer with; ``_format`` wins over Accept. `beside` are formats that somebody else writes.

    FhirError not-acceptable, fhir-version-unsupported, or parameter-value for ``_pretty``.
    """
    if format_parameter is not None:
        chosen = _formatted(format_parameter, beside)
    elif accept:
        chosen = _accepted(accept)
    else:
        chosen = DEFAULT
    if pretty is None or pretty == "false":
        return chosen
    if pretty != "true":
        raise failure("parameter-value", "_pretty is true or false.", "http._pretty")
    return Representation(chosen.content_type, pretty=True, page=chosen.page)


def media_ranges(text: str) -> list[MediaRange]:
    """The elements of an Accept header (or of a single media type), in the order sent; malformed ones are left out."""
    ranges = []
    for element in text.split(","):
        name, *sent_parameters = element.split(";")
        parameters = {}
        for parameter in sent_parameters:
            key, _, value = parameter.partition("=")
            parameters[key.strip().lower()] = value.strip().strip('"')
        weight = _weight(parameters.pop("q", "1"))
        if weight is not None and name.strip():
            ranges.append(MediaRange(name.strip().lower(), parameters, weight))
    return ranges


def _weight(text: str) -> float | None:
    try:
        weight = float(text)
    except ValueError:
        return None
    return weight if 0 <= weight <= 1 else None


def _formatted(text: str, beside: tuple[str, ...]) -> Representation:
    # in a query an unescaped + means a space, yet clients write ?_format=application/fhir+json
    ranges = media_ranges(text.replace("fhir json", "fhir+json"))
    if len(ranges) == 1 and ranges[0].name in _PAGES:
        return _PAGE
    if len(ranges) != 1 or ranges[0].name not in _FORMATS:
        known = ", ".join((*_FORMATS, *_PAGES, *beside))
        raise failure("not-acceptable", f"_format takes {known}; the service writes nothing else.", "http._format")
    if not _version_served(ranges[0]):
        raise _refuse_version("http._format")
    return _written(_FORMATS[ranges[0].name], ranges[0])


@lru_cache(maxsize=256)
def _accepted(accept: bytes) -> Representation:
    ranges = media_ranges(accept.decode("latin-1"))
    if not ranges:
        return DEFAULT
    best: tuple[float, Representation] | None = None
    for offered in _OFFERED:
        found = _most_specific(ranges, offered)
        if found and found.weight > 0 and (best is None or found.weight > best[0]):
            best = found.weight, _written(offered, found)
    page = next((found for found in ranges if found.name == HTML and found.weight > 0), None)
    if page and (best is None or page.weight > best[0]):
        return _PAGE
    if best:
        return best[1]
    if any(_matches(found.name, offered) and not _version_served(found) for found in ranges for offered in _OFFERED):
        raise _refuse_version("http.Accept")
    raise failure("not-acceptable", f"The service answers in {FHIR_JSON}, {JSON} or {HTML} only.", "http.Accept")


def _most_specific(ranges: list[MediaRange], offered: str) -> MediaRange | None:
    """The range that decides about a media type: the exact one before ``application/*`` before ``*/*``."""
    matching = [found for found in ranges if _matches(found.name, offered) and _version_served(found)]
    return min(matching, key=lambda found: (found.name.count("*"), -found.weight), default=None)


def _matches(name: str, offered: str) -> bool:
    return name in (offered, "*/*", "*", "application/*") or (name == "text/json" and offered == JSON)


def _version_served(media_range: MediaRange) -> bool:
    return media_range.parameters.get("fhirversion", "4.0") in FHIR_VERSIONS


def _written(name: str, asked: MediaRange) -> Representation:
    """The type as Content-Type; the FHIR version is named to those who named it."""
    version = "; fhirVersion=4.0" if "fhirversion" in asked.parameters else ""
    if name == FHIR_JSON and not version:
        return DEFAULT
    return Representation(f"{name}{version}; charset=utf-8".encode())


def _refuse_version(expression: str) -> FhirError:
    return failure("fhir-version-unsupported", "The service speaks FHIR R4: fhirVersion=4.0.", expression)


@lru_cache(maxsize=256)
def body_kind(content_type: bytes, allowed: tuple[BodyKind, ...]) -> BodyKind:
    """The kind of body that a Content-Type announces; FhirError media-type-unsupported unless it is an allowed one."""
    named = ", ".join(kind.value for kind in allowed)
    if not content_type:
        raise failure("media-type-unsupported", f"A body needs a Content-Type: {named}.", "http.Content-Type")
    ranges = media_ranges(content_type.decode("latin-1"))
    kind = next((kind for kind in allowed if len(ranges) == 1 and kind.value == ranges[0].name), None)
    if kind is None:
        raise failure("media-type-unsupported", f"The Content-Type must be {named}.", "http.Content-Type")
    if ranges[0].parameters.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise failure("media-type-unsupported", "The charset must be utf-8.", "http.Content-Type")
    if not _version_served(ranges[0]):
        raise failure("media-type-unsupported", "The service reads FHIR R4: fhirVersion=4.0.", "http.Content-Type")
    return kind
