"""JSON Pointers. https://www.rfc-editor.org/rfc/rfc6901"""

from __future__ import annotations

import re
from typing import Any, Final

Pointer = tuple[str, ...]
"""The unescaped tokens of a JSON Pointer; none for the whole document."""

MAX_TOKENS: Final = 100
_WELL_FORMED: Final = re.compile(r"(?:/(?:[^~/]|~[01])*)*")
_INDEX: Final = re.compile(r"0|[1-9][0-9]*", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def parse_pointer(text: Any) -> Pointer | None:
    """The tokens of a pointer; None if it is no JSON Pointer, or has more than `MAX_TOKENS` tokens."""
    if not isinstance(text, str) or text.count("/") > MAX_TOKENS or not _WELL_FORMED.fullmatch(text):
        return None
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in text.split("/")[1:])


def array_index(token: str) -> int | None:
    """The index that a token names, None if it names none; what lies beyond any array is cut off at a billion."""
    if not _INDEX.fullmatch(token):
        return None
    return int(token) if len(token) < 10 else 1_000_000_000


def as_expression(kind: str, pointer: Pointer) -> str:
    """A pointer as FHIRPath, as far as its tokens can be the names of elements: ``Patient.name[0].family``."""
    expression = kind
    for token in pointer:
        if _INDEX.fullmatch(token) and len(token) < 10:
            expression += f"[{token}]"
        elif _NAME.fullmatch(token) and len(token) <= 64:
            expression += f".{token}"
        else:
            break
    return expression
