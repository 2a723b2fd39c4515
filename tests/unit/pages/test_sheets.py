"""Pages of resources, Bundles and refusals: whatever a value holds, it is text, and the page is whole."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.fhir import codec
from tests.unit.pages.desk import BASE, Markup, page_of, sheets, visited

ATTACKS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "</code></pre><h1>owned</h1>",
    "</title><script>1</script>",
    "\u202egnp.exe",
    "<!-- ",
    "]]>",
    "javascript:alert(1)",
)
KNOWN = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "link",
        "body",
        "a",
        "header",
        "div",
        "nav",
        "ul",
        "li",
        "main",
        "p",
        "h1",
        "h2",
    ),
    *(
        "span",
        "section",
        "dl",
        "dt",
        "dd",
        "bdi",
        "small",
        "time",
        "pre",
        "code",
        "footer",
        "strong",
        "table",
        "caption",
    ),
    *("thead", "tbody", "tr", "th", "td"),
}
"""The elements of which pages without a story are made."""


def patient(text: str) -> dict[str, Any]:
    """A patient who has the text wherever a patient can have one, and in elements that R4 does not have."""
    return {
        "resourceType": "Patient",
        "id": text,
        "meta": {"versionId": text, "lastUpdated": text, "profile": [text], "tag": [{"code": text, "display": text}]},
        "language": text,
        "text": {"status": "generated", "div": f"<div>{text}</div>"},
        "extension": [
            {"url": text, "valueString": text},
            {"url": text, "valueUri": text},
            {"url": text, "extension": [{"url": text, "valueCode": text}]},
        ],
        "identifier": [{"use": text, "system": text, "value": text, "type": {"text": text}}],
        "name": [{"text": text}, {"given": [text], "family": text, "prefix": [text], "use": text}],
        "_birthDate": {"extension": [{"url": text, "valueString": text}]},
        "birthDate": text,
        "gender": text,
        "telecom": [{"system": text, "value": text, "use": text}],
        "address": [{"line": [text], "city": text, "country": text}],
        "photo": [{"title": text, "url": text, "contentType": text, "data": text}],
        "contact": [{"name": {"family": text}, "period": {"start": text, "end": text}}],
        "generalPractitioner": [{"reference": text, "display": text}, {"identifier": {"value": text}}],
        "managingOrganization": {"reference": f"Organization/{text}"},
        "contained": [{"resourceType": "Basic", "id": text, "code": {"text": text}}],
        text: {text: [text, {text: text}]},
    }


def assert_harmless(page: Markup) -> None:
    """Nothing but elements of ours, no handler, no address but our own, everything closed."""
    assert {tag for tag, _ in page.elements} <= KNOWN
    assert page.open == []
    for name in {name for _, attributes in page.elements for name in attributes}:
        assert not name.startswith("on")
        assert name != "style"
    for href in (*page.all("href"), *page.all("src")):
        assert re.match(r"(/(fhir|assets)(/|\?|$)|/$|#|data:application/pdf;base64,[A-Za-z0-9+/]+={0,2}$)", href), href
    assert not set("".join(page.texts)) & {"\u202e", "\u2066", "\0"}


@pytest.mark.parametrize("text", ATTACKS)
def test_a_hostile_value_is_text_wherever_it_stands(text: str) -> None:
    assert_harmless(page_of(patient(text)))


@given(st.text(min_size=1))
@settings(max_examples=50, deadline=None)
def test_any_text_is_text(text: str) -> None:
    assert_harmless(page_of(patient(text)))


@pytest.mark.parametrize("text", ATTACKS)
def test_a_hostile_bundle_is_a_table_of_text(text: str) -> None:
    """Its entries, links and notices may all be made up: it may be one that somebody stored."""
    bundle = {
        "resourceType": "Bundle",
        "id": text,
        "type": text,
        "total": text,
        "link": [{"relation": "next", "url": text}, {"relation": "first", "url": f"{BASE}/Patient?x={text}"}],
        "entry": [
            {"fullUrl": text, "resource": patient(text), "search": {"mode": text}},
            {"fullUrl": f"{BASE}/Patient/{text}", "request": {"method": text, "url": text}, "response": {"etag": text}},
            {"resource": {"issue": [{"diagnostics": text}]}, "search": {"mode": "outcome"}},
        ],
    }
    for kind in (text, "history"):
        assert_harmless(page_of(bundle | {"type": kind}, f"/Patient?name={text}"))


@pytest.mark.parametrize("text", ATTACKS)
def test_a_hostile_document_is_text(text: str) -> None:
    """Its narrative is somebody's markup, and its attachment may call anything a PDF."""
    form = {"contentType": "application/pdf", "title": text, "url": text, "data": text}
    section = {"title": text, "text": {"div": f"<div>{text}</div>"}, "section": [{"title": text}]}
    composition = {"title": text, "status": text, "date": text, "section": [section], "author": [{"reference": text}]}
    report = {"resourceType": "DiagnosticReport", "presentedForm": [form]}
    entries = [{"fullUrl": text, "resource": {"resourceType": "Composition", **composition}}, {"resource": report}]
    assert_harmless(page_of({"resourceType": "Bundle", "type": "document", "entry": entries}))


