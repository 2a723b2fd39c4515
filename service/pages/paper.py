"""A document Bundle as a page: what its Composition says, section by section, its charts, and the PDF to be kept.

https://hl7.org/fhir/R4/documents.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.pages.drawn import drawings_of
from service.pages.narrative import Block, blocks_of
from service.pages.refusals import problems_of
from service.pages.shown import Field, Picture, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from service.fhir.resource import Content
    from service.pages.drawn import Drawing
    from service.pages.headline import Headlines
    from service.pages.values import Values

_DEEPEST: Final = 4
_HTML: Final = "text/html"


class Part(Struct, frozen=True, kw_only=True):
    """A section of a document."""

    title: str
    blocks: tuple[Block, ...]


class Paper(Struct, frozen=True, kw_only=True):
    """What a document says; `problems` are of an OperationOutcome in it, such as what a packet lacks."""

    title: str
    facts: tuple[Field, ...]
    parts: tuple[Part, ...]
    problems: tuple[str, ...]


def paper_of(bundle: Content, values: Values, headlines: Headlines) -> Paper:
    """The document; its references are called by what it contains."""
    contents = [each["resource"] for each in bundle.get("entry", ()) if isinstance(each.get("resource"), dict)]
    known = {f"{each.get('resourceType')}/{each.get('id')}": each for each in contents}
    known |= {str(each.get("fullUrl")): each["resource"] for each in bundle.get("entry", ()) if "resource" in each}
    values.called = headlines.namer(known.get)
    composition: Content = next((each for each in contents if each.get("resourceType") == "Composition"), {})
    drawings = [
        drawing
        for form in _forms(contents)
        if form.get("contentType") == _HTML
        for drawing in drawings_of(form.get("data"))
    ]
    return Paper(
        title=str(composition.get("title") or "Document"),
        facts=tuple(_facts(composition, contents, values)),
        parts=tuple(_parts(composition.get("section"), drawings, 0)),
        problems=tuple(
            f"{problem.meaning or problem.code}: {problem.text}"
            for each in contents
            if each.get("resourceType") == "OperationOutcome"
            for problem in problems_of(each)
        ),
    )


def _facts(composition: Content, contents: list[Content], values: Values) -> Iterator[Field]:
    subject, date = composition.get("subject"), composition.get("date")
    authors = [values.reference(each) for each in composition.get("author", ()) if isinstance(each, dict)]
    shown: list[tuple[str, list[Text]]] = [
        ("About", [values.reference(subject)] if isinstance(subject, dict) else []),
        ("By", authors),
        ("Date", [values.moment(str(date))] if date else []),
        ("State", [values.primitive(composition.get("status", ""), "code")] if "status" in composition else []),
        ("To keep", [text for each in _forms(contents) if (text := values.text(each, "Attachment")).save_as]),
    ]
    yield from (Field(label=label, values=tuple(texts)) for label, texts in shown if texts)


def _forms(contents: list[Content]) -> Iterator[Content]:
    for each in contents:
        if each.get("resourceType") == "DiagnosticReport":
            yield from each.get("presentedForm", ())
        if each.get("resourceType") == "DocumentReference":
            yield from (one.get("attachment", {}) for one in each.get("content", ()))


def _parts(sections: Any, drawings: list[Drawing], depth: int) -> Iterator[Part]:
    for each in sections or () if depth < _DEEPEST else ():
        text = each.get("text", {}).get("div", "")
        yield Part(title=str(each.get("title", "")), blocks=tuple(_illustrated(blocks_of(str(text)), drawings)))
        yield from _parts(each.get("section"), drawings, depth + 1)


def _illustrated(blocks: Iterable[Block], drawings: list[Drawing]) -> Iterator[Block]:
    """The blocks, with each chart once, before the words that say the same."""
    for block in blocks:
        drawn = next((each for each in drawings if block.kind == "text" and block.text.startswith(each.opening)), None)
        if drawn is not None:
            drawings.remove(drawn)
            told = f"Chart of {drawn.opening.rpartition('. In ')[0]}. The values are in the words below it."
            yield Block(kind="picture", picture=Picture(source=drawn.source, told=told))
        yield block
