"""What an EHR may send, and how what it may not is refused."""

from __future__ import annotations

from typing import Any

import pytest

from service.cds.call import read_call
from service.fhir.outcome import FhirError
from tests.builders.cds_hooks import appointment, bundle, call, context, draft, prefetched
from tests.builders.screening import diagnosis, order

Json = dict[str, Any]

AUTHORIZATION = {"access_token": "a-token", "token_type": "Bearer", "expires_in": 300, "scope": "x", "subject": "y"}
OTHERS = diagnosis("I82.402") | {"subject": {"reference": "Patient/somebody-else"}}


def _lent(granted: Json) -> Json:
    return {"fhirServer": "https://ehr.example.org/fhir", "fhirAuthorization": granted}


def test_a_call_is_read() -> None:
    """With its drafts, and the server that may be asked."""
    read = read_call(call(fhirServer="https://ehr.example.org/fhir/", fhirAuthorization=AUTHORIZATION))
    assert (read.hook, read.patient, read.user) == ("order-sign", "p1", "Practitioner/d1")
    assert [each["id"] for each in read.drafts] == ["draft-1"]
    assert read.server is not None
    assert (read.server.base, read.server.token) == ("https://ehr.example.org/fhir", "a-token")


@pytest.mark.parametrize("wrong", [[], {}, 7, None])
def test_a_draft_whose_id_is_no_text_is_not_selected(wrong: object) -> None:
    sent = context({"resourceType": "ServiceRequest", "id": wrong}, selections=["ServiceRequest/a"])
    assert read_call(call("order-select", context=sent)).selected == ()


@pytest.mark.parametrize("selections, selected", [(["ServiceRequest/a"], ["a"]), (["b"], ["b"]), ([], []), (["x"], [])])
def test_order_select_is_about_what_was_selected(selections: list[str], selected: list[str]) -> None:
    """The other drafts are there to be known of."""
    drafts = (order(id="a"), order(id="b"))
    read = read_call(call("order-select", context=context(*drafts, selections=selections)))
    assert [each["id"] for each in read.selected] == selected
    assert len(read.drafts) == 2


def test_an_appointment_is_read() -> None:
    """In a Bundle, as the specification says, or in an array, as its examples have it."""
    for appointments in (bundle(appointment()), [appointment()]):
        booked = {"userId": "Patient/p1", "patientId": "p1", "appointments": appointments}
        assert [each["id"] for each in read_call(call("appointment-book", context=booked)).selected] == ["apt1"]


@pytest.mark.parametrize(
    "changes, expression",
    [
        ({"hook": None}, "hook"),
        ({"hook": "patient-view"}, "hook"),
        ({"hook": 7}, "hook"),
        ({"hookInstance": None}, "hookInstance"),
        ({"hookInstance": "1"}, "hookInstance"),
        ({"hookInstance": ["d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"]}, "hookInstance"),
        ({"context": None}, "context"),
        ({"context": []}, "context"),
        ({"context": context(userId="somebody")}, "context.userId"),
        ({"context": context(userId=None)}, "context.userId"),
        ({"context": context(patientId="Patient/p1")}, "context.patientId"),
        ({"context": context(patientId="p1&_id=2")}, "context.patientId"),
        ({"context": context(patientId=1)}, "context.patientId"),
        ({"context": context(draftOrders=[])}, "context.draftOrders"),
        ({"context": context(draftOrders={"resourceType": "List"})}, "context.draftOrders"),
        ({"context": context(draftOrders=bundle(entry=1))}, "context.draftOrders.entry"),
        ({"context": context(draftOrders=bundle(entry=[{}]))}, "context.draftOrders.entry[0].resource"),
        ({"context": context(draft(subject={"reference": "Patient/2"}))}, "context.draftOrders.entry[0].resource"),
        ({"hook": "order-select"}, "context.selections"),
        ({"hook": "order-select", "context": context(selections="draft-1")}, "context.selections"),
        ({"hook": "appointment-book"}, "context.appointments"),
        ({"hook": "appointment-book", "context": context(appointments=[1])}, "context.appointments.entry[0].resource"),
        (
            {"hook": "appointment-book", "context": context(appointments=[appointment("Patient/2")])},
            "context.appointments.entry[0].resource",
        ),
        ({"fhirAuthorization": AUTHORIZATION}, "fhirServer"),
        ({"fhirServer": "ehr.example.org"}, "fhirServer"),
        ({"fhirServer": "file:///etc/passwd"}, "fhirServer"),
        ({"fhirServer": "https://[x"}, "fhirServer"),
        ({"fhirServer": "https://ehr.example.org", "fhirAuthorization": "token"}, "fhirAuthorization"),
        ({"fhirServer": "https://e.org", "fhirAuthorization": {}}, "fhirAuthorization.access_token"),
        (
            {"fhirServer": "https://e.org", "fhirAuthorization": AUTHORIZATION | {"access_token": "a\nb"}},
            "fhirAuthorization",
        ),
        (
            {"fhirServer": "https://e.org", "fhirAuthorization": AUTHORIZATION | {"token_type": "MAC"}},
            "fhirAuthorization",
        ),
        ({"prefetch": []}, "prefetch"),
        ({"prefetch": prefetched(conditions="none")}, "prefetch.conditions"),
        ({"prefetch": prefetched(conditions=diagnosis("M54.50"))}, "prefetch.conditions"),
        ({"prefetch": prefetched(conditions=bundle(entry=[None]))}, "prefetch.conditions.entry[0].resource"),
        ({"prefetch": prefetched(conditions=bundle(OTHERS))}, "prefetch.conditions"),
        ({"prefetch": prefetched(patient={"resourceType": "Patient", "id": "p2"})}, "prefetch.patient"),
    ],
)
def test_what_is_not_a_call_is_refused(changes: Json, expression: str) -> None:
    """As a bad request that says where, and quotes nothing."""
    with pytest.raises(FhirError) as refused:
        read_call(call(**changes))
    assert refused.value.category.status == 400
    assert refused.value.issues[0].expression == (expression,)


@pytest.mark.parametrize("body", [None, [], "text", 1])
def test_a_body_that_is_no_object_is_refused(body: Any) -> None:
    """A call is one object."""
    with pytest.raises(FhirError):
        read_call(body)


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "Patient/p1"},
        {"reference": "https://ehr.example.org/fhir/Patient/p1"},
        {"reference": "Patient/p1/_history/2"},
        {"reference": "urn:uuid:d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"},
        {"identifier": {"value": "1"}},
        None,
    ],
)
def test_a_resource_of_the_patient_is_taken(subject: Any) -> None:
    """However it names them; only who names another patient is refused."""
    known = diagnosis("I82.402") | {"subject": subject}
    assert read_call(call(prefetch=prefetched(conditions=bundle(known)))).patient == "p1"


def test_keys_that_were_not_asked_for_are_ignored() -> None:
    """Whatever is under them."""
    assert set(read_call(call(prefetch={"patient": 1, "conditions": None})).prefetch) == {"conditions"}
