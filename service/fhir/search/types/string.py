"""string: text that starts with the search value, whatever its case, accents and punctuation.

https://hl7.org/fhir/R4/search.html#string. ``:exact`` compares whole texts as they are, ``:contains`` looks anywhere in
a text, which the index holds in parts when it is long. A name or an address matches by any of its parts. R4's parameter
``phonetic`` compares the words of a name by their sound.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import jellyfish

from service.fhir.search.bounded import LONGEST, bounded, overlapping
from service.fhir.search.query import StringValue
from service.fhir.search.separators import unescape
from service.fhir.search.types.search_type import SearchType, refused

if TYPE_CHECKING:
    from service.fhir.search.parameter import SearchParameter
    from service.fhir.search.types.search_type import Rows, Setting

_LETTERS: Final = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ŧ": "t", "æ": "ae", "œ": "oe"})
"""Letters whose stroke or ligature Unicode does not decompose, though people leave it out when they type."""


_APOSTROPHES: Final = re.compile("[\u00b4\u2018\u2019\u201b\u02bb\u02bc]")
"""What people and their programs write for an apostrophe, some of which Unicode would decompose into a blank."""

_SIGN: Final = re.compile(r"[^\w\s]|_")
_PUNCTUATION: Final = re.compile(r"""[!"#%&'()*,\-./:;?@\[\\\]_`{}]""")
_BETWEEN_DIGITS: Final = re.compile(r"[0-9][^\w\s][0-9]")
_WITHIN_WORDS: Final = frozenset("'`.")
"""What is left out without a trace: O'Brien is OBrien, J.P. is JP. Other punctuation parts words as a blank does."""

_PARTED: Final = [
    ("" if each in _WITHIN_WORDS else " ") if _PUNCTUATION.match(each) else each for each in map(chr, range(128))
]
"""ASCII → what is left of it where nothing stands between digits; a list, which `str.translate` reads fastest."""


def fold(text: str) -> str:
    """The text without case, accents, punctuation and runs of blanks; of nothing but punctuation, that."""
    plain = text.isascii()
    if not plain:
        decomposed = unicodedata.normalize("NFKD", _APOSTROPHES.sub("'", text))
        decomposed = unicodedata.normalize("NFKD", decomposed.casefold())
        text = "".join(letter for letter in decomposed if not unicodedata.combining(letter)).translate(_LETTERS)
    text = text.casefold()
    if plain and _PUNCTUATION.search(text) is None:
        return " ".join(text.split())
    if plain and _BETWEEN_DIGITS.search(text) is None:
        words = text.translate(_PARTED).split()
    else:
        words = _SIGN.sub(_instead, text).split()
    return " ".join(words or text.split())


def _instead(sign: re.Match[str]) -> str:
    """What is left of a sign: itself between digits, where it tells 1.5 from 15, and if it is none of punctuation."""
    text, place = sign.string, sign.start()
    if text[place - 1 : place].isdecimal() and text[place + 1 : place + 2].isdecimal() and sign[0] != "_":
        return sign[0]
    if sign[0] in _WITHIN_WORDS:
        return ""
    return " " if unicodedata.category(sign[0]).startswith("P") else sign[0]


@lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """The text as the index holds it; the resources of a clinic repeat the names of codes."""
    return bounded(fold(text))


def parse(parameter: SearchParameter, modifier: str | None, text: str, _setting: Setting) -> StringValue:
    """The beginning of a text; with `modifier` "exact" all of it, with "contains" any part."""
    value = unescape(text)
    if parameter.phonetic:
        return _sounding(parameter, value)
    simple = fold(value)
    if modifier == "exact":
        return StringValue(folded=bounded(simple), exact=bounded(value), form="exact")
    if not simple:
        raise refused(parameter, "text with at least one letter, digit or sign")
    if len(simple) > LONGEST:
        raise refused(parameter, f"at most {LONGEST} characters (any number with :exact)")
    return StringValue(folded=simple, form="contains" if modifier == "contains" else "prefix")


def _sounding(parameter: SearchParameter, value: str) -> StringValue:
    match _sounds(value):
        case [sound]:
            return StringValue(folded=sound, exact="", form="exact")
    raise refused(parameter, "one word of a name, to be compared by its sound")


def _text(value: str, source: int, rows: Rows) -> None:
    simple = fold(value)
    rows.string.add((source, rows.element, bounded(simple), bounded(value)))
    if len(simple) > LONGEST and (number := rows.further.parts.get(source)):
        rows.string.update((number, rows.element, part, "") for part in overlapping(simple))


def add_sounds(value: str, source: int, rows: Rows) -> None:
    """The rows of a text for a phonetic parameter: one for the sound of each word."""
    rows.string.update((source, rows.element, sound, "") for sound in _sounds(value))


def _sounds(text: str) -> list[str]:
    """How the words sound, by Metaphone; a word without Latin letters is its own sound."""
    return [jellyfish.metaphone(word) or bounded(word) for word in fold(text).split(" ") if word]


STRING: Final = SearchType(
    kind="string",
    modifiers=("exact", "contains"),
    extractors={"string": _text, "markdown": _text, "code": _text, "uri": _text, "id": _text},
    parse=parse,
    parts={
        "HumanName": ("family", "given", "prefix", "suffix", "text"),
        "Address": ("line", "city", "district", "state", "postalCode", "country", "text"),
        "Annotation": ("text",),
    },
)
