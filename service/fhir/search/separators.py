r"""The separators of search values and their escapes: ``,`` ``|`` ``$`` and ``\``.

https://hl7.org/fhir/R4/search.html#escaping. A backslash before any other character is illegal.
"""

from __future__ import annotations

import re
from typing import Final

_ESCAPE: Final = re.compile(r"\\([,|$\\])")
_BOUNDS: Final = {each: re.compile(rf"\\[,|$\\]|{re.escape(each)}") for each in ",|$"}
_ILLEGAL: Final = re.compile(r"(?:\\[,|$\\]|[^\\])*+\\")
_SPECIAL: Final = re.compile(r"([,|$\\])")


def split(text: str, separator: str) -> list[str]:
    """The parts between the separators that are not escaped; the parts keep their escapes."""
    if "\\" not in text:
        return text.split(separator)
    parts, start = [], 0
    for found in _BOUNDS[separator].finditer(text):
        if found[0] == separator:
            parts.append(text[start : found.start()])
            start = found.end()
    parts.append(text[start:])
    return parts


def is_escaped(text: str) -> bool:
    """Whether every backslash belongs to an escape."""
    return "\\" not in text or _ILLEGAL.match(text) is None


def unescape(text: str) -> str:
    """The text that an escaped one stands for."""
    return _ESCAPE.sub(r"\1", text) if "\\" in text else text


def escape(text: str) -> str:
    """The text with every separator escaped: the inverse of `unescape`."""
    return _SPECIAL.sub(r"\\\1", text)
