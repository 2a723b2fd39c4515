"""The program that sets one document: JSON on its input, a PDF on its output. It runs in a process of its own.

Typst (https://typst.app/docs/) sets it as PDF/UA-1, where a character without a font is an error: such characters are
marked by their numbers, never left as empty boxes. The program imports nothing of the service and reads no setting.
"""

from __future__ import annotations

import contextlib
import json
import re
import resource
import sys
import unicodedata
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

TEMPLATE: Final = Path(__file__).parent / "templates" / "paper.typ"
MOST_MEMORY_BYTES: Final = 1 << 30
MOST_SECONDS: Final = 20
STANDARD: Final = "ua-1"
ATTEMPTS: Final = 6
"""Signs within a word can hide others, which the next attempt finds."""

_MISSING: Final = re.compile(r'the text `"((?:[^"\\]|\\.)+)"` could not be displayed')
_ESCAPED: Final = re.compile(r"\\u\{([0-9a-f]+)\}|\\(.)")


def main() -> None:
    """Set what comes in; the exit status is not 0 where that fails."""
    for limit, most in ((resource.RLIMIT_AS, MOST_MEMORY_BYTES), (resource.RLIMIT_CPU, MOST_SECONDS)):
        with contextlib.suppress(ValueError, OSError):
            # not every system knows each limit; the press stops what takes too long in any case
            resource.setrlimit(limit, (most, most))
    asked = json.load(sys.stdin.buffer)
    paper = asked["paper"] | {"unprintable": asked["has_numbers"]}
    sys.stdout.buffer.write(typeset(paper, asked["timestamp"], has_system_fonts=asked["has_system_fonts"]))


def typeset(paper: dict[str, Any], timestamp: int, *, has_system_fonts: bool) -> bytes:
    """The PDF of a paper as plain JSON, `unprintable` where it shows characters by their numbers.

    `timestamp` are seconds since 1970.
    """
    import typst  # noqa: PLC0415 - it takes memory that nobody else needs

    compiler = typst.Compiler(TEMPLATE, ignore_system_fonts=not has_system_fonts)
    paper = _each(paper, partial(unicodedata.normalize, "NFC"))
    for attempt in range(ATTEMPTS):
        try:
            made: Any = compiler.compile(
                format="pdf",
                sys_inputs={"paper": json.dumps(paper)},
                pdf_standards=STANDARD,
                timestamp=timestamp,
            )
        except typst.TypstError as error:
            missing = _missing(f"{error.message}\n{error.diagnostic}", paper)
            if not missing or attempt == ATTEMPTS - 1:
                raise
            paper = _each(paper, partial(_marked, missing=missing)) | {"unprintable": True}
        else:
            return bytes(made)
    raise AssertionError


def _missing(told: str, paper: dict[str, Any]) -> list[str]:
    """The texts that no font has, the longest first.

    A sign of ASCII that is told of is there but for what follows it: then those that join others have no font.
    """
    found = {_character(each) for each in _MISSING.findall(told)}
    if found and all(each.isascii() for each in found):
        return [each for each in sorted(set(json.dumps(paper, ensure_ascii=False))) if _joins(each)]
    return sorted((each for each in found if not each.isascii()), key=len, reverse=True)


def _joins(character: str) -> bool:
    return unicodedata.category(character) in ("Mn", "Me", "Cf")


def _character(text: str) -> str:
    """A text as Rust writes it for a programmer, as it is."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)) if found[1] else found[2], text)


def _marked(text: str, missing: list[str]) -> str:
    """The text with these replaced by the numbers of their characters."""
    for each in missing:
        text = text.replace(each, "".join(f"[U+{ord(character):04X}]" for character in each))
    return text


def _each(value: Any, change: Callable[[str], str]) -> Any:
    """The value with all of its texts changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {name: _each(each, change) for name, each in value.items()}
    return [_each(each, change) for each in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main()
