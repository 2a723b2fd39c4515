"""Elements, cardinality, choices, primitive extensions, codes: what is refused, where, and in which words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from service.fhir.diagnosis import MAX_ISSUES
from service.fhir.outcome import FhirError
from tests.builders.minimal import minimal, minimal_type

if TYPE_CHECKING:
    from service.fhir.definitions import Definitions
    from service.fhir.validation import Validator

Json = dict[str, Any]

ORDER: Final[Json] = {
    "resourceType": "ServiceRequest",
    "status": "active",
    "intent": "order",
    "subject": {"reference": "Patient/1"},
    "code": {"text": "Medical massage"},
}
EXTENSION: Final[Json] = {"url": "http://example.org/x", "valueString": "text"}

REFUSED: Final[list[tuple[str, Json, str, str, str]]] = [
    # what was sent, the error code, where, and what the sentence says
    (
        "unknown element",
        {"occurenceTiming": {}},
        "element-unknown",
        ".occurenceTiming",
        "did you mean occurrenceTiming?",
    ),
    ("nothing near", {"zzz": 1}, "element-unknown", ".zzz", "it has id, meta,"),
    ("odd name", {"a <b>": 1}, "element-unknown", ".`a ?b?`", "no element of this name"),
    ("twin of a complex element", {"_code": {}}, "element-unknown", ".code", "only primitive elements"),
    ("missing code", {"status": ...}, "element-missing", ".status", "active, completed, draft"),
    (
        "missing reference",
        {"subject": ...},
        "element-missing",
        ".subject",
        "Reference to Patient, Group, Location, Device",
    ),
    ("wrong code", {"status": "started"}, "code-invalid", ".status", "active, completed, draft"),
    ("code in other case", {"status": "Active"}, "code-invalid", ".status", "active"),
    ("null", {"code": None}, "element-empty", ".code", "must not be null"),
    ("null in an array", {"note": [None]}, "element-empty", ".note[0]", "must not be null"),
    ("empty array", {"note": []}, "element-empty", ".note", "empty array"),
    ("empty object", {"code": {}}, "element-empty", ".code", "a value, a child element"),
    ("an id alone", {"code": {"id": "a"}}, "element-empty", ".code", "a value, a child element"),
    ("empty string", {"patientInstruction": ""}, "element-empty", ".patientInstruction", "empty string"),
    ("blank string", {"patientInstruction": " \t"}, "element-empty", ".patientInstruction", "empty string"),
    ("array for one", {"status": ["active"]}, "cardinality", ".status", "may not repeat"),
    ("array for one object", {"code": [{"text": "a"}]}, "cardinality", ".code", "may not repeat"),
    ("one for an array", {"note": {"text": "a"}}, "cardinality", ".note", "JSON array"),
    ("object for a primitive", {"status": {"value": "active"}}, "value-invalid", ".status", "a single value"),
    ("primitive for an object", {"code": "massage"}, "value-invalid", ".code", "a JSON object"),
    ("text for a boolean", {"doNotPerform": "true"}, "value-invalid", ".doNotPerform", "without quotes"),
    (
        "control character",
        {"patientInstruction": "a\x01"},
        "value-invalid",
        ".patientInstruction",
        "control characters",
    ),
    (
        "two types",
        {"occurrenceDateTime": "2026", "occurrencePeriod": {"start": "2026"}},
        "choice-conflict",
        ".occurrence",
        "occurrencePeriod",
    ),
    (
        "a value and a twin of another type",
        {
            "asNeededBoolean": True,
            "_occurrenceDateTime": {"extension": [EXTENSION]},
            "occurrencePeriod": {"start": "2026"},
        },
        "choice-conflict",
        ".occurrence",
        "occurrenceDateTime",
    ),
    ("type that the choice lacks", {"occurrenceString": "a"}, "element-unknown", ".occurrenceString", "occurrence"),
    (
        "deep inside",
        {"occurrenceTiming": {"repeat": {"periodUnit": "week"}}},
        "code-invalid",
        ".occurrenceTiming.repeat.periodUnit",
        "wk",
    ),
    ("in an array", {"note": [{"text": "a"}, {"txt": "a"}]}, "element-unknown", ".note[1].txt", "text"),
    (
        "wrong unit of a whole number",
        {"occurrenceTiming": {"repeat": {"count": 1.5}}},
        "value-invalid",
        ".occurrenceTiming.repeat.count",
        "whole",
    ),
    (
        "text over the limit",
        {"patientInstruction": "x" * (1024 * 1024 + 1)},
        "value-invalid",
        ".patientInstruction",
        "more than 1048576 characters",
    ),
    ("element id with a blank", {"code": {"id": "a b", "text": "a"}}, "value-invalid", ".code.id", "without blanks"),
    ("bad id", {"id": "a b"}, "id-invalid", ".id", "1 to 64"),
    ("twin without anything", {"status": ..., "_status": {}}, "element-empty", ".status", "a value"),
    ("twin with an id alone", {"status": ..., "_status": {"id": "a"}}, "element-empty", ".status", "a value"),
    (
        "null without a twin",
        {"instantiatesUri": ["urn:x", None]},
        "element-empty",
        ".instantiatesUri[1]",
        "_instantiatesUri",
    ),
    (
        "twin of another length",
        {"instantiatesUri": ["urn:x", None], "_instantiatesUri": [{"id": "a"}]},
        "cardinality",
        ".instantiatesUri",
        "same length",
    ),
    (
        "null in both",
        {"instantiatesUri": [None], "_instantiatesUri": [None]},
        "element-empty",
        ".instantiatesUri[0]",
        "a value",
    ),
    (
        "twins of nothing beside values",
        {"instantiatesUri": ["urn:x"], "_instantiatesUri": [None]},
        "element-empty",
        ".instantiatesUri",
        "nothing but null",
    ),
    ("twins of nothing", {"_instantiatesUri": [None]}, "element-empty", ".instantiatesUri[0]", "a value"),
    ("extension without url", {"extension": [{"valueString": "a"}]}, "element-missing", ".extension[0].url", "uri"),
    (
        "extension with two values",
        {"extension": [{**EXTENSION, "valueCode": "a"}]},
        "choice-conflict",
        ".extension[0].value",
        "valueCode and valueString",
    ),
    (
        "extension with value and extensions",
        {"extension": [{**EXTENSION, "extension": [EXTENSION]}]},
        "invariant",
        ".extension[0]",
        "ext-1",
    ),
    (
        "extension of an unknown type",
        {"extension": [{"url": "http://x.org", "valueStrin": "a"}]},
        "element-unknown",
        ".extension[0].valueStrin",
        "valueString",
    ),
    ("extension that is no object", {"extension": ["a"]}, "value-invalid", ".extension[0]", "a JSON object"),
    (
        "wrong value in an extension",
        {"extension": [{"url": "http://x.org", "valueDate": "2026-02-30"}]},
        "value-invalid",
        ".extension[0].valueDate",
        "calendar",
    ),
    (
        "in a twin",
        {"_status": {"extension": [{"url": "http://x.org", "valueCode": ""}]}},
        "element-empty",
        ".status.extension[0].valueCode",
        "empty string",
    ),
    (
        "resourceType of a contained resource",
        {"contained": [{"resourceType": "Pateint"}]},
        "value-invalid",
        ".contained[0].resourceType",
        "resourceType",
    ),
    (
        "resourceType that is no text",
        {"contained": [{"resourceType": {"a": 1}}]},
        "value-invalid",
        ".contained[0].resourceType",
        "resourceType",
    ),
    (
        "resourceType in an element",
        {"code": {"resourceType": "Patient"}},
        "element-unknown",
        ".code.resourceType",
        "CodeableConcept",
    ),
    (
        "missing beside a resourceType",
        {"note": [{"resourceType": "Patient"}]},
        "element-missing",
        ".note[0].text",
        "markdown",
    ),
    (
        "inside a contained resource",
        {"contained": [{"resourceType": "Patient", "id": "p", "birthdate": "2000"}]},
        "element-unknown",
        ".contained[0].birthdate",
        "birthDate",
    ),
]

ACCEPTED: Final[list[tuple[str, Json]]] = [
    ("as it is", {}),
    ("a required primitive as an extension", {"status": ..., "_status": {"extension": [EXTENSION]}}),
    ("a value with a twin", {"_status": {"id": "a", "extension": [EXTENSION]}}),
    ("a value with the id of its twin", {"_status": {"id": "a"}}),
    (
        "nulls that complement each other",
        {"instantiatesUri": ["urn:x", None], "_instantiatesUri": [None, {"extension": [EXTENSION]}]},
    ),
    ("twins without values", {"_instantiatesUri": [{"extension": [EXTENSION]}]}),
    ("extensions in extensions", {"extension": [{"url": "http://x.org", "extension": [EXTENSION]}]}),
    (
        "an extension whose value is an extension",
        {"extension": [{"url": "http://x.org", "_valueString": {"extension": [EXTENSION]}}]},
    ),
    ("a modifier extension", {"modifierExtension": [EXTENSION]}),
    ("a choice as an extension", {"_occurrenceDateTime": {"extension": [EXTENSION]}}),
    ("an element with an id and a value", {"code": {"id": "a", "text": "text"}}),
    ("an element with an extension alone", {"code": {"extension": [EXTENSION]}}),
    ("text with line breaks", {"patientInstruction": "a\r\n\tb"}),
    (
        "a contained resource of a type that is not served",
        {
            "contained": [{"resourceType": "Substance", "id": "s", "code": {"text": "oil"}}],
            "supportingInfo": [{"reference": "#s"}],
        },
    ),
]


def order(changes: Json) -> Json:
    return {name: value for name, value in {**ORDER, **changes}.items() if value is not ...}


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
