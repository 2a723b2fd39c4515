"""Elements, cardinality, choices, primitive extensions, codes: what is refused, where, and in which words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.diagnosis import MAX_ISSUES
from service.fhir.outcome import FhirError
from tests.builders.minimal import minimal, minimal_type
from tests.unit.validation.orders import ACCEPTED, EXTENSION, ORDER, REFUSED, order

if TYPE_CHECKING:
    from service.fhir.definitions import Definitions
    from service.fhir.validation import Validator

Json = dict[str, Any]


@pytest.mark.parametrize("changes, code, where, words", [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_breaks_r4_is_refused_where_it_stands(
    changes: Json, code: str, where: str, words: str, validator: Validator
) -> None:
    """One issue has the error code, the FHIRPath, and a sentence that helps."""
    issues = validator.issues(order(changes), "ServiceRequest")
    found = [(issue.code, issue.expression, issue.diagnostics) for issue in issues]
    assert any(
        issue.code == code and issue.expression == (f"ServiceRequest{where}",) and words in issue.diagnostics
        for issue in issues
    ), found


@pytest.mark.parametrize("changes", [row[1] for row in ACCEPTED], ids=[row[0] for row in ACCEPTED])
def test_what_r4_allows_is_accepted(changes: Json, validator: Validator) -> None:
    """Nothing is refused that R4 allows."""
    assert validator.issues(order(changes), "ServiceRequest") == []


def test_all_errors_are_told_at_once(validator: Validator) -> None:
    """Three mistakes in different places are three issues."""
    content = order({"status": "started", "intnt": 1, "note": [{"text": ""}]})
    assert {issue.code for issue in validator.issues(content, "ServiceRequest")} == {
        "code-invalid",
        "element-unknown",
        "element-empty",
    }


def test_very_many_errors_are_cut_short(validator: Validator) -> None:
    """A hundred mistakes give fifty issues and a remark."""
    issues = validator.issues(order({"note": [{"text": ""}] * 100}), "ServiceRequest")
    assert len(issues) == MAX_ISSUES + 1
    assert issues[-1].severity == "information"


def test_of_a_large_body_each_array_tells_its_first_error(validator: Validator) -> None:
    """A body full of errors costs no more than a valid one; errors in other places are still told."""
    content = order({"note": [None] * 20_000, "category": [{}] * 2, "status": "started"})
    assert {issue.expression[0] for issue in validator.issues(content, "ServiceRequest")} == {
        "ServiceRequest.note[0]",
        "ServiceRequest.category[0]",
        "ServiceRequest.status",
    }


def test_a_large_body_may_have_primitive_extensions(validator: Validator) -> None:
    """Size changes what is told of errors, never what is valid."""
    content = order({"note": [{"text": "x" * 1000}] * 100, "_status": {"extension": [EXTENSION]}})
    assert validator.issues(content, "ServiceRequest") == []


def test_no_issue_repeats_a_value(validator: Validator) -> None:
    """What a patient's record says stays out of messages, which end up in logs."""
    secret = "Mustermann"
    content = order(
        {
            "status": secret,
            "authoredOn": secret,
            "patientInstruction": f"{secret}\x01",
            "subject": {"reference": secret},
            "requester": {"reference": f"#{secret}", "type": secret},
            "text": {"status": "generated", "div": f"<div>{secret}</div>"},
            "contained": [{"resourceType": secret}],
            "extension": [{"url": secret, "valueBoolean": secret}],
        }
    )
    assert secret not in repr(validator.issues(content, "ServiceRequest"))


@pytest.mark.parametrize(
    "content",
    [None, [], "text", 1, {}, {"resourceType": None}, {"resourceType": ["Patient"]}, {"resourceType": "Group"}],
)
def test_another_type_than_the_expected_one_is_refused(content: Any, validator: Validator) -> None:
    """The body must be an object, and say that it is what the URL names."""
    (issue,) = validator.issues(content, "Patient")
    assert issue.code in {"malformed-json", "type-mismatch"}


