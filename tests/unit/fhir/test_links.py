"""Links of a transaction Bundle."""

from __future__ import annotations

from typing import Any

import pytest

from service.fhir.definitions import load
from service.fhir.link_map import LinkMap
from service.fhir.links import Links, conditional_references, local_references
from service.fhir.outcome import FhirError

PATIENT = "urn:uuid:11111111-1111-4111-8111-111111111111"
ORGANIZATION = "urn:uuid:22222222-2222-4222-8222-222222222222"
LINKS = Links(
    targets={
        PATIENT: "Patient/1",
        ORGANIZATION: "Organization/1",
        "http://ehr.example.org/fhir/Patient/7": "Patient/2",
    },
    made={"http://ehr.example.org/fhir/Patient/7": 3},
    conditional={"Patient?identifier=s|1": "Patient/3"},
    places=LinkMap(load()),
)
URNS = Links(
    targets={PATIENT: "Patient/1", ORGANIZATION: "Organization/1"}, made={}, conditional={}, places=LINKS.places
)
"""The same of a Bundle in which nothing but UUIDs leads anywhere."""


def resolved(content: dict[str, Any], full_url: str | None = None, of: str = "Observation") -> object:
    """The content, a resource of the type `of`, after its links were followed."""
    made = LINKS.resolved({"resourceType": of, **content}, full_url, "Bundle.entry[0]")
    return {name: value for name, value in made.items() if name != "resourceType"}


def test_a_temporary_reference_becomes_literal() -> None:
    """Wherever it stands, arrays included."""
    content: dict[str, Any] = {"subject": {"reference": PATIENT}, "performer": [{"reference": PATIENT}]}
    assert resolved(content) == {"subject": {"reference": "Patient/1"}, "performer": [{"reference": "Patient/1"}]}
    assert content["subject"] == {"reference": PATIENT}


def test_a_conditional_reference_becomes_literal() -> None:
    """By what its criteria matched."""
    assert resolved({"subject": {"reference": "Patient?identifier=s|1"}}) == {"subject": {"reference": "Patient/3"}}


def test_a_relative_reference_is_read_from_the_full_url_of_its_entry() -> None:
    """Patient/7 of the sending server is the entry with that fullUrl, not our Patient/7."""
    content: dict[str, Any] = {"subject": {"reference": "Patient/7"}}
    assert resolved(content, "http://ehr.example.org/fhir/Condition/1") == {"subject": {"reference": "Patient/2"}}
    assert resolved(content, "http://other.example.org/fhir/Condition/1") == content
    assert resolved(content) == content


@pytest.mark.parametrize("link", ["http://ehr.example.org/fhir/Patient/7/_history/5", "Patient/7/_history/5"])
def test_a_reference_to_a_version_stays_one_to_the_version_that_is_made(link: str) -> None:
    """R4: version-specific references remain so, and which version a client has put is arbitrary."""
    found = resolved({"subject": {"reference": link}}, "http://ehr.example.org/fhir/Condition/1")
    assert found == {"subject": {"reference": "Patient/2/_history/3"}}


def test_a_reference_to_a_version_of_what_is_not_made_here_stays() -> None:
    """It may well be there."""
    content: dict[str, Any] = {"subject": {"reference": "http://ehr.example.org/fhir/Patient/8/_history/5"}}
    assert resolved(content) == content


