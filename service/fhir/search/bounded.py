"""Texts as an index holds them: short enough for a B-tree row, and never equal unless the whole texts are."""

from __future__ import annotations

import hashlib
from typing import Final

LONGEST: Final = 256
"""Characters that are indexed as they are: at most 1,024 bytes, well below the 2,704 that a B-tree row may have."""

_SEPARATOR: Final = "\x1f"


def bounded(text: str) -> str:
    """The text itself, or its first 256 characters followed by a 128-bit digest of all of it."""
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}{_SEPARATOR}{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}"
