"""Bundle entries become interactions, in the order that R4 prescribes."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.address import Routes
from service.fhir.bundle_entry import entry_interaction
from service.fhir.bundle_plan import bundle_entries, in_processing_order, plan_transaction, refuse_equal_targets
from service.fhir.interaction import (
    Capabilities,
    Create,
    Criteria,
    Delete,
    History,
    Operation,
    Patch,
    Read,
    Search,
    Update,
    VRead,
)
from service.fhir.outcome import FhirError

BASE = "http://localhost/fhir"
ROUTES = Routes(types=("Observation", "Patient"), compartments=("Patient",))
PATIENT = {"resourceType": "Patient"}
JSON_PATCH = base64.b64encode(b'[{"op":"remove","path":"/active"}]').decode()


def entry(method: str, url: str, resource: Any = None, **request: Any) -> dict[str, Any]:
    """A Bundle entry with this request."""
    made: dict[str, Any] = {"request": {"method": method, "url": url, **request}}
    return made if resource is None else {**made, "resource": resource}


def interaction(made: Any) -> Any:
    """What the entry asks for."""
    return entry_interaction(made, where="Bundle.entry[0]", base=BASE, routes=ROUTES)


CRITERIA = Criteria(parameters=(("identifier", "s|1"),))


@pytest.mark.parametrize(
    "made, expected",
    [
        (entry("GET", "Patient/1"), Read(type="Patient", id="1")),
        (entry("HEAD", "/Patient/1"), Read(type="Patient", id="1")),
        (entry("GET", f"{BASE}/Patient/1"), Read(type="Patient", id="1")),
        (entry("GET", "Patient/1", ifNoneMatch='W/"3"'), Read(type="Patient", id="1", if_none_match=("3",))),
        (entry("GET", "Patient/1/_history/2"), VRead(type="Patient", id="1", version_id="2")),
        (entry("GET", "Patient/1/_history"), History(type="Patient", id="1")),
        (entry("GET", "Patient/_history?_count=1"), History(type="Patient", parameters=(("_count", "1"),))),
        (entry("GET", "_history"), History()),
        (
            entry("GET", "Patient?name=a%20b&name=c"),
            Search(type="Patient", parameters=(("name", "a b"), ("name", "c"))),
        ),
        (entry("GET", "?_type=Patient"), Search(type=None, parameters=(("_type", "Patient"),))),
        (entry("GET", "metadata"), Capabilities()),
        (entry("POST", "Patient", PATIENT), Create(type="Patient", content=PATIENT)),
        (
            entry("POST", "Patient", PATIENT, ifNoneExist="identifier=s|1"),
            Create(type="Patient", content=PATIENT, if_none_exist=CRITERIA),
        ),
        (
            entry("POST", "Patient", PATIENT, ifNoneExist="Patient?identifier=s|1"),
            Create(type="Patient", content=PATIENT, if_none_exist=CRITERIA),
        ),
        (
            entry("PUT", "Patient/1", PATIENT, ifMatch='W/"2"'),
            Update(type="Patient", target="1", content=PATIENT, if_match=("2",)),
        ),
        (
            entry("PUT", "Patient/1", PATIENT, ifNoneMatch="*"),
            Update(type="Patient", target="1", content=PATIENT, if_none_match_any=True),
        ),
        (
            entry("PUT", "Patient?identifier=s|1", PATIENT),
            Update(type="Patient", target=CRITERIA, content=PATIENT),
        ),
        (entry("DELETE", "Patient/1"), Delete(type="Patient", target="1")),
        (entry("DELETE", "Patient?identifier=s|1"), Delete(type="Patient", target=CRITERIA)),
        (
            entry("PATCH", "Patient/1", {"resourceType": "Binary", "data": JSON_PATCH}),
            Patch(type="Patient", target="1", document=[{"op": "remove", "path": "/active"}]),
        ),
        (
            entry("PATCH", "Patient/1", {"resourceType": "Parameters"}),
            Patch(type="Patient", target="1", document={"resourceType": "Parameters"}),
        ),
        (
            entry("POST", "Patient/1/$validate", PATIENT),
            Operation(name="validate", type="Patient", id="1", content=PATIENT),
        ),
        (entry("GET", "$x"), Operation(name="x", method="GET")),
        (
            entry("GET", "Patient/1/Observation"),
            Search(type="Observation", parameters=(), compartment=("Patient", "1")),
        ),
    ],
)
def test_an_entry_is_the_interaction_that_its_request_names(made: Any, expected: object) -> None:
    """The same value as the HTTP request would be."""
    assert interaction(made) == expected


@pytest.mark.parametrize(
    "made, code, expression",
    [
        (None, "bundle-entry", "Bundle.entry[0].request"),
        ({}, "bundle-entry", "Bundle.entry[0].request"),
        (entry("TRACE", "Patient"), "bundle-entry", "Bundle.entry[0].request.method"),
        (entry("GET", ""), "bundle-entry", "Bundle.entry[0].request.url"),
        (entry("POST", "Patient"), "bundle-entry", "Bundle.entry[0].resource"),
        (entry("PUT", "Patient/1"), "bundle-entry", "Bundle.entry[0].resource"),
        (entry("POST", "Patient/1", PATIENT), "not-allowed", "Bundle.entry[0].request.url"),
        (entry("POST", "/", PATIENT), "not-allowed", "Bundle.entry[0].request.url"),
        (entry("GET", "Patient/1/2/3"), "not-found", "Bundle.entry[0].request.url"),
        (entry("GET", "Spaceship/1"), "type-unknown", "Bundle.entry[0].request.url"),
        (entry("GET", "Patient?name=%ff"), "parameter-value", "Bundle.entry[0].request.url"),
        (entry("PUT", "Patient/1", PATIENT, ifMatch="two"), "bundle-entry", "Bundle.entry[0].request.ifMatch"),
        (entry("PUT", "Patient/1", PATIENT, ifMatch=2), "bundle-entry", "Bundle.entry[0].request.ifMatch"),
        (entry("POST", "Patient", PATIENT, ifMatch='W/"1"'), "bundle-entry", "Bundle.entry[0].request.ifMatch"),
        (entry("PUT", "Patient/1", PATIENT, ifNoneExist="a=b"), "bundle-entry", "Bundle.entry[0].request.ifNoneExist"),
        (entry("GET", "Patient/1", ifModifiedSince="soon"), "bundle-entry", "Bundle.entry[0].request.ifModifiedSince"),
        (entry("PATCH", "Patient/1", PATIENT), "patch-invalid", "Bundle.entry[0].resource"),
        (
            entry("PATCH", "Patient/1", {"resourceType": "Binary", "data": "%%"}),
            "patch-invalid",
            "Bundle.entry[0].resource.data",
        ),
        (
            entry(
                "PATCH",
                "Patient/1",
                {"resourceType": "Binary", "contentType": "application/xml-patch+xml", "data": JSON_PATCH},
            ),
            "patch-invalid",
            "Bundle.entry[0].resource.contentType",
        ),
        (entry("POST", "Patient", []), "bundle-entry", "Bundle.entry[0].resource"),
    ],
)
def test_a_malformed_entry_is_refused_where_it_is_wrong(made: Any, code: str, expression: str) -> None:
    """With a stable code and the FHIRPath of the fault."""
    with pytest.raises(FhirError) as refused:
        interaction(made)
    assert (refused.value.code, refused.value.issues[0].expression) == (code, (expression,))


@pytest.mark.parametrize(
    "full_url",
    [None, "", 5, True, [], {}, "1111", "Patient/1", "urn:uuid:not-a-uuid", "http://x", "http://x/fhir/Patient/2"],
)
def test_a_full_url_is_absolute_and_agrees_with_what_is_updated(full_url: Any) -> None:
    """Links of other entries lead there."""
    made = {**entry("PUT", "Patient/1", {**PATIENT, "id": "1"}), "fullUrl": full_url}
    with pytest.raises(FhirError) as refused:
        plan_transaction([made], base=BASE, routes=ROUTES)
    assert refused.value.issues[0].expression == ("Bundle.entry[0].fullUrl",)


def test_deletes_come_first_and_reads_last() -> None:
    """Within one method the order of the Bundle is kept."""
    made = [
        entry("GET", "Patient/1"),
        entry("PUT", "Patient/2", PATIENT),
        entry("POST", "Patient", PATIENT),
        entry("PATCH", "Patient/3", {"resourceType": "Parameters"}),
        entry("DELETE", "Patient/4"),
        entry("POST", "Patient", PATIENT),
    ]
    planned = plan_transaction(made, base=BASE, routes=ROUTES)
    assert [one.index for one in in_processing_order(planned)] == [4, 2, 5, 1, 3, 0]


def test_two_writes_with_one_full_url_are_refused() -> None:
    """A link to it could mean either."""
    url = "urn:uuid:11111111-1111-4111-8111-111111111111"
    made = [{**entry("POST", "Patient", PATIENT), "fullUrl": url} for _ in range(2)]
    with pytest.raises(FhirError) as refused:
        plan_transaction(made, base=BASE, routes=ROUTES)
    assert refused.value.code == "bundle-duplicate"


def test_two_writes_of_one_resource_are_refused_and_both_named() -> None:
    """R4: the identities in a transaction must not overlap."""
    with pytest.raises(FhirError) as refused:
        refuse_equal_targets([("Bundle.entry[0]", ("Patient", "1")), ("Bundle.entry[1]", ("Patient", "1"))])
    assert refused.value.issues[0].expression == ("Bundle.entry[0]", "Bundle.entry[1]")


@pytest.mark.parametrize(
    "bundle, code",
    [
        ({"resourceType": "Patient"}, "type-mismatch"),
        ({"resourceType": "Bundle"}, "bundle-type"),
        ({"resourceType": "Bundle", "type": "collection"}, "bundle-type"),
        ({"resourceType": "Bundle", "type": "batch", "entry": {}}, "bundle-entry"),
        ({"resourceType": "Bundle", "type": "batch", "entry": [1, 2, 3]}, "too-costly"),
    ],
)
def test_what_is_no_bundle_to_process_is_refused(bundle: dict[str, Any], code: str) -> None:
    """By kind, and by the number of entries."""
    with pytest.raises(FhirError) as refused:
        bundle_entries(bundle, most=2)
    assert refused.value.code == code


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]) | st.text(),
    url=st.text() | st.lists(st.sampled_from(["Patient", "1", "_history", "$x", "?", "//", "a=b", "%"])).map("/".join),
    resource=JSON,
    more=st.dictionaries(st.sampled_from(["ifMatch", "ifNoneMatch", "ifNoneExist"]), JSON),
)
def test_whatever_an_entry_holds_only_fhir_errors_come_of_it(
    method: str, url: str, resource: Any, more: dict[str, Any]
) -> None:
    """Entries are hostile input."""
    try:
        interaction(entry(method, url, resource, **more))
    except FhirError as error:
        assert error.issues[0].diagnostics
