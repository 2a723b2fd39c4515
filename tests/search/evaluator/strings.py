"""string: https://hl7.org/fhir/R4/search.html#string

"By default, a field matches a string query if the value of the field equals or starts with the supplied parameter
value, after both have been normalized by case and combining characters." `:contains` looks anywhere in the field, and
`:exact` compares "the entire supplied parameter, including casing and accents". A name and an address are searched by
each of their elements of type string.

R4 adds that "punctuation and non-significant whitespace [...] should also be ignored"; runs of whitespace are, and
punctuation is not: no normalisation that R4 requires removes it.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any, Final

from tests.search.evaluator.separators import unescape

if TYPE_CHECKING:
    from tests.search.evaluator.values import Value

TYPES: Final = frozenset({"string", "markdown", "HumanName", "Address"})

_PARTS: Final = {
    "HumanName": ("text", "family", "given", "prefix", "suffix"),
    "Address": ("text", "line", "city", "district", "state", "postalCode", "country"),
}


def matches(text: str, value: Value, modifier: str = "") -> bool:
    """Whether one of the texts of a value matches."""
    return any(text_matches(text, field, modifier) for field in texts(value))


def text_matches(text: str, field: str, modifier: str = "") -> bool:
    """Whether a field matches: from its start, or as the modifier says."""
    searched = unescape(text)
    match modifier:
        case "exact":
            return field == searched
        case "contains":
            return normalized(searched) in normalized(field)
        case "":
            return normalized(field).startswith(normalized(searched))
    raise ValueError(modifier)


def texts(value: Value) -> list[str]:
    """The fields of a value that are searched."""
    if value.type not in _PARTS:
        return [value.content]
    held: list[Any] = [value.content.get(part, ()) for part in _PARTS[value.type]]
    return [text for part in held for text in ([part] if isinstance(part, str) else part) if text is not None]


def normalized(text: str) -> str:
    """A text without case, combining characters and runs of whitespace."""
    decomposed = unicodedata.normalize("NFD", text.casefold())
    return " ".join("".join(letter for letter in decomposed if not unicodedata.combining(letter)).split())
