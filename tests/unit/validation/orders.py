"""Changes to an order: what R4 refuses of them, and what it allows."""

from __future__ import annotations

from typing import Any, Final

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
    """The order with the changes; ... takes an element away."""
    return {name: value for name, value in {**ORDER, **changes}.items() if value is not ...}
