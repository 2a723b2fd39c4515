"""Requests that succeed: one for every operation that the OpenAPI document describes."""

from __future__ import annotations

from typing import Any

from service.fhir.outcome import CANONICAL

Json = dict[str, Any]

FHIR_JSON = {"Content-Type": "application/fhir+json"}
JSON_PATCH = {"Content-Type": "application/json-patch+json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
RELABELLED = b'[{"op": "add", "path": "/language", "value": "en"}]'
"""A change that every type can undergo."""

STORED, SECOND = "example", "second"

SENT: dict[tuple[str, str], Json] = {
    ("put", "/{id}"): {"headers": FHIR_JSON},
    ("get", ""): {"params": {"_id": STORED}},
    ("get", "/{id}"): {},
    ("get", "/{id}/_history"): {"params": {"_count": "1"}},
    ("get", "/{id}/_history/{vid}"): {},
    ("get", "/_history"): {"params": {"_since": "2026-01-01T00:00:00Z"}},
    ("get", "/{id}/$validate"): {},
    ("post", ""): {"headers": FHIR_JSON},
    ("post", "/_search"): {"headers": FORM, "content": f"_id={STORED}&_count=1"},
    ("post", "/$validate"): {"headers": FHIR_JSON, "params": {"mode": "create"}},
    ("post", "/{id}/$validate"): {"headers": FHIR_JSON},
    ("patch", "/{id}"): {"headers": JSON_PATCH, "content": RELABELLED},
    ("patch", ""): {"headers": JSON_PATCH, "content": RELABELLED, "params": {"_id": STORED}},
    ("put", ""): {"headers": FHIR_JSON, "params": {"_id": SECOND}},
    ("delete", ""): {"params": {"_id": SECOND}},
    ("delete", "/{id}"): {},
}
"""Method and path below the type → what makes it succeed, in an order in which all of them do."""


COMPARTMENT: dict[tuple[str, str], Json] = {
    ("get", "/{id}/{member}"): {"params": {"_count": "1"}},
    ("post", "/{id}/{member}/_search"): {"headers": FORM, "content": "_count=1"},
}
"""Method and path below the types that have a compartment."""


EVERYTHING: dict[tuple[str, str], Json] = {
    ("get", "/{id}/$everything"): {"params": {"_count": "1"}},
    ("post", "/{id}/$everything"): {"example": "everything"},
}
PLAN_OPERATIONS: dict[str, dict[tuple[str, str], str]] = {
    "PlanDefinition": {
        (method, f"{below}/$apply"): "" if below else "&planDefinition=PlanDefinition/low-back-pain-6x"
        for method in ("get", "post")
        for below in ("", "/{id}")
    },
}
"""Type → method and path below it of the operations on protocols → what names the protocol in the URL."""

DOCUMENTS: dict[str, tuple[str, ...]] = {"CarePlan": ("progress-report",), "ServiceRequest": ("necessity-packet",)}
"""Type → the operations on an instance that answer with documents."""
FORM_OPERATIONS: dict[str, dict[tuple[str, str], Json]] = {
    "Questionnaire": {
        ("get", "/$populate"): {"params": {"questionnaire": f"{CANONICAL}/Questionnaire/nprs"}},
        ("post", "/$populate"): {"example": "populate"},
        ("get", "/{id}/$populate"): {"params": {"subject": "Patient/example"}},
        ("post", "/{id}/$populate"): {"example": "populate"},
    },
    "QuestionnaireResponse": {
        ("post", "/$extract"): {"example": "extract"},
        ("get", "/{id}/$extract"): {},
        ("post", "/{id}/$extract"): {},
    },
}
"""Type → method and path below it of the operations on questionnaires → what makes them succeed."""

SESSIONS: dict[str, set[tuple[str, str]]] = {"CarePlan": {("post", "/{id}/$record-session")}}
"""Type → method and path below it of the operations that record a session."""

CODES = "http://codes.example.org/described"
RECORD_OPERATIONS: dict[str, dict[tuple[str, str], Json]] = {
    "Patient": {**EVERYTHING, ("post", "/$match"): {"example": "match"}},
    "Observation": {
        ("get", "/$lastn"): {"params": {"patient": "example", "category": "survey", "max": "2"}},
        ("post", "/$lastn"): {"example": "lastn"},
        ("get", "/$stats"): {
            "params": {"subject": "Patient/example", "code": "a", "system": CODES, "statistic": "count"}
        },
        ("post", "/$stats"): {"example": "stats"},
    },
    "Organization": {
        ("get", "/{id}/$outcome-measures"): {"params": {"periodStart": "2026-01", "periodEnd": "2026-06"}},
        ("post", "/{id}/$outcome-measures"): {"example": "outcome-measures"},
    },
    "ServiceRequest": {
        **EVERYTHING,
        ("get", "/{id}/$outcome-summary"): {"params": {"asOf": "2026-03-01"}},
        ("post", "/{id}/$outcome-summary"): {"example": "outcome-summary"},
        ("get", "/{id}/$visits"): {},
        ("post", "/{id}/$visits"): {"example": "visits"},
    },
}
"""Type → method and path below it of the operations on records → what makes them succeed."""

IN_SYSTEM: Json = {"url": CODES, "code": "a"}
IN_SET: Json = {"system": CODES, "code": "a"}
CODE_OPERATIONS: dict[str, dict[str, Json]] = {
    "CodeSystem": {
        "/$lookup": {"system": CODES, "code": "a"},
        "/$validate-code": IN_SYSTEM,
        "/{id}/$validate-code": {"code": "a"},
        "/$subsumes": {"system": CODES, "codeA": "a", "codeB": "a"},
        "/{id}/$subsumes": {"codeA": "a", "codeB": "a"},
    },
    "ValueSet": {
        "/$expand": {"url": CODES, "count": "1"},
        "/{id}/$expand": {"filter": "a"},
        "/$validate-code": IN_SET | {"url": CODES},
        "/{id}/$validate-code": IN_SET,
    },
    "ConceptMap": {
        "/$translate": IN_SET | {"url": CODES},
        "/{id}/$translate": IN_SET,
    },
}
"""Type → path below it → parameters with which an operation on codes succeeds."""

CODE_RESOURCES: dict[str, Json] = {
    "CodeSystem": {"url": CODES, "content": "complete", "concept": [{"code": "a"}]},
    "ValueSet": {"url": CODES, "compose": {"include": [{"system": CODES}]}},
    "ConceptMap": {
        "url": CODES,
        "group": [{"source": CODES, "element": [{"code": "a", "target": [{"code": "b", "equivalence": "equal"}]}]}],
    },
}


def documents(name: str) -> set[tuple[str, str]]:
    """Method and path below a type of its operations that answer with documents."""
    return {(method, f"/{{id}}/${each}") for each in DOCUMENTS.get(name, ()) for method in ("get", "post")}


def operations_of(name: str) -> set[tuple[str, str]]:
    """Method and path below a type of everything in these tables but compartments."""
    return {
        *SENT,
        *((method, below) for below in CODE_OPERATIONS.get(name, ()) for method in ("get", "post")),
        *RECORD_OPERATIONS.get(name, ()),
        *PLAN_OPERATIONS.get(name, ()),
        *documents(name),
        *SESSIONS.get(name, ()),
        *FORM_OPERATIONS.get(name, ()),
    }
