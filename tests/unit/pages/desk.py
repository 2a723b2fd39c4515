"""What the tests of pages make them with."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from service.documents.case import Knowledge
from service.fhir import codec
from service.fhir.definitions import Definitions, load
from service.massage.catalogue.rows import load as load_catalogue
from service.massage.outcome import Measures
from service.massage.payers import load as load_payers
from service.massage.screening.rules import Rules
from service.pages.headline import Headlines
from service.pages.links import Links
from service.pages.sheets import Sheets, Visited
from service.pages.values import Values
from service.pages.words import Terms

if TYPE_CHECKING:
    from collections.abc import Iterator

BASE = "http://testserver/fhir"
NOW = datetime(2026, 1, 20, 8, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
_VOID = {"meta", "link", "img", "br"}


@cache
def definitions() -> Definitions:
    return load()


@cache
def knowledge() -> Knowledge:
    catalogue = load_catalogue()
    return Knowledge(catalogue=catalogue, measures=Measures(catalogue), payers=load_payers())


@cache
def terms() -> Terms:
    return Terms(knowledge().catalogue)


@cache
def sheets() -> Sheets:
    return Sheets(definitions(), knowledge(), Rules.load(), BERLIN, "1.2.3")


def links(base: str = BASE) -> Links:
    return Links(base, definitions().resource_types)


def values(base: str = BASE) -> Values:
    return Values(links(base), terms(), BERLIN)


def headlines() -> Headlines:
    return Headlines(values())


def visited(target: str = "/Patient/a") -> Visited:
    return Visited(base=BASE, target=target, now=NOW)


def page_of(content: dict[str, Any], target: str = "/Patient/a", story: Any = None) -> Markup:
    """The page of a resource, read as a browser would."""
    made = sheets().page(codec.encode(content), content, visited(target), story, "")
    return Markup.of(made)


class Markup(HTMLParser):
    """A page as a browser takes it apart: its elements with their attributes, its text, and what is left open."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []

    @classmethod
    def of(cls, page: bytes) -> Markup:
        made = cls()
        made.feed(page.decode())
        made.close()
        return made

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def all(self, attribute: str) -> Iterator[str]:
        """Every value of an attribute."""
        yield from (each[attribute] or "" for _, each in self.elements if attribute in each)
