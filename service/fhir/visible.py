"""Text of others as a person may safely read it: what is invisible, or turns the order of what follows, is named.

https://unicode.org/reports/tr9/
"""

from __future__ import annotations

import re
from typing import Final

HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and newline
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # direction, zero width
    "\u2028\u2029\ud800-\udfff\ufffe\uffff\U000e0000-\U000e007f"  # separators, halves of characters, tags
    "\ue000-\uf8ff\U000f0000-\U0010ffff]"  # private use, which each font draws as it likes
)
"""Those that join or part letters (U+200C, U+200D) are left: some scripts are written with them."""


def visible(text: str) -> str:
    """The text with hidden characters named, such as ``[U+202E]``; the ends of its lines are newlines."""
    return HIDDEN.sub(_named, text.replace("\r\n", "\n")) if HIDDEN.search(text) else text


def _named(found: re.Match[str]) -> str:
    return f"[U+{ord(found[0]):04X}]"
