"""FHIRPath text as tokens. https://hl7.org/fhirpath/N1/#lexical-elements"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from service.fhir.path.error import PathError

TokenKind = Literal["name", "quoted", "string", "number", "moment", "special", "symbol", "end"]

MAX_LENGTH: Final = 8000
"""Characters; the longest expression of R4 has about 4,000 (a search parameter shared by 33 types)."""

_TIME: Final = r"\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?"
_TOKEN: Final = re.compile(
    rf"""
      (?P<space>\s+|//[^\n]*|/\*.*?\*/)
    | (?P<moment>@(?:T{_TIME}|\d{{4}}(?:-\d\d(?:-\d\d)?)?(?:T(?:{_TIME}(?:Z|[+-]\d\d:\d\d)?)?)?))
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<string>'(?:[^'\\]|\\.)*')
    | (?P<quoted>`(?:[^`\\]|\\.)*`)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<special>\$(?:this|index|total)\b)
    | (?P<symbol><=|>=|!=|!~|[-+*/&|=~<>.,()\[\]{{}}%])
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_ESCAPE: Final = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_ESCAPES: Final = {"f": "\f", "n": "\n", "r": "\r", "t": "\t"} | {mark: mark for mark in "'\"`\\/"}


@dataclass(frozen=True, slots=True)
class Token:
    """A token: its kind, its text (unescaped and unquoted for strings and names) and where it starts."""

    kind: TokenKind
    text: str
    position: int


def tokens(expression: str) -> list[Token]:
    """The tokens of an expression without white space and comments, closed by one of kind "end"; raises PathError."""
    if len(expression) > MAX_LENGTH:
        raise PathError(f"A path is at most {MAX_LENGTH} characters long.")
    found: list[Token] = []
    position = 0
    while position < len(expression):
        match = _TOKEN.match(expression, position)
        if match is None:
            raise PathError("The path has a character or an unclosed string that FHIRPath does not know", position)
        kind = match.lastgroup
        if kind != "space":
            found.append(_token(kind, match[0], position))
        position = match.end()
    found.append(Token("end", "", position))
    return found


def _token(kind: str | None, text: str, position: int) -> Token:
    match kind:
        case "string":
            return Token("string", _unescape(text[1:-1], position), position)
        case "quoted":
            return Token("quoted", _unescape(text[1:-1], position), position)
        case "name" | "number" | "symbol":
            return Token(kind, text, position)
        case "moment" | "special":
            return Token(kind, text[1:], position)
        case _:
            raise PathError("The path cannot be read", position)


def _unescape(text: str, position: int) -> str:
    if "\\" not in text:
        return text

    def plain(match: re.Match[str]) -> str:
        mark = match[1]
        if len(mark) == 5:
            return chr(int(mark[1:], 16))
        if mark not in _ESCAPES:
            raise PathError("A string has an escape that FHIRPath does not know", position)
        return _ESCAPES[mark]

    try:
        return _ESCAPE.sub(plain, text).encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise PathError("A string has half of a surrogate pair", position) from None
