"""Narratives and charts of documents: of a page's own elements where they are known, else words."""

from __future__ import annotations

import base64

import pytest

from service.documents.necessity import missing
from service.documents.packet import packet_paper
from service.documents.page import narrative, page
from service.documents.report import report_paper
from service.pages.drawn import drawings_of
from service.pages.narrative import Block, Cell, blocks_of
from tests.builders import documents
from tests.unit.pages.desk import page_of

FORM = '<figure>\n<svg viewBox="0 0 9 9"><title>Pain, in points</title>{}</svg>\n</figure>'


def encoded(html: str) -> str:
    return base64.b64encode(html.encode()).decode()


def test_a_narrative_is_taken_apart_into_blocks() -> None:
    found = blocks_of(
        '<div xmlns="http://www.w3.org/1999/xhtml"><h3>Goals</h3><p>Two &lt; three</p><ul><li><b>Left</b>: 4</li></ul>'
        "<table><caption>Sessions</caption><thead><tr><th>Date</th><th>Min</th></tr></thead>"
        "<tbody><tr><td>1 Jan</td><td>30</td></tr></tbody></table></div>"
    )
    assert found == (
        Block(kind="title", text="Goals"),
        Block(kind="text", text="Two < three"),
        Block(kind="list", items=("Left: 4",)),
        Block(
            kind="table",
            text="Sessions",
            head=("Date", "Min"),
            rows=((Cell(text="1 Jan", label="Date"), Cell(text="30", label="Min")),),
        ),
    )


@pytest.mark.parametrize(
    "inner",
    [
        "<p>one<script>two</script></p>",
        '<p>one<a href="javascript:x">two</a></p>',
        "<p>one</p><table><tr><td><table></table>two</td></tr></table>",
        "<p>one</p>two",
        "<p>one<p>two</p></p>",
        "<p>one two</li>",
        "<p>one<!-- x --> two</p>",
        "<p>one<br/>two</p>",
    ],
)
def test_a_narrative_of_anything_else_is_words(inner: str) -> None:
    (block,) = blocks_of(f"<div>{inner}</div>")
    assert block.kind == "words"
    assert block.text.split()[0].startswith("one")


@pytest.mark.parametrize("name", ["report", "packet"])
def test_every_section_of_our_documents_is_known(name: str) -> None:
    case = documents.case()
    paper = report_paper(case, "final-report", ["One."]) if name == "report" else packet_paper(case, missing(case))
    assert all(block.kind != "words" for each in paper.sections for block in blocks_of(narrative(each)))
    assert len(list(drawings_of(encoded(page(paper))))) == 2


@pytest.mark.parametrize(
    "inner",
    [
        '<image href="https://example.org/x.png"/>',
        '<rect onload="alert(1)"/>',
        '<rect style="fill: url(https://example.org)"/>',
        '<rect fill="url(https://example.org)"/>',
        "<script>alert(1)</script>",
        "<foreignObject/>",
        "<![CDATA[<script>]]>",
        "<?xml-stylesheet href='x'?>",
    ],
)
def test_a_chart_of_anything_else_is_left_out(inner: str) -> None:
    assert list(drawings_of(encoded(FORM.format(inner)))) == []
    assert len(list(drawings_of(encoded(FORM.format("<rect/>"))))) == 1


@pytest.mark.parametrize("data", [None, "?", "AA", encoded("<svg "), encoded("</svg>"), encoded("<svg x='"), "/w=="])
def test_what_is_no_html_has_no_charts(data: str | None) -> None:
    assert list(drawings_of(data)) == []


def test_a_document_shows_its_tables_and_its_charts_before_their_words() -> None:
    div = (
        "<div><p>Pain. In points: 2026-01-12: 7.</p><table><caption>Goals</caption><tr><th>Goal</th></tr></table></div>"
    )
    form = {"contentType": "text/html", "data": encoded(FORM.format("<rect/>"))}
    composition = {"resourceType": "Composition", "section": [{"title": "Outcomes", "text": {"div": div}}]}
    report = {"resourceType": "DiagnosticReport", "presentedForm": [form]}
    entries = [{"resource": composition}, {"resource": report}]
    shown = page_of({"resourceType": "Bundle", "type": "document", "entry": entries})
    (source,) = shown.all("src")
    assert source.startswith("data:image/svg+xml;base64,")
    assert list(shown.all("alt")) == ["Chart of Pain. The values are in the words below it."]
    assert "Goals" in shown.text
    assert [tag for tag, _ in shown.elements].count("table") == 1
