"""Texts as an index holds them: short enough for a B-tree row, and never equal unless the whole texts are."""

from __future__ import annotations

import hashlib
from typing import Final

LONGEST: Final = 256
"""Characters that are indexed as they are: at most 1,024 bytes, well below the 2,704 that a B-tree row may have."""

_SEPARATOR: Final = "\x1f"


_CAPITALS: Final = str.maketrans("0123456789abcdef", "ABCDEFGHIJKLMNOP")
"""Folded texts have none: what is looked for within a text is never found in a digest."""


def bounded(text: str) -> str:
    """The text itself, or its first 256 characters followed by a 128-bit digest of all of it."""
    if len(text) <= LONGEST:
        return text
    digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    return f"{text[:LONGEST]}{_SEPARATOR}{digest.translate(_CAPITALS)}"


def overlapping(text: str) -> list[str]:
    """Parts of a text such that whatever is within it, and no longer than 256 characters, is within one of them."""
    return [text[start : start + 2 * LONGEST] for start in range(0, max(len(text) - LONGEST, 1), LONGEST)]
