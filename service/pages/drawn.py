"""The charts of a document, found in the HTML that comes with it.

Of that HTML nothing else is used. A chart becomes the source of an <img>, where no browser runs or loads anything, and
only one that is drawn with the elements of our own charts does.
"""

from __future__ import annotations

import base64
import binascii
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST: Final = 24
_END: Final = "</svg>"
_ELEMENTS: Final = frozenset({"svg", "title", "desc", "defs", "pattern", "path", "rect", "text", "polyline", "circle"})
_REFUSED: Final = ("on", "href", "xlink:", "style", "src")


class Drawing(Struct, frozen=True, kw_only=True):
    """A chart as a ``data:`` address; `opening` is how the words begin that say the same in the narrative."""

    source: str
    opening: str


def drawings_of(data: Any) -> Iterator[Drawing]:
    """The charts of an HTML file in base64; none where it is not one."""
    try:
        html = base64.b64decode(str(data), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return
    place = 0
    for _ in range(_MOST):
        start = html.find("<svg ", place)
        place = html.find(_END, start) + len(_END)
        if start < 0 or place < len(_END):
            return
        svg = html[start:place]
        reader = _Reader()
        reader.feed(svg)
        reader.close()
        if reader.is_plain and "<!" not in svg and "<?" not in svg:
            name, _, unit = reader.title.rpartition(", in ")
            source = f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
            yield Drawing(source=source, opening=f"{name}. In {unit}:")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.is_plain = True
        self.title = ""
        self._is_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_title = tag == "title"
        self.is_plain &= tag in _ELEMENTS and not any(
            name.startswith(_REFUSED) or "url(" in (value or "").replace("url(#", "") for name, value in attrs
        )

    def handle_endtag(self, tag: str) -> None:
        del tag
        self._is_title = False

    def handle_data(self, data: str) -> None:
        if self._is_title:
            self.title += " ".join(data.split())
