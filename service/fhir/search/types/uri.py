"""uri: the whole of a URI, compared byte by byte. https://hl7.org/fhir/R4/search.html#uri

A canonical with a version is found with and without it, and so is the resource that it means.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from service.fhir.search.bounded import LONGEST, bounded
from service.fhir.search.query import UriValue
from service.fhir.search.separators import split, unescape
from service.fhir.search.types.reference import add_url
from service.fhir.search.types.search_type import SearchType, refused

if TYPE_CHECKING:
    from service.fhir.search.parameter import SearchParameter
    from service.fhir.search.types.search_type import Extract, Rows, Setting


_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://[^\s/]\S*")


def parse(parameter: SearchParameter, modifier: str | None, text: str, _setting: Setting) -> UriValue:
    """The URI, with any escapes undone; `modifier` "below" also takes what continues it, "above" what it continues."""
    value = unescape(text)
    url, *version = split(text, "|")
    if len(version) > 1 or not all((url, *version)):
        raise refused(parameter, "a URI, or a canonical url|version")
    if modifier is None:
        return UriValue(value=bounded(value))
    if not _URL.fullmatch(value):
        raise refused(parameter, f"with :{modifier} a URL such as http://example.org/fhir; URNs have no hierarchy")
    if len(value) > LONGEST:
        raise refused(parameter, f"with :{modifier} at most {LONGEST} characters")
    return UriValue(value=value, form="below" if modifier == "below" else "equal")


def above(value: UriValue) -> tuple[UriValue, ...]:
    """Every URL that the URL starts with, by R4's letter: "the search term left-matches the value, or vice-versa"."""
    url = value.value
    shortest = url.index("//") + 3
    return tuple(UriValue(value=url[:end]) for end in range(shortest, len(url) + 1))


def _uri(value: str, source: int, rows: Rows) -> None:
    rows.uri.add((source, rows.element, bounded(value)))


def _canonical(value: str, source: int, rows: Rows) -> None:
    rows.uri.add((source, rows.element, bounded(value)))
    url, separator, _ = value.partition("|")
    if separator and url:
        rows.uri.add((source, rows.element, bounded(url)))


def versioned(number: int) -> Extract:
    """Adds the rows of the url of a resource: with its version too, as canonicals to it are written.

    `number` is that under which canonicals find the resource.
    """

    def add(value: str, source: int, rows: Rows) -> None:
        _uri(value, source, rows)
        version = rows.version if type(rows.version) is str else None  # that of a Device is none of these
        if version is not None:
            rows.uri.add((source, rows.element, bounded(f"{value}|{version}")))
        add_url(value, version, number, rows)

    return add


URI: Final = SearchType(
    kind="uri",
    modifiers=("above", "below"),
    extractors={"uri": _uri, "url": _uri, "oid": _uri, "uuid": _uri, "canonical": _canonical},
    parse=parse,
    alternatives={"above": above},
)
