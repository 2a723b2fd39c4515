"""A document Bundle as a page: what its Composition says, section by section, and the PDF that comes with it.

https://hl7.org/fhir/R4/documents.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.pages.refusals import problems_of
from service.pages.shown import Field, Text
from service.pages.visible import shortened, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.fhir.resource import Content
    from service.pages.headline import Headlines
    from service.pages.values import Values

_DEEPEST: Final = 4


class Part(Struct, frozen=True, kw_only=True):
    """A section of a document, in words."""

    title: str
    text: str


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
    return Paper(
        title=str(composition.get("title") or "Document"),
        facts=tuple(_facts(composition, contents, values)),
        parts=tuple(_parts(composition.get("section"), 0)),
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


def _parts(sections: Any, depth: int) -> Iterator[Part]:
    for each in sections or () if depth < _DEEPEST else ():
        text = each.get("text", {}).get("div", "")
        yield Part(title=str(each.get("title", "")), text=shortened(words_of(str(text))))
        yield from _parts(each.get("section"), depth + 1)
