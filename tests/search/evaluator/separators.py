r"""The characters that join values, and their escapes: https://hl7.org/fhir/R4/search.html#escaping

``a,b`` are two values and ``a\,b`` is one; the same goes for ``$`` and ``|``, and ``\\`` is a backslash.
"""

from __future__ import annotations

import re


def split(text: str, separator: str) -> list[str]:
    """The parts of a text between separators that are not escaped; the parts keep their escapes."""
    parts = [""]
    for piece in re.findall(r"\\.|.", text, re.DOTALL):
        if piece == separator:
            parts.append("")
        else:
            parts[-1] += piece
    return parts


def unescape(text: str) -> str:
    """The text that an escaped one stands for."""
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def escape(text: str) -> str:
    """A text in which no character joins values."""
    return re.sub(r"([\\,$|])", r"\\\1", text)
