"""Values in words: names, codes, dates in the service's zone, references as links to our own base alone."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from service.massage.catalogue.published import canonical
from service.pages import moments, words
from tests.unit.pages.desk import BASE, BERLIN, links, values

TEXTS: list[tuple[str, Any, str]] = [
    ("HumanName", {"given": ["Ana", "Maria"], "family": "Example"}, "Ana Maria Example"),
    ("HumanName", {"text": "Dr Example", "family": "x"}, "Dr Example"),
    ("Address", {"line": ["1 Road"], "postalCode": "12345", "city": "Town"}, "1 Road, 12345 Town"),
    ("ContactPoint", {"system": "phone", "value": "+1 555"}, "+1 555"),
    ("Identifier", {"system": "urn:x", "value": "1001"}, "1001"),
    ("Quantity", {"value": Decimal("4.50"), "unit": "{score}"}, "4.50 points"),
    ("Quantity", {"comparator": "<", "value": 5, "unit": "cm"}, "< 5 cm"),
    ("Range", {"low": {"value": 1}, "high": {"value": 2}}, "1 to 2"),
    ("Ratio", {"numerator": {"value": 1}, "denominator": {"value": 6}}, "1 of 6"),
    ("Period", {"start": "2026-01-09T08:00:00Z", "end": "2026-01-09T09:00:00Z"}, "9 Jan 2026, 09:00 to 10:00 CET"),
    ("Period", {"start": "2026-01-09"}, "from 9 Jan 2026"),
    ("Money", {"value": 5, "currency": "EUR"}, "5 EUR"),
    ("CodeableConcept", {"text": "Low back pain"}, "Low back pain"),
    ("CodeableConcept", {"coding": [{"system": "http://snomed.info/sct", "code": "387854002"}]}, "Massage therapy"),
    ("boolean", True, "Yes"),
    ("code", "entered-in-error", "entered in error"),
    ("code", "en-GB", "en-GB"),
    ("decimal", Decimal("1.10"), "1.10"),
    ("xhtml", "<div><p>Plain</p></div>", "Plain"),
]


@pytest.mark.parametrize("kind, value, text", TEXTS)
def test_a_value_is_told_in_words(kind: str, value: Any, text: str) -> None:
    assert values().text(value, kind).text == text


@pytest.mark.parametrize("kind", [kind for kind in sorted({row[0] for row in TEXTS}) if kind[0].isupper()])
@pytest.mark.parametrize("value", [{}, {"value": {"x": 1}}, {"coding": "x", "given": "y", "start": 1, "line": 5}])
def test_a_value_of_another_shape_does_not_fail(kind: str, value: dict[str, Any]) -> None:
    """What is stored is valid R4, but a page must not depend on it."""
    assert values().text(value, kind).text


@pytest.mark.parametrize(
    "text, told",
    [
        ("2026", "2026"),
        ("2026-01", "Jan 2026"),
        ("2026-01-09", "9 Jan 2026"),
        ("2026-07-01T10:00:00Z", "1 Jul 2026, 12:00 CEST"),
        ("2026-01-09T23:30:00.5-05:00", "10 Jan 2026, 05:30 CET"),
        ("yesterday", "yesterday"),
        ("9999-12-31T23:59:59Z", "31 Dec 9999, 23:59 UTC"),
    ],
)
def test_a_date_is_as_exact_as_it_was_given_and_a_time_in_the_zone_of_the_service(text: str, told: str) -> None:
    assert moments.told(text, BERLIN) == told


@pytest.mark.parametrize(
    "reference, href",
    [
        ("Patient/a", "/fhir/Patient/a"),
        (f"{BASE}/Patient/a/_history/2", "/fhir/Patient/a/_history/2"),
        ("Patient/a#x", "/fhir/Patient/a"),
        ("http://elsewhere.example.org/fhir/Patient/a", ""),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("//elsewhere.example.org/Patient/a", ""),
        ("Patient/../../x", ""),
        ("Nonsense/a", ""),
        ("urn:uuid:1", ""),
        ("#contained", ""),
        ("", ""),
    ],
)
def test_only_a_reference_to_a_resource_of_ours_is_a_link(reference: str, href: str) -> None:
    assert links().reference(reference) == href


@pytest.mark.parametrize(
    "url, href",
    [
        (f"{BASE}/Patient?_cursor=x&y=1", "/fhir/Patient?_cursor=x&y=1"),
        ("http://elsewhere.example.org/fhir/Patient", ""),
        (f"{BASE}evil.example.org/", ""),
        ("javascript:alert(1)", ""),
    ],
)
def test_only_a_page_of_our_own_base_is_a_link(url: str, href: str) -> None:
    """A Bundle that somebody stored may name any other."""
    assert links().own(url) == href


@pytest.mark.parametrize("target", ["//evil.example.org/x", "///evil", "/\\evil", "/\t/evil", "/ \\/evil"])
def test_no_path_becomes_another_host(target: str) -> None:
    """Not even on a base without a path, where two slashes would begin a host."""
    for made in (links("https://h").own(f"https://h{target}"), links("https://h").below(target)):
        assert re.match(r"/[^/\\\s]", made)


@pytest.mark.parametrize(
    "base, href",
    [("https://h/fhir", "/assets"), ("https://h/massage/fhir", "/massage/assets"), ("http://h:1/fhir", "/assets")],
)
def test_the_assets_are_beside_the_base(base: str, href: str) -> None:
    """Behind a prefix, too."""
    assert f"{links(base).above}/assets" == href


@pytest.mark.parametrize(
    "name, label", [("reasonCode", "Reason code"), ("basedOn", "Based on"), ("SOPClass", "SOP class"), ("text", "Text")]
)
def test_the_name_of_an_element_becomes_a_label(name: str, label: str) -> None:
    assert words.label(name) == label


def test_a_concept_whose_text_is_its_code_is_called_by_the_catalogue() -> None:
    """And never twice by the same."""
    coding = {"system": canonical("CodeSystem", "massage-technique"), "code": "myofascial-release"}
    told = values().text({"coding": [coding], "text": "myofascial-release"}, "CodeableConcept")
    assert told.text == "Myofascial release"
    unknown = values().text({"coding": [{"code": "x-y"}], "text": "x-y"}, "CodeableConcept")
    assert (unknown.text, unknown.note) == ("x-y", "")