def test_a_type_that_r4_does_not_have_is_refused(validator: Validator) -> None:
    """Not even its own name makes it valid."""
    assert validator.issues({"resourceType": "Pateint"}, "Pateint")[0].code == "type-mismatch"
    assert validator.issues({"resourceType": "DomainResource"}, "DomainResource")[0].code == "type-mismatch"


def test_check_raises_all_issues(validator: Validator) -> None:
    """The error carries what `issues` gives."""
    content = order({"status": "started", "intent": "wish"})
    with pytest.raises(FhirError) as refusal:
        validator.check(content, "ServiceRequest")
    assert list(refusal.value.issues) == validator.issues(content, "ServiceRequest")
    validator.check(ORDER, "ServiceRequest")


def test_the_smallest_resource_of_each_served_type_is_valid(definitions: Definitions, validator: Validator) -> None:
    """What the definitions demand is enough."""
    refused = {name for name in definitions.resource_types if validator.issues(minimal(definitions, name), name)}
    assert refused == set()


def test_each_data_type_is_accepted_in_an_extension(definitions: Definitions, validator: Validator) -> None:
    """Every type that an extension may hold has a validator."""
    value = next(element for element in definitions.type("Extension").elements if element.name == "value")
    for name, kind in value.json_names():
        assert kind is not None
        held = {"reference": "Patient/1"} if kind.code == "Reference" else minimal_type(definitions, kind.code)
        content = order({"extension": [{"url": "http://example.org/x", name: held}]})
        assert validator.issues(content, "ServiceRequest") == [], name


def test_elements_that_share_their_content_are_validated_alike(validator: Validator) -> None:
    """Questionnaire.item.item refers to Questionnaire.item."""
    deep: Json = {"linkId": "3", "type": "stirng"}
    content = {
        "resourceType": "Questionnaire",
        "status": "draft",
        "item": [{"linkId": "1", "type": "group", "item": [{"linkId": "2", "type": "group", "item": [deep]}]}],
    }
    (issue,) = validator.issues(content, "Questionnaire")
    assert issue.expression == ("Questionnaire.item[0].item[0].item[0].type",)


@pytest.mark.parametrize("holder, place", [("Bundle", "entry"), ("Parameters", "parameter")])
def test_resources_inside_of_resources_are_validated_by_their_type(
    holder: str, place: str, validator: Validator
) -> None:
    """Bundle entries and parameters hold any type."""
    part: Json = {"name": "a"} if holder == "Parameters" else {}
    head: Json = {"type": "collection"} if holder == "Bundle" else {}
    content = {"resourceType": holder, **head, place: [{**part, "resource": order({"status": "started"})}]}
    (issue,) = validator.issues(content, holder)
    assert issue.expression == (f"{holder}.{place}[0].resource.status",)


def test_a_required_concept_needs_a_coding_of_its_value_set(validator: Validator) -> None:
    """Condition.clinicalStatus takes a code of one system; the same code of another system is something else."""
    system = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    content = {"resourceType": "Condition", "subject": {"reference": "Patient/1"}}
    for coding, codes in (
        ([{"system": system, "code": "active"}], []),
        ([{"system": "urn:x", "code": "b"}, {"system": system, "code": "active"}], []),
        ([{"system": "urn:x", "code": "active"}], ["code-invalid"]),
        ([{"code": "active"}], ["code-invalid"]),
    ):
        issues = validator.issues({**content, "clinicalStatus": {"coding": coding}}, "Condition")
        assert [issue.code for issue in issues] == codes


def test_deep_nesting_is_refused_not_a_fault(validator: Validator) -> None:
    """Content that was built, not read, may be deeper than any body."""
    extension: Json = EXTENSION
    for _ in range(2000):
        extension = {"url": "http://example.org/x", "extension": [extension]}
    (issue,) = validator.issues(order({"extension": [extension]}), "ServiceRequest")
    assert issue.code == "nesting-too-deep"