def test_a_pdf_is_there_to_be_saved() -> None:
    """No other file is: a browser would show HTML or SVG as a page of ours."""
    forms = [{"contentType": kind, "data": "QUJD"} for kind in ("application/pdf", "text/html", "image/svg+xml")]
    page = page_of({"resourceType": "DiagnosticReport", "id": "r", "presentedForm": forms})
    data = [attributes for tag, attributes in page.elements if str(attributes.get("href", "")).startswith("data:")]
    assert data == [{"href": "data:application/pdf;base64,QUJD", "download": "document.pdf"}]


@pytest.mark.parametrize("text", ATTACKS)
def test_a_hostile_refusal_is_told_as_text(text: str) -> None:
    """A refusal may name what a client made up."""
    issue = {
        "severity": text,
        "code": text,
        "diagnostics": text,
        "expression": [text],
        "details": {"coding": [{"code": text, "display": text}]},
    }
    outcome = {"resourceType": "OperationOutcome", "issue": [issue]}
    made = sheets().outcome(codec.encode(outcome), outcome, visited(f"/x?y={text}"), 404)
    assert_harmless(Markup.of(made))


def test_a_patient_is_shown_by_name_with_links_and_the_json_beside() -> None:
    page = page_of(
        {
            "resourceType": "Patient",
            "id": "a",
            "meta": {"versionId": "3", "lastUpdated": "2026-01-09T08:00:00.123Z"},
            "name": [{"given": ["Ana"], "family": "Example"}],
            "birthDate": "1975-06-11",
            "generalPractitioner": [{"reference": "Practitioner/p"}],
        }
    )
    assert "Ana Example" in page.text
    assert "Birth date 11 Jun 1975" in page.text
    assert "Last changed 9 Jan 2026, 09:00 CET" in page.text
    assert {"/fhir/Practitioner/p", "/fhir/Patient/a/_history"} <= set(page.all("href"))
    assert '"family": "Example"' in page.text


def test_the_json_of_the_same_answer_is_one_link_away() -> None:
    """Whatever form was asked for before."""
    page = page_of({"resourceType": "Patient", "id": "a"}, "/Patient/a?_format=html&_summary=true")
    assert "/fhir/Patient/a?_summary=true&_format=json&_pretty=true" in set(page.all("href"))


def test_a_long_resource_is_cut_and_says_so() -> None:
    content = {"resourceType": "Patient", "id": "a", "name": [{"family": str(number)} for number in range(5_000)]}
    made = sheets().page(codec.encode(content), content, visited(), None, "")
    assert len(made) < 500_000
    assert "There is more than fits here" in Markup.of(made).text
    assert "This is the beginning" in Markup.of(made).text


def test_a_deep_resource_is_cut() -> None:
    nested: dict[str, Any] = {"linkId": "x"}
    for _ in range(200):
        nested = {"linkId": "x", "item": [nested]}
    page = page_of({"resourceType": "Questionnaire", "id": "q", "status": "active", "item": [nested]})
    assert "more in the JSON" in page.text


def test_a_page_has_what_a_screen_reader_needs() -> None:
    """A language, landmarks, one main heading, a way past the navigation, tables with headings."""
    bundle = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": 1,
        "entry": [{"fullUrl": f"{BASE}/Patient/a", "resource": {"resourceType": "Patient", "id": "a"}}],
    }
    page = page_of(bundle, "/Patient")
    tags = [tag for tag, _ in page.elements]
    assert dict(page.elements[0][1]) == {"lang": "en"}
    assert (tags.count("h1"), tags.count("main"), tags.count("nav")) == (1, 1, 1)
    assert next(attributes for tag, attributes in page.elements if tag == "a")["href"] == "#content"
    assert tags.count("caption") == tags.count("table") == 1
    assert all(attributes["scope"] in ("col", "row") for tag, attributes in page.elements if tag == "th")
