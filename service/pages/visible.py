"""JSON and narratives of others as a person may safely read them; plain text is `service.fhir.visible`'s.

Escaping for HTML is Jinja's; here it is about characters that HTML leaves as they are, and about markup.
"""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final

from service.fhir.visible import HIDDEN

if TYPE_CHECKING:
    import re

_BLOCKS: Final = frozenset(
    {"address", "blockquote", "br", "caption", "dd", "div", "dl", "dt", "h1", "h2", "h3", "h4", "h5", "h6"}
    | {"hr", "li", "ol", "p", "pre", "table", "tr", "ul"}
)
_CELLS: Final = frozenset({"td", "th"})
_LONGEST: Final = 4000
"""Characters of one value that are shown; the JSON has the rest."""


def visible_json(text: str) -> str:
    r"""JSON with hidden characters in its own notation, such as ``\u202e``: it still means the same."""
    return HIDDEN.sub(_escaped, text) if HIDDEN.search(text) else text


def shortened(text: str, most: int = _LONGEST) -> str:
    """The text, cut after `most` characters with a mark."""
    return text if len(text) <= most else f"{text[:most]} …"


def words_of(xhtml: str) -> str:
    """The words of a narrative without its markup, a line for each of its blocks; cells of a row are set apart.

    Nothing of the markup is kept: a page of ours holds no link, picture or style that somebody else has chosen.
    """
    reader = _Words()
    reader.feed(xhtml)
    reader.close()
    lines = (" ".join(line.split()).removeprefix("·").strip() for line in "".join(reader.found).split("\n"))
    return "\n".join(line for line in lines if line)


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._divide(tag)
        if tag in _CELLS:
            self.found.append(" · ")

    def handle_endtag(self, tag: str) -> None:
        self._divide(tag)

    def handle_data(self, data: str) -> None:
        self.found.append(data.replace("\n", " "))

    def _divide(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.found.append("\n")


def _escaped(match: re.Match[str]) -> str:
    number = ord(match[0])
    if match[0] in "\n\r\t":
        return match[0]
    if number < 0x1_0000:
        return f"\\u{number:04x}"
    high, low = divmod(number - 0x1_0000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
