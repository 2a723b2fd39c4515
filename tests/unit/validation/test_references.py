"""References: forms, target types, contained resources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from service.fhir.validation import Validator

Json = dict[str, Any]

UUID: Final = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"

CASES: Final[list[tuple[Json, str | None]]] = [
    # ServiceRequest.subject may point at Patient, Group, Location, Device
    ({"reference": "Patient/1"}, None),
    ({"reference": "Patient/1/_history/2"}, None),
    ({"reference": "https://ehr.example.org/fhir/Patient/1"}, None),
    ({"reference": "https://ehr.example.org/fhir/Patient/1/_history/2"}, None),
    ({"reference": "https://ehr.example.org/something/else"}, None),
    ({"reference": "https://ehr.example.org/Practice/1"}, None),
    ({"reference": "Patient?identifier=urn:x|1"}, None),
    ({"reference": UUID}, None),
    ({"reference": "urn:oid:1.2.3"}, None),
    ({"reference": "urn:isbn:0451450523"}, None),
    ({"reference": "http://ehr.example.org/fhir/Patient/1"}, None),
    ({"reference": UUID, "type": "Group"}, None),
    ({"reference": "Patient/1", "type": "Patient"}, None),
    ({"type": "Patient", "identifier": {"value": "1"}}, None),
    ({"type": "http://example.org/LogicalModel", "display": "text"}, None),
    ({"display": "text"}, None),
    ({"identifier": {"value": "1", "assigner": {"identifier": {"value": "2"}}}}, None),
    ({"extension": [{"url": "http://example.org/x", "valueString": "a"}]}, None),
    ({"reference": "Practitioner/1"}, "reference-type"),
    ({"reference": "Practitioner?name=a"}, "reference-type"),
    ({"reference": "https://ehr.example.org/fhir/Practitioner/1"}, "reference-type"),
    ({"reference": "https://ehr.example.org/fhir/Practitioner/1/_history/2"}, "reference-type"),
    ({"reference": UUID, "type": "Practitioner"}, "reference-type"),
    ({"reference": "Patient/1", "type": "Group"}, "reference-type"),
    ({"type": "Practitioner", "display": "text"}, "reference-type"),
    ({"type": "Pateint", "display": "text"}, "reference-type"),
    ({"reference": "Pateint/1"}, "reference-invalid"),
    ({"reference": "Patient"}, "reference-invalid"),
    ({"reference": "Patient/"}, "reference-invalid"),
    ({"reference": "Patient/a b"}, "reference-invalid"),
    ({"reference": "/Patient/1"}, "reference-invalid"),
    ({"reference": "1"}, "reference-invalid"),
    ({"reference": "urn:uuid:1"}, "reference-invalid"),
    ({"reference": "#p"}, "reference-invalid"),
    ({"reference": "javascript:alert(1)"}, "reference-invalid"),
    ({"reference": "data:text/html,x"}, "reference-invalid"),
    ({"reference": "mailto:a@example.org"}, "reference-invalid"),
    ({"reference": "file:///srv/Patient/1"}, "reference-invalid"),
    ({"reference": "ftp://ehr.example.org/Patient/1"}, "reference-invalid"),
    ({"reference": "http:Patient/1"}, "reference-invalid"),
    ({"reference": "Pateint?identifier=urn:x|1"}, "reference-invalid"),
    ({"reference": ""}, "element-empty"),
    ({"reference": 1}, "value-invalid"),
    ({"id": "a"}, "element-empty"),
    ({}, "element-empty"),
]


def order(subject: Json, **changes: Any) -> Json:
    return {"resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": subject, **changes}


@pytest.mark.parametrize("subject, code", CASES)
def test_a_reference_has_a_known_form_and_an_allowed_target(
    subject: Json, code: str | None, validator: Validator
) -> None:
    """The error code, or none, for each form."""
    found = {issue.code for issue in validator.issues(order(subject), "ServiceRequest")}
    assert found == ({code} if code else set())


@pytest.mark.parametrize(
    "kind, code", [("Patient", None), ("Practitioner", "reference-type"), ("Substance", "reference-type")]
)
def test_a_contained_resource_must_have_an_allowed_type(kind: str, code: str | None, validator: Validator) -> None:
    """The type behind ``#id`` is that of the contained resource."""
    contained: Json = {"resourceType": kind, "id": "p"}
    if kind == "Substance":
        contained["code"] = {"text": "oil"}
    issues = validator.issues(order({"reference": "#p"}, contained=[contained]), "ServiceRequest")
    assert [issue.code for issue in issues] == ([code] if code else [])


def test_a_contained_resource_may_refer_to_its_siblings_and_its_container(validator: Validator) -> None:
    """``#id`` and ``#`` are looked up in the outer resource."""
    contained = [
        {"resourceType": "Patient", "id": "p", "managingOrganization": {"reference": "#o"}},
        {"resourceType": "Organization", "id": "o", "name": "text"},
        {"resourceType": "Provenance", "id": "v", "target": [{"reference": "#"}], "recorded": "2026-01-01T00:00:00Z"}
        | {"agent": [{"who": {"reference": "#o"}}]},
    ]
    assert validator.issues(order({"reference": "#p"}, contained=contained), "ServiceRequest") == []


@pytest.mark.parametrize("second, code", [({"id": "q"}, None), ({"id": "p"}, "value-invalid"), ({}, "element-missing")])
def test_a_contained_resource_has_an_id_of_its_own(second: Json, code: str | None, validator: Validator) -> None:
    """``#id`` must find one; without an id nothing could refer to it, even where it refers to its container."""
    to_container = {"extension": [{"url": "http://example.org/x", "valueReference": {"reference": "#"}}]}
    contained = [{"resourceType": "Patient", "id": "p"}, {"resourceType": "Patient", **second, **to_container}]
    issues = validator.issues(order({"reference": "#p"}, contained=contained), "ServiceRequest")
    place = ("ServiceRequest.contained[1].id",)
    assert [(issue.code, issue.expression) for issue in issues] == ([(code, place)] if code else [])


def test_entries_of_a_bundle_do_not_see_each_others_contained_resources(validator: Validator) -> None:
    """A ``#id`` is local to the entry's resource."""
    entries = [{"resource": order({"reference": "#p"}, contained=[{"resourceType": "Patient", "id": "p"}])}]
    entries.append({"resource": order({"reference": "#p"})})
    (issue,) = validator.issues({"resourceType": "Bundle", "type": "collection", "entry": entries}, "Bundle")
    assert issue.expression == ("Bundle.entry[1].resource.subject",)


@pytest.mark.parametrize("contained", [1, "p", {"id": "p"}, [1, None, "p"], [[{"id": "p"}]], [{"id": "p"}]])
def test_contained_resources_that_are_none_are_refused_without_a_fault(contained: Any, validator: Validator) -> None:
    """A reference may be looked up in what is itself broken."""
    assert validator.issues(order({"reference": "#p"}, contained=contained), "ServiceRequest")
