"""uri: the whole of a URI, compared byte by byte. https://hl7.org/fhir/R4/search.html#uri

A canonical with a version is found with and without it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from service.fhir.search.bounded import LONGEST, bounded
from service.fhir.search.query import UriValue
from service.fhir.search.separators import unescape
from service.fhir.search.types.search_type import SearchType, refused

if TYPE_CHECKING:
    from service.fhir.search.parameter import SearchParameter
    from service.fhir.search.types.search_type import Rows, Setting


_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://[^\s/]\S*")


def parse(parameter: SearchParameter, modifier: str | None, text: str, _setting: Setting) -> UriValue:
    """The URI, with any escapes undone; `modifier` "below" also takes what continues it, "above" what it continues."""
    value = unescape(text)
    if modifier is None:
        return UriValue(value=bounded(value))
    if not _URL.fullmatch(value):
        raise refused(parameter, f"with :{modifier} a URL such as http://example.org/fhir; URNs have no hierarchy")
    if len(value) > LONGEST:
        raise refused(parameter, f"with :{modifier} at most {LONGEST} characters")
    return UriValue(value=value, form="below" if modifier == "below" else "equal")


def above(value: UriValue) -> tuple[UriValue, ...]:
    """The URL and those that it continues after a slash, up to the server, each with and without the slash."""
    url = value.value
    start = url.index("//") + 2
    ends = [position for position in range(start, len(url)) if url[position] == "/"]
    found = [url, url.rstrip("/"), *(url[:each] for each in reversed(ends)), *(url[: each + 1] for each in ends)]
    return tuple(UriValue(value=each) for each in dict.fromkeys(found))


def _uri(value: str, source: int, rows: Rows) -> None:
    rows.uri.add((source, rows.element, bounded(value)))


def _canonical(value: str, source: int, rows: Rows) -> None:
    rows.uri.add((source, rows.element, bounded(value)))
    url, separator, _ = value.partition("|")
    if separator and url:
        rows.uri.add((source, rows.element, bounded(url)))


URI: Final = SearchType(
    kind="uri",
    modifiers=("above", "below"),
    extractors={"uri": _uri, "url": _uri, "oid": _uri, "uuid": _uri, "canonical": _canonical},
    parse=parse,
    alternatives={"above": above},
)