def test_uri_and_url_elements_and_narrative_links_follow_strings_do_not() -> None:
    """As R4 lists them; an identifier's value is a string even where it looks like a link."""
    content: dict[str, Any] = {
        "content": [{"attachment": {"url": PATIENT}}],
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": PATIENT}],
        "text": {"div": f"<div><a href=\"{PATIENT}\">x</a><img src='{PATIENT}'/> {PATIENT}</div>"},
        "extension": [{"url": "https://example.org/x", "valueUri": PATIENT}, {"url": "y", "valueString": PATIENT}],
        "_status": {"extension": [{"url": "z", "valueReference": {"reference": PATIENT}}]},
    }
    assert resolved(content, of="DocumentReference") == {
        "content": [{"attachment": {"url": "Patient/1"}}],
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": PATIENT}],
        "text": {"div": f"<div><a href=\"Patient/1\">x</a><img src='Patient/1'/> {PATIENT}</div>"},
        "extension": [{"url": "https://example.org/x", "valueUri": "Patient/1"}, {"url": "y", "valueString": PATIENT}],
        "_status": {"extension": [{"url": "z", "valueReference": {"reference": "Patient/1"}}]},
    }


def test_links_are_followed_in_contained_resources_and_recursive_elements() -> None:
    """Wherever the definitions lead."""
    contained = {"contained": [{"resourceType": "Observation", "subject": {"reference": PATIENT}}]}
    assert resolved(contained, of="Patient") == {
        "contained": [{"resourceType": "Observation", "subject": {"reference": "Patient/1"}}]
    }
    nested = {"item": [{"item": [{"answer": [{"valueReference": {"reference": PATIENT}}]}]}]}
    assert resolved(nested, of="QuestionnaireResponse") == {
        "item": [{"item": [{"answer": [{"valueReference": {"reference": "Patient/1"}}]}]}]
    }


def test_a_bundle_that_is_stored_keeps_its_own_links() -> None:
    """They are resolved within it, and may lead to its own entries."""
    content = {"entry": [{"fullUrl": PATIENT, "resource": {"resourceType": "Patient", "id": "x"}}]}
    assert resolved(content, of="Bundle") == content


def test_a_link_to_an_entry_of_the_wrong_type_is_refused() -> None:
    """The resource could not be stored by itself either."""
    with pytest.raises(FhirError) as refused:
        resolved({"subject": {"reference": ORGANIZATION}})
    assert refused.value.code == "reference-type"


def test_a_link_to_another_type_than_the_reference_names_is_refused() -> None:
    """Beside a literal reference it would be, too."""
    with pytest.raises(FhirError) as refused:
        resolved({"subject": {"reference": PATIENT, "type": "Group"}})
    assert refused.value.code == "reference-type"
    assert refused.value.issues[0].expression == ("Bundle.entry[0].resource.subject",)
    named = {"subject": {"reference": PATIENT, "type": "Patient"}}
    assert resolved(named) == {"subject": {"reference": "Patient/1", "type": "Patient"}}


def test_a_dangling_temporary_reference_is_refused() -> None:
    """It could never be followed."""
    with pytest.raises(FhirError) as refused:
        resolved({"subject": {"reference": "urn:uuid:99999999-9999-4999-8999-999999999999"}})
    assert refused.value.code == "reference-invalid"


