"""The narrative: formatting is let in, anything active is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.narrative import XHTML, narrative_problem

if TYPE_CHECKING:
    from service.fhir.validation import Validator

ACCEPTED: Final = [
    "text",
    "<p>a <b>b</b> <i>c</i><br/></p>",
    "<table border='1'><tbody><tr><td colspan='2'>a</td></tr></tbody></table>",
    "<a href='https://example.org'>a</a><a name='b'>b</a><a href='#b'>c</a><a href='Patient/1'>d</a>",
    "<a href='mailto:a@example.org'>a</a><a href='tel:+431'>b</a>",
    "<img src='data:image/png;base64,AAAA' alt='a'/>",
    "<img src='#photo'/>",
    "<p style='font-weight: bold; color: #333'>a</p>",
    "<td style='background-image: url(picture.png)'>a</td>",
    "&lt;b&gt; &amp; &quot;&apos; &#228; &#xe4; ä",
    "<p xml:lang='de' lang='de' class='a' id='b' title='c'>a</p>",
    "<!-- comment -->a",
    "<![CDATA[ a ]]>",
]

REFUSED: Final = [
    ("", "no content"),
    (" \n ", "no content"),
    ("<p> </p>", "no content"),
    ("<p>a", "well-formed"),
    ("a & b", "well-formed"),
    ("&nbsp;a", "entities"),
    ("<script>a()</script>", "<script>"),
    ("<SCRIPT>a()</SCRIPT>", "<SCRIPT>"),
    ("<iframe src='https://example.org'/>a", "<iframe>"),
    ("<form action='https://example.org'><input/></form>a", "<form>"),
    ("<object data='a'/>a", "<object>"),
    ("<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>a", "<svg>"),
    ("<link href='a.css'/>a", "<link>"),
    ("<style>p {}</style>a", "<style>"),
    ("<html><body>a</body></html>", "<html>"),
    ("<x:p xmlns:x='http://www.w3.org/1999/xhtml'>a</x:p>", "<x:p>"),
    ("<p xmlns='http://example.org'>a</p>", "namespaces"),
    ("<p onclick='a()'>a</p>", "onclick"),
    ("<img src='a.png' onerror='a()'/>", "onerror"),
    ("<a href='javascript:a()'>a</a>", "scheme"),
    ("<a href=' java&#9;script:a()'>a</a>", "scheme"),
    ("<a href='JAVASCRIPT:a()'>a</a>", "scheme"),
    ("<a href='data:text/html,a'>a</a>", "scheme"),
    ("<a href='vbscript:a'>a</a>", "scheme"),
    ("<img src='data:image/svg+xml,a'/>", "scheme"),
    ("<p style='background: url(https://example.org/a)'>a</p>", "style"),
    ("<p style='background: url(//example.org/a)'>a</p>", "style"),
    ("<p style='width: expr/**/ession(a())'>a</p>", "style"),
    ("<p style='background: u\\72l(a)'>a</p>", "style"),
    ("<p style='behavior: url(a.htc)'>a</p>", "style"),
    ("<?php a ?>b", "processing instructions"),
]

WHOLE: Final = [
    ("text", "well-formed"),
    ("<div>a</div>", XHTML),
    ("<p xmlns='http://www.w3.org/1999/xhtml'>a</p>", XHTML),
    ("<?xml version='1.0'?><div xmlns='http://www.w3.org/1999/xhtml'>a</div>", "declarations"),
    ("<!DOCTYPE div><div xmlns='http://www.w3.org/1999/xhtml'>a</div>", "document type"),
    (
        "<!DOCTYPE div [<!ENTITY a 'aa'><!ENTITY b '&a;&a;'>]><div xmlns='http://www.w3.org/1999/xhtml'>&b;</div>",
        "document type",
    ),
    (
        "<!DOCTYPE div [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><div xmlns='http://www.w3.org/1999/xhtml'>&a;</div>",
        "document type",
    ),
    (
        "<div xmlns='http://www.w3.org/1999/xhtml'>a</div><div xmlns='http://www.w3.org/1999/xhtml'>b</div>",
        "well-formed",
    ),
]


def div(inner: str) -> str:
    return f'<div xmlns="{XHTML}">{inner}</div>'


@pytest.mark.parametrize("inner", ACCEPTED)
def test_formatting_is_accepted(inner: str) -> None:
    """What R4 allows in a narrative is allowed."""
    assert narrative_problem(div(inner)) is None


@pytest.mark.parametrize("inner, words", REFUSED)
def test_active_or_broken_content_is_refused(inner: str, words: str) -> None:
    """The reason names the element or attribute."""
    assert words in (narrative_problem(div(inner)) or "")


@pytest.mark.parametrize("text, words", WHOLE)
def test_a_narrative_is_one_div_and_nothing_else(text: str, words: str) -> None:
    """No declarations, no entities, no other root."""
    assert words in (narrative_problem(text) or "")


def test_a_refused_narrative_is_an_issue_at_its_place(validator: Validator) -> None:
    """The FHIRPath is that of the div."""
    content = {"resourceType": "Patient", "text": {"status": "generated", "div": div("<script/>")}}
    (issue,) = validator.issues(content, "Patient")
    assert issue.code == "narrative-invalid"
    assert issue.expression == ("Patient.text.div",)


@given(st.text(alphabet="<>/=\"' &;!-[]?abdivpscrt#x:", max_size=60))
def test_no_text_makes_the_check_fail(inner: str) -> None:
    """Any text is accepted or refused."""
    narrative_problem(inner)
    narrative_problem(div(inner))
