"""string: https://hl7.org/fhir/R4/search.html#string

"By default, a field matches a string query if the value of the field equals or starts with the supplied parameter
value, after both have been normalized by case and combining characters." `:contains` looks anywhere in the field, and
`:exact` compares "the entire supplied parameter, including casing and accents". A name and an address are searched by
each of their elements of type string.

"Punctuation and non-significant whitespace [...] should also be ignored": an apostrophe or a full stop leaves no trace,
and any other punctuation is as good as whitespace, of which runs are one blank. Between digits it is taken to mean
something (1.5), and so it is where there is nothing else.
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
    """A text without case, combining characters, punctuation and runs of whitespace."""
    decomposed = unicodedata.normalize("NFD", text.casefold())
    letters = [letter for letter in decomposed if not unicodedata.combining(letter)]
    around = zip(["", *letters], letters, [*letters[1:], ""], strict=False)
    plain = "".join(
        _ignored(letter) if _is_ignored(*each) else letter for letter, each in zip(letters, around, strict=True)
    )
    return " ".join(plain.split() or "".join(letters).split())


def _is_ignored(before: str, letter: str, after: str) -> bool:
    between_digits = before.isdecimal() and after.isdecimal()
    return unicodedata.category(letter).startswith("P") and not (between_digits and letter != "_")


def _ignored(letter: str) -> str:
    return "" if letter in "'\u2019." else " "
