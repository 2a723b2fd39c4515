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
from pathlib import Path
from typing import Any, Final

TEMPLATE: Final = Path(__file__).parent / "templates" / "paper.typ"
MOST_MEMORY_BYTES: Final = 1 << 30
MOST_SECONDS: Final = 20
STANDARD: Final = "ua-1"
ATTEMPTS: Final = 4
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
    sys.stdout.buffer.write(typeset(asked["paper"], asked["timestamp"], has_system_fonts=asked["has_system_fonts"]))


def typeset(paper: dict[str, Any], timestamp: int, *, has_system_fonts: bool) -> bytes:
    """The PDF of a paper as plain JSON; `timestamp` are seconds since 1970."""
    import typst  # noqa: PLC0415 - it takes memory that nobody else needs

    compiler = typst.Compiler(TEMPLATE, ignore_system_fonts=not has_system_fonts)
    paper = paper | {"unprintable": False}
    for attempt in range(ATTEMPTS):
        try:
            made: Any = compiler.compile(
                format="pdf",
                sys_inputs={"paper": json.dumps(paper)},
                pdf_standards=STANDARD,
                timestamp=timestamp,
            )
        except typst.TypstError as error:
            missing = {_character(found) for found in _MISSING.findall(f"{error.message}\n{error.diagnostic}")}
            if not missing or attempt == ATTEMPTS - 1:
                raise
            paper = _marked(paper, missing) | {"unprintable": True}
        else:
            return bytes(made)
    raise AssertionError


def _character(text: str) -> str:
    """A text as Rust writes it for a programmer, as it is."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)) if found[1] else found[2], text)


def _marked(value: Any, missing: set[str]) -> Any:
    """The value with the characters of these texts replaced by their numbers."""
    if isinstance(value, str):
        for text in sorted(missing, key=len, reverse=True):
            value = value.replace(text, "".join(f"[U+{ord(each):04X}]" for each in text))
        return value
    if isinstance(value, dict):
        return {name: _marked(each, missing) for name, each in value.items()}
    return [_marked(each, missing) for each in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main()