REFERRING: tuple[dict[str, Any], ...] = (
    {"resourceType": "Patient", "name": [{"family": "Sample"}], "_birthDate": {"extension": [{"url": "http://x.y"}]}},
    {"resourceType": "Observation", "subject": {"reference": PATIENT}, "performer": [{"reference": ORGANIZATION}]},
    {"resourceType": "Observation", "subject": {"reference": PATIENT}, "code": {"coding": [{"system": PATIENT}]}},
    {"resourceType": "Observation", "subject": {"reference": PATIENT}, "note": [{"text": PATIENT}]},
    {"resourceType": "Observation", "note": [{"authorReference": {"reference": PATIENT}, "text": "At rest."}]},
    {"resourceType": "Observation", "subject": {"identifier": {"assigner": {"reference": ORGANIZATION}}}},
    {"resourceType": "Observation", "identifier": [{"system": "urn:ietf:rfc:3986", "value": PATIENT}]},
    {"resourceType": "Task", "input": [{"valueReference": {"reference": PATIENT}}]},
    {"resourceType": "Task", "input": [{"valueUri": PATIENT}], "for": {"reference": PATIENT}},
    {"resourceType": "DetectedIssue", "reference": PATIENT, "patient": {"reference": PATIENT}},
    {
        "resourceType": "Patient",
        "extension": [{"url": "http://x.y", "valueReference": {"reference": ORGANIZATION}}],
        "modifierExtension": [{"url": "http://x.y", "valueReference": {"reference": ORGANIZATION}}],
    },
    {
        "resourceType": "Patient",
        "_birthDate": {"extension": [{"url": "http://x.y", "valueReference": {"reference": ORGANIZATION}}]},
    },
    {
        "resourceType": "Observation",
        "contained": [{"resourceType": "Practitioner", "identifier": [{"assigner": {"reference": ORGANIZATION}}]}],
    },
    {
        "resourceType": "Patient",
        "contact": [{"organization": {"reference": ORGANIZATION}}],
        "text": {"div": f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{PATIENT}">1</a></div>'},
    },
    {
        "resourceType": "Parameters",
        "parameter": [
            {"resource": {"resourceType": "Bundle", "entry": [{"resource": {"subject": {"reference": PATIENT}}}]}},
            {"valueReference": {"reference": PATIENT}},
        ],
    },
)


@pytest.mark.parametrize("content", REFERRING, ids=lambda content: content["resourceType"])
def test_where_all_links_are_uuids_they_are_followed_as_anywhere_else(content: dict[str, Any]) -> None:
    """Less of the content is looked at then."""
    assert URNS.resolved(content, PATIENT, "Bundle.entry[0]") == LINKS.resolved(content, PATIENT, "Bundle.entry[0]")


@pytest.mark.parametrize(
    "content, code",
    [
        ({"subject": {"reference": "urn:uuid:33333333-3333-4333-8333-333333333333"}}, "reference-invalid"),
        ({"subject": {"reference": "urn:oid:1.2.3"}}, "reference-invalid"),
        ({"encounter": {"reference": PATIENT}}, "reference-type"),
        ({"subject": {"reference": PATIENT, "type": "Group"}}, "reference-type"),
    ],
)
def test_where_all_links_are_uuids_they_are_refused_as_anywhere_else(content: dict[str, Any], code: str) -> None:
    """Whatever is looked at, references are."""
    with pytest.raises(FhirError) as refused:
        URNS.resolved({"resourceType": "Observation", **content}, None, "Bundle.entry[0]")
    assert refused.value.code == code


@pytest.mark.parametrize("inside, name", [("Observation", "code"), ("Observation", "value"), ("Coding", "system")])
def test_places_that_lead_to_no_reference_are_left_out(inside: str, name: str) -> None:
    """A code is nothing to look for references in, extensions aside."""
    assert name not in LINKS.places.places_of_references(inside)


def test_conditional_references_are_found_and_literal_ones_are_not() -> None:
    """With their type and query apart."""
    content: dict[str, Any] = {
        "a": [{"reference": "Patient?identifier=s|1"}, {"reference": "Patient/1"}],
        "reference": "#x",
    }
    (found,) = conditional_references(content, "http://localhost/fhir")
    assert (found.type, found.query, found.path) == ("Patient", "identifier=s|1", "a[0]")


def test_local_references_are_those_that_lead_to_a_known_type_here() -> None:
    base = "https://here.example.org/fhir"
    content = {
        "resourceType": "Task",
        "focus": {"reference": f"{base}/ServiceRequest/1/_history/2"},
        "for": {"reference": "Patient/p"},
        "owner": {"reference": "https://elsewhere.example.org/fhir/Organization/o"},
        "basedOn": [{"reference": "#c"}, {"reference": "Unknown/1"}, {"reference": "urn:uuid:1"}],
    }
    found = list(local_references(content, base, {"Organization", "Patient", "ServiceRequest"}))
    assert [(path, target.type, target.id) for path, target in found] == [
        ("focus", "ServiceRequest", "1"),
        ("for", "Patient", "p"),
    ]
