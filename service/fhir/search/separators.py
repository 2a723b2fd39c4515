r"""The separators of search values and their escapes: ``,`` ``|`` ``$`` and ``\``.

https://hl7.org/fhir/R4/search.html#escaping. A backslash before any other character stands for itself.
"""

from __future__ import annotations

import re
from typing import Final

_ESCAPE: Final = re.compile(r"\\([,|$\\])")
_SPECIAL: Final = re.compile(r"([,|$\\])")


def split(text: str, separator: str) -> list[str]:
    """The parts between the separators that are not escaped; the parts keep their escapes."""
    if "\\" not in text:
        return text.split(separator)
    parts, start, position = [], 0, 0
    while position < len(text):
        if text[position] == "\\" and _ESCAPE.match(text, position):
            position += 2
            continue
        if text[position] == separator:
            parts.append(text[start:position])
            start = position + 1
        position += 1
    parts.append(text[start:])
    return parts


def unescape(text: str) -> str:
    """The text that an escaped one stands for."""
    return _ESCAPE.sub(r"\1", text) if "\\" in text else text


def escape(text: str) -> str:
    """The text with every separator escaped: the inverse of `unescape`."""
    return _SPECIAL.sub(r"\\\1", text)
