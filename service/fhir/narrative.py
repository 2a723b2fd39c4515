"""The narrative's XHTML: plain formatting, nothing active, nothing from elsewhere but images and links.

https://hl7.org/fhir/R4/narrative.html and its invariants txt-1 (only basic formatting) and txt-2 (some content). The
text is parsed by expat, which neither reads a DTD nor resolves an entity here: a document type declaration is refused
before anything in it counts, so only XML's own five entities and character references remain.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from xml.parsers.expat import ExpatError, ParserCreate

XHTML: Final = "http://www.w3.org/1999/xhtml"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ELEMENTS: Final = _words("""
    a abbr acronym address area b bdo big blockquote br caption cite code col colgroup dd del dfn div dl dt em h1 h2 h3
    h4 h5 h6 hr i img ins kbd li map ol p pre q s samp small span strike strong sub sup table tbody td tfoot th thead
    tr tt u ul var
""")
"""Chapters 7 to 11 and 15 of HTML 4.0, links and images; no forms, frames, objects, scripts or style sheets."""

ATTRIBUTES: Final = _words("""
    class dir id idref lang style title xml:lang xmlns abbr accesskey align alt axis bgcolor border cellpadding
    cellspacing char charoff charset cite clear color colspan compact coords datetime frame headers height href
    hreflang hspace ismap longdesc name nohref noshade nowrap rel rev rowspan rules scope shape size span src start
    summary tabindex type usemap valign value vspace width
""")
"""Their attributes; none that runs a script."""

_LINKS: Final = frozenset({"href", "src", "cite", "longdesc", "usemap"})
_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*):")
_SCHEMES: Final = frozenset({"http", "https", "mailto", "tel", "ftp", "ftps", "urn", "cid"})
_INVISIBLE: Final = re.compile(r"[\x00-\x20\x7f-\x9f\u200b-\u200f\u2028\u2029\ufeff]+")
_ACTIVE_STYLE: Final = re.compile(
    r"expression\(|@import|javascript:|behaviou?r:|-moz-binding|\\"
    r"|url\((?!['\"]?(?:#|data:image/(?!svg)|[\w.-]+(?:/[\w.-]+)*['\"]?\)))"  # a picture of its own or beside it
)
_CONTENT_ELEMENTS: Final = frozenset({"img", "hr"})


class NarrativeError(ValueError):
    """Says why a narrative is refused; names elements and attributes, never text."""


@dataclass(slots=True)
class _Reader:
    """What expat reports, checked as it comes."""

    depth: int = 0
    has_content: bool = field(default=False)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if self.depth == 0:
            _check_root(name, attributes)
        if name not in ELEMENTS:
            raise NarrativeError(f"the element <{name[:30]}> is not allowed; use plain formatting such as <p>, <table>")
        self.depth += 1
        self.has_content = self.has_content or name in _CONTENT_ELEMENTS
        for attribute, value in attributes.items():
            _check_attribute(name, attribute, value)

    def text(self, text: str) -> None:
        if not self.has_content:
            self.has_content = not text.isspace()

    def doctype(self, *_: object) -> None:
        raise NarrativeError("a document type declaration is not allowed")

    def instruction(self, *_: object) -> None:
        raise NarrativeError("XML declarations and processing instructions are not allowed")


def narrative_problem(div: str) -> str | None:
    """Why the text is not a narrative that R4 allows; None when it is."""
    return _problem(div) if len(div) > _REMEMBERED_LENGTH else _remembered_problem(div)


_REMEMBERED_LENGTH: Final = 2000


@lru_cache(maxsize=256)
def _remembered_problem(div: str) -> str | None:
    """Systems that send templates send the same narrative over and over."""
    return _problem(div)


def _problem(div: str) -> str | None:
    reader = _Reader()
    parser = ParserCreate()
    parser.StartElementHandler = reader.start
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = reader.doctype
    parser.XmlDeclHandler = reader.instruction
    parser.ProcessingInstructionHandler = reader.instruction
    try:
        parser.Parse(div, True)  # noqa: FBT003  # expat takes no keywords
    except NarrativeError as problem:
        return str(problem)
    except ExpatError as error:
        if "entity" in str(error):
            return "only the entities &lt; &gt; &amp; &quot; &apos; are known; write other characters as they are"
        return f"it is not well-formed XML: {error}"
    return None if reader.has_content else "it has no content; send some text or leave the narrative out (txt-2)"


def _check_root(name: str, attributes: dict[str, str]) -> None:
    if name != "div" or attributes.get("xmlns") != XHTML:
        raise NarrativeError(f'it must be one <div xmlns="{XHTML}"> element')


def _check_attribute(element: str, attribute: str, value: str) -> None:
    if attribute not in ATTRIBUTES:
        raise NarrativeError(f"the attribute {attribute[:30]} of <{element}> is not allowed")
    if attribute == "xmlns" and value != XHTML:
        raise NarrativeError("elements of other namespaces are not allowed")
    if attribute in _LINKS and not _is_safe_link(element, attribute, value):
        raise NarrativeError(f"the {attribute} of <{element}> has a scheme that is not allowed")
    if attribute == "style" and _ACTIVE_STYLE.search(_without_comments(_INVISIBLE.sub("", value)).lower()):
        raise NarrativeError(f"the style of <{element}> loads or runs something; keep to plain formatting")


def _without_comments(style: str) -> str:
    """A style without its comments; one that is not closed hides the rest from browsers too."""
    kept = []
    position = 0
    while (start := style.find("/*", position)) >= 0:
        kept.append(style[position:start])
        end = style.find("*/", start + 2)
        if end < 0:
            return "".join(kept)
        position = end + 2
    return "".join([*kept, style[position:]])


def _is_safe_link(element: str, attribute: str, value: str) -> bool:
    """Relative links and harmless schemes; browsers drop invisible characters, so they are dropped before looking."""
    target = _INVISIBLE.sub("", value).lower()
    scheme = _SCHEME.match(target)
    if scheme is None:
        return True
    if element == "img" and attribute == "src" and target.startswith("data:image/"):
        return not target.startswith("data:image/svg")
    return scheme[1] in _SCHEMES
