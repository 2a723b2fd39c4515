"""HTML, PDF and narrative of a paper say the same, execute nothing, and show no character that nobody can read."""

from __future__ import annotations

import asyncio
import io
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any, Final
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from service.documents.page import narrative, page
from service.documents.paper import Facts, Paper, Picture, Points, Section, Table, Text, legible
from service.documents.press import Press
from service.fhir.definitions import load
from service.fhir.outcome import FhirError
from service.fhir.validation import Validator

NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOSTILE: Final = "<script>alert(1)</script>"
MARKUP: Final = '#strong[x] $x^2$ *b* _i_ @a <l> `r` \\ #read("/etc/passwd") https://example.org // c /* d */ = h'
CIRCLE: Final = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><circle cx="20" cy="20" r="9"/></svg>'


def paper(*blocks: Any, title: str = "Report", about: str = "Anna Example", **elements: Any) -> Paper:
    """A paper of one section."""
    facts = (("Patient", about),)
    section = Section(title="What was done", blocks=blocks)
    return legible(Paper(title=title, about=about, made_at="2026-03-01 12:00", facts=facts, sections=(section,)))


def every_block(text: str) -> tuple[Any, ...]:
    """Each kind of block with this text."""
    return (
        Text(text),
        Text(text, is_important=True),
        Facts(((text, text),)),
        Points((text,)),
        Table(text, ("A", text), (("1", text),)),
        Picture(CIRCLE, text),
    )


async def printed(made: Paper) -> list[str]:
    """The text of each page of the PDF, on a machine without fonts of its own."""
    pdf = await Press(has_system_fonts=False).pdf(made, NOW)
    return [each.extract_text() for each in PdfReader(io.BytesIO(pdf)).pages]


def joined(pages: list[str]) -> str:
    return " ".join(" ".join(pages).split())


class _Seen(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def seen(html: str) -> _Seen:
    parser = _Seen()
    parser.feed(html)
    return parser


@pytest.mark.parametrize("text", [HOSTILE, MARKUP, '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }} {% if 1 %}"])
async def test_a_text_stays_the_text_that_it_is(text: str) -> None:
    made = paper(*every_block(text), title=f"Of {text}", about=text)
    html = seen(page(made))
    assert html.text.count(text) >= 8
    assert not {"script", "img", "iframe", "object"} & set(html.elements)
    assert not [name for name, _ in html.attributes if name.startswith("on")]
    assert joined([text]) in joined(await printed(made))


async def test_pages_are_numbered_and_name_the_patient() -> None:
    pages = await printed(paper(Table("Log", ("Date", "What"), tuple((str(each), "Massage") for each in range(60)))))
    assert len(pages) == 2
    for number, text in enumerate(pages, 1):
        assert f"Page {number} of 2" in text
        assert "Anna Example" in text


async def test_scripts_of_many_peoples_are_printed() -> None:
    names = ("Łódź Ångström Şener", "Ωμέγα", "Привет", "Հայ", "ქართული", "Tiếng Việt")
    text = joined(await printed(paper(Points(names))))
    assert not [each for each in names if each not in text]
    assert "[U+" not in text


async def test_a_character_without_a_font_is_marked_and_explained() -> None:
    text = joined(await printed(paper(Text("The name is 漢字."), Text("A quote \U00013000."))))
    assert "The name is [U+6F22][U+5B57]." in text
    assert "[U+13000]" in text
    assert "stands for a character that no font here has" in text


async def test_html_shows_every_character() -> None:
    assert "漢字" in seen(page(paper(Text("漢字")))).text


async def test_what_turns_the_direction_of_a_line_is_shown_by_its_number() -> None:
    made = paper(Text("Example\u202egpj.exe"))
    assert "Example[U+202E]gpj.exe" in seen(page(made)).text
    assert "Example[U+202E]gpj.exe" in joined(await printed(made))


async def test_what_each_font_draws_as_it_likes_is_shown_by_its_number_with_a_note() -> None:
    made = paper(Text("Rest \ue000 and \U000f0001."))
    for text in (seen(page(made)).text, joined(await printed(made))):
        assert "Rest [U+E000] and [U+F0001]." in text
        assert "A sign such as [U+" in text
    assert "A sign such as" not in seen(page(paper(Text("Rest.")))).text


async def test_the_pdf_is_tagged_and_names_its_language_and_title() -> None:
    pdf = await Press(has_system_fonts=False).pdf(paper(*every_block("word")), NOW)
    read = PdfReader(io.BytesIO(pdf))
    root: Any = read.root_object
    assert (root["/MarkInfo"]["/Marked"], root["/Lang"]) == (True, "en")
    assert b"pdfuaid" in root["/Metadata"].get_object().get_data()
    assert read.metadata is not None
    assert read.metadata.title == "Report · Anna Example"


def test_a_narrative_is_valid_r4_and_has_the_words_of_pictures() -> None:
    (section,) = paper(*every_block(HOSTILE), Picture(CIRCLE, "Better by four points.")).sections
    text = {"status": "generated", "div": narrative(section)}
    content = {"resourceType": "Basic", "code": {"text": "x"}, "text": text}
    assert Validator(load()).issues(content, "Basic") == []
    assert "Better by four points." in narrative(section)


@given(st.text(alphabet=st.characters(codec="utf-16", exclude_categories=())))
def test_any_text_makes_a_narrative_and_a_page(text: str) -> None:
    (section,) = paper(*every_block(text)).sections
    root = ET.fromstring(narrative(section))  # noqa: S314 - it is our own
    assert root.tag == "{http://www.w3.org/1999/xhtml}div"
    assert "script" not in seen(page(paper(*every_block(text)))).elements


async def test_signs_from_all_of_unicode_are_printed_or_marked() -> None:
    signs = [chr(number) for number in range(0xA1, 0x110000, 4001) if not 0xD800 <= number <= 0xDFFF]
    text = joined(await printed(paper(Text(" | ".join(signs)))))
    assert text.count("|") == len(signs) - 1
    assert text.count("[U+") > len(signs) / 2


async def test_letters_with_signs_that_join_them_stay_letters() -> None:
    text = joined(await printed(paper(Text("Anna A\u0363\u1dd1nna and Jose\u0301"))))
    assert text.count("Anna") >= 1
    assert "José" in text


async def test_a_press_that_is_slow_is_stopped() -> None:
    with pytest.raises(FhirError) as refused:
        await Press(timeout_seconds=0.001).pdf(paper(Text("x")), NOW)
    assert refused.value.code == "timeout"


async def test_no_more_wait_than_can_be_served() -> None:
    press = Press(most_at_once=1, most_waiting=2, has_system_fonts=False)
    asked = [asyncio.create_task(press.pdf(paper(Text("x")), NOW)) for _ in range(3)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [isinstance(each, bytes) for each in answers] == [True, True, False]
    assert isinstance(answers[2], FhirError)
    assert answers[2].code == "busy"


async def test_a_failure_does_not_repeat_what_was_to_be_printed() -> None:
    broken = paper(Picture("<svg>no picture", "words"), about="Secret Name")
    with pytest.raises(RuntimeError) as failed:
        await Press(has_system_fonts=False).pdf(broken, NOW)
    assert "Secret" not in str(failed.value)
