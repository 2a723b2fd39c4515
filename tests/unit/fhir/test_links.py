"""Links of a transaction Bundle."""

from __future__ import annotations

from typing import Any

import pytest

from service.fhir.links import Links, conditional_references
from service.fhir.outcome import FhirError

LINKS = Links(
    targets={"urn:uuid:p": "Patient/1", "http://ehr.example.org/fhir/Patient/7": "Patient/2"},
    conditional={"Patient?identifier=s|1": "Patient/3"},
    names=frozenset({"reference", "valueUri", "url"}),
)


def resolved(content: dict[str, Any], full_url: str | None = None) -> object:
    """The content after its links were followed."""
    return LINKS.resolved(content, full_url, "Bundle.entry[0]")


def test_a_temporary_reference_becomes_literal() -> None:
    """Wherever it stands, arrays included."""
    content: dict[str, Any] = {"subject": {"reference": "urn:uuid:p"}, "performer": [{"reference": "urn:uuid:p"}]}
    assert resolved(content) == {"subject": {"reference": "Patient/1"}, "performer": [{"reference": "Patient/1"}]}
    assert content["subject"] == {"reference": "urn:uuid:p"}


def test_a_conditional_reference_becomes_literal() -> None:
    """By what its criteria matched."""
    assert resolved({"subject": {"reference": "Patient?identifier=s|1"}}) == {"subject": {"reference": "Patient/3"}}


def test_a_relative_reference_is_read_from_the_full_url_of_its_entry() -> None:
    """Patient/7 of the sending server is the entry with that fullUrl, not our Patient/7."""
    content: dict[str, Any] = {"subject": {"reference": "Patient/7"}}
    assert resolved(content, "http://ehr.example.org/fhir/Condition/1") == {"subject": {"reference": "Patient/2"}}
    assert resolved(content, "http://other.example.org/fhir/Condition/1") == content
    assert resolved(content) == content


def test_uri_elements_and_narrative_links_follow_strings_do_not() -> None:
    """As R4 lists them; an identifier's value is a string even where it looks like a link."""
    content: dict[str, Any] = {
        "valueUri": "urn:uuid:p",
        "identifier": [{"value": "urn:uuid:p"}],
        "text": {"div": "<div><a href=\"urn:uuid:p\">x</a><img src='urn:uuid:p'/> urn:uuid:p</div>"},
    }
    assert resolved(content) == {
        "valueUri": "Patient/1",
        "identifier": [{"value": "urn:uuid:p"}],
        "text": {"div": "<div><a href=\"Patient/1\">x</a><img src='Patient/1'/> urn:uuid:p</div>"},
    }


def test_a_dangling_temporary_reference_is_refused() -> None:
    """It could never be followed."""
    with pytest.raises(FhirError) as refused:
        resolved({"subject": {"reference": "urn:uuid:nobody"}})
    assert refused.value.code == "reference-invalid"


def test_conditional_references_are_found_and_literal_ones_are_not() -> None:
    """With their type and query apart."""
    content: dict[str, Any] = {
        "a": [{"reference": "Patient?identifier=s|1"}, {"reference": "Patient/1"}],
        "reference": "#x",
    }
    assert list(conditional_references(content)) == [("Patient?identifier=s|1", "Patient", "identifier=s|1")]
