"""uri: https://hl7.org/fhir/R4/search.html#uri

"By default, matches are precise (e.g. case, accent, and escape) sensitive, and the entire URI must match."
`:below` finds what starts with the search value, `:above` what the search value starts with; neither applies to URNs.
A canonical is found by its URL whatever its version is, and by ``url|version``
(https://hl7.org/fhir/R4/search.html#versions; R4 does not say whether the URL alone is a match without `:below`).
The ``|version`` after the canonical URL of a resource itself is "a search on the version".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.search.evaluator.separators import unescape

if TYPE_CHECKING:
    from tests.search.evaluator.values import Value

TYPES: Final = frozenset({"uri", "url", "canonical", "oid", "uuid"})


def matches(text: str, value: Value, modifier: str = "") -> bool:
    """Whether a URI matches."""
    searched = unescape(text)
    match modifier:
        case "":
            return searched in names(value)
        case "below":
            return _is_url(value.content) and value.content.startswith(searched)
        case "above":
            return _is_url(value.content) and searched.startswith(value.content)
    raise ValueError(modifier)


def names(value: Value) -> set[str]:
    """What a URI may be called: a canonical also without its version, the URL of a resource also with its version."""
    uri: str = value.content
    if value.type == "canonical":
        return {uri, uri.partition("|")[0]}
    version = value.around.get("version")
    return {uri, f"{uri}|{version}"} if version is not None and uri == value.around.get("url") else {uri}


def _is_url(uri: str) -> bool:
    return not uri.startswith("urn:")
