"""uri: the whole of a URI, compared byte by byte. https://hl7.org/fhir/R4/search.html#uri

A canonical with a version is found with and without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.search.bounded import bounded
from service.fhir.search.query import UriValue
from service.fhir.search.separators import unescape
from service.fhir.search.types.search_type import SearchType

if TYPE_CHECKING:
    from service.fhir.search.parameter import SearchParameter
    from service.fhir.search.types.search_type import Rows, Setting


def parse(_parameter: SearchParameter, _modifier: str | None, text: str, _setting: Setting) -> UriValue:
    """The URI, with any escapes undone."""
    return UriValue(value=bounded(unescape(text)))


def _uri(value: str, source: int, rows: Rows) -> None:
    rows.uri.add((source, 0, bounded(value)))


def _canonical(value: str, source: int, rows: Rows) -> None:
    rows.uri.add((source, 0, bounded(value)))
    url, separator, _ = value.partition("|")
    if separator and url:
        rows.uri.add((source, 0, bounded(url)))


URI: Final = SearchType(
    kind="uri",
    modifiers=(),
    extractors={"uri": _uri, "url": _uri, "oid": _uri, "uuid": _uri, "canonical": _canonical},
    parse=parse,
)
