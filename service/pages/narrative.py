"""A narrative as blocks that a page writes anew: headings, paragraphs, lists and tables, all of them plain words.

Nothing of the markup itself reaches a page. What is not made of these alone, or is not well-formed, stays words.
https://hl7.org/fhir/R4/narrative.html
"""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from service.pages.visible import shortened, words_of

if TYPE_CHECKING:
    from service.pages.shown import Picture

_LONGEST: Final = 200_000
"""Characters of a narrative that is taken apart; of a longer one the first words are shown."""
_LONGEST_LABEL: Final = 60
_WORDED: Final = frozenset({"p", "h3", "li", "caption", "th", "td"})
_WITHIN: Final = {
    "": frozenset({"div"}),
    "div": frozenset({"p", "h3", "ul", "table"}),
    "ul": frozenset({"li"}),
    "table": frozenset({"caption", "thead", "tbody", "tr"}),
    "thead": frozenset({"tr"}),
    "tbody": frozenset({"tr"}),
    "tr": frozenset({"th", "td"}),
    **{name: frozenset({"b"}) for name in _WORDED},
}
"""Element → what may stand in it; nothing can stand in itself, so that nothing is deep."""


class Cell(Struct, frozen=True, kw_only=True):
    """A cell below the `label` of its column, empty where that has none."""

    text: str
    label: str


class Block(Struct, frozen=True, kw_only=True):
    """A part of a narrative by its `kind`: `text` of words, title or caption; `items`; `head` and `rows`; `picture`."""

    kind: Literal["words", "text", "title", "list", "table", "picture"]
    text: str = ""
    items: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    picture: Picture | None = None


def blocks_of(xhtml: str) -> tuple[Block, ...]:
    """The blocks of a narrative; its words, as one block, where it holds anything else."""
    reader = _Reader()
    if len(xhtml) <= _LONGEST:
        reader.feed(xhtml)
        reader.close()
        if reader.is_known and not reader.open:
            return tuple(reader.blocks)
    text = shortened(words_of(xhtml))
    return (Block(kind="words", text=text),) if text else ()


class _Reader(HTMLParser):
    """Takes a narrative apart; `is_known` as long as it is made of nothing else, `open` what is not closed yet."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self.open: list[str] = []
        self.is_known = True
        self._said: list[str] = []
        self._items: list[str] = []
        self._caption = ""
        self._row: list[tuple[str, str]] = []
        self._rows: list[list[tuple[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.is_known &= tag in _WITHIN.get(self.open[-1] if self.open else "", ())
        self.open.append(tag)

    def handle_data(self, data: str) -> None:
        if self.open and (self.open[-1] in _WORDED or self.open[-1] == "b"):
            self._said.append(data)
        else:
            self.is_known &= not data.strip()

    def handle_endtag(self, tag: str) -> None:
        if not self.is_known or not self.open or self.open.pop() != tag:
            self.is_known = False
        elif tag in _WORDED:
            self._worded(tag, " ".join("".join(self._said).split()))
            self._said.clear()
        elif tag == "tr":
            self._rows.append(self._row)
            self._row = []
        elif tag == "ul":
            self.blocks.append(Block(kind="list", items=tuple(self._items)))
            self._items = []
        elif tag == "table":
            self._table()

    def handle_comment(self, data: str) -> None:
        del data
        self.is_known = False

    def handle_decl(self, decl: str) -> None:
        del decl
        self.is_known = False

    def handle_pi(self, data: str) -> None:
        del data
        self.is_known = False

    def unknown_decl(self, data: str) -> None:
        del data
        self.is_known = False

    def _worded(self, tag: str, text: str) -> None:
        match tag:
            case "p" | "h3":
                self.blocks.append(Block(kind="text" if tag == "p" else "title", text=text))
            case "li":
                self._items.append(text)
            case "caption":
                self._caption = text
            case _:
                self._row.append((tag, text))

    def _table(self) -> None:
        """A table whose first row, if it is one of headings, is the head."""
        rows, self._rows = self._rows, []
        head = tuple(text for _, text in rows.pop(0)) if rows and all(tag == "th" for tag, _ in rows[0]) else ()
        labels = [shortened(each, _LONGEST_LABEL) for each in head]
        shown = tuple(
            tuple(
                Cell(text=text, label=labels[place] if place < len(labels) else "")
                for place, (_, text) in enumerate(row)
            )
            for row in rows
        )
        self.blocks.append(Block(kind="table", text=self._caption, head=head, rows=shown))
        self._caption = ""
