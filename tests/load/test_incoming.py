"""Text becomes resources that can be stored, or refusals that say where and why without a value."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from service.load.incoming import Incoming, resources_of
from tests.builders.referral import referral_bundle
from tests.builders.resources import observation, patient

if TYPE_CHECKING:
    from service.interactions.parts import Parts

Json = dict[str, Any]

NO_CARRIER = "A Bundle of this type holds no resources to load; collection, searchset, batch, transaction do."
NO_TARGET = "A urn: reference does not equal the fullUrl of any entry of the Bundle."


def bundle(kind: str, *entries: Json) -> Json:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def text(content: Any) -> bytes:
    return json.dumps(content).encode()


def loaded(parts: Parts, content: Any, line: int = 1) -> list[Incoming]:
    incoming, refusals = resources_of(parts, "file", line, text(content))
    assert refusals == []
    return incoming


def refused(parts: Parts, content: Any) -> list[str]:
    given = content if isinstance(content, bytes) else text(content)
    return [line for refusal in resources_of(parts, "file", 7, given)[1] for line in refusal.lines()]


def test_a_resource_keeps_its_id(parts: Parts) -> None:
    (found,) = loaded(parts, patient(id="p1"))
    assert (found.type, found.id, found.content["id"]) == ("Patient", "p1", "p1")


def test_an_id_that_is_missing_depends_on_line_and_content_alone(parts: Parts) -> None:
    ids = [loaded(parts, content, line)[0].id for content, line in ((patient(1), 1), (patient(1), 1), (patient(1), 2))]
    assert ids[0] == ids[1] != ids[2]
    assert loaded(parts, patient(2))[0].id != ids[0]


def test_a_blank_line_is_nothing(parts: Parts) -> None:
    assert resources_of(parts, "file", 1, b" \r\n") == ([], [])


@pytest.mark.parametrize("kind", ["collection", "searchset", "batch", "transaction"])
def test_a_bundle_that_carries_resources_is_taken_apart(parts: Parts, kind: str) -> None:
    """References between its entries lead to the ids under which these are stored."""
    urn = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"
    entries: list[Json] = [{"resource": observation(urn)}, {"fullUrl": urn, "resource": patient()}]
    if kind in {"batch", "transaction"}:
        for entry in entries:
            entry["request"] = {"method": "POST", "url": entry["resource"]["resourceType"]}
    rating, person = loaded(parts, bundle(kind, *entries))
    assert rating.content["subject"]["reference"] == f"Patient/{person.id}"
    assert (rating.where, person.where) == ("Bundle.entry[0]", "Bundle.entry[1]")


def test_a_document_is_a_resource_of_its_own(parts: Parts) -> None:
    assert refused(parts, {"resourceType": "Bundle", "type": "document"}) != []
    assert [one.type for one in loaded(parts, {"resourceType": "Bundle", "type": "message", **_message()})] == [
        "Bundle"
    ]


def _message() -> Json:
    header = {
        "resourceType": "MessageHeader",
        "eventUri": "http://example.org/event",
        "source": {"endpoint": "http://example.org/ehr"},
    }
    return {"entry": [{"fullUrl": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", "resource": header}]}


def test_what_a_search_tells_about_itself_is_left_out(parts: Parts) -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "informational"}]}
    entries: list[Json] = [{"resource": outcome, "search": {"mode": "outcome"}}, {"resource": patient(id="p1")}]
    assert [one.id for one in loaded(parts, bundle("searchset", *entries))] == ["p1"]


@pytest.mark.parametrize(
    "content,expected",
    [
        (b"{", "file:7: The body ends before its JSON is complete."),
        (b"[1]", "file:7: Every line is a resource: a JSON object with a resourceType."),
        (b'"x"', "file:7: Every line is a resource: a JSON object with a resourceType."),
        ({"resourceType": "Nonsense"}, "file:7: resourceType: This type is not served."),
        (
            patient(gender="the-secret"),
            "file:7: Patient.gender: gender must be one of the codes female, male, other, unknown.",
        ),
        (
            bundle("collection", {"resource": patient(id="p1")}, {"resource": patient(gender="the-secret")}),
            "file:7: Bundle.entry[1].resource.gender: gender must be one of the codes female, male, other, unknown.",
        ),
        (
            bundle("history"),
            f"file:7: Bundle.type: {NO_CARRIER}",
        ),
        (
            bundle("batch", {"request": {"method": "DELETE", "url": "Patient/1"}}),
            "file:7: Bundle.entry[0].resource: load needs a resource in every entry.",
        ),
        (
            bundle("collection", {"resource": observation("urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0")}),
            f"file:7: Bundle.entry[0].resource.subject: {NO_TARGET}",
        ),
    ],
)
def test_a_refusal_says_where_and_why(parts: Parts, content: Any, expected: str) -> None:
    assert refused(parts, content) == [expected]


def test_criteria_are_for_the_service(parts: Parts) -> None:
    found = refused(parts, referral_bundle())
    assert len(found) == 8
    assert found[0].startswith("file:7: Bundle.entry[0].request: load compares ids, not criteria")
