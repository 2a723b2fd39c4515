"""What the engine itself defines, as resources: its error codes, and the operations that are not R4's.

https://hl7.org/fhir/R4/codesystem.html, https://hl7.org/fhir/R4/operationdefinition.html
"""

from __future__ import annotations

import hashlib
from html import escape
from typing import TYPE_CHECKING, Any, Final

from service.fhir.conformance import SYSTEM_OPERATIONS
from service.fhir.outcome import CANONICAL, ERROR_CODES, ERROR_SYSTEM
from service.fhir.type_operations import TYPE_OPERATIONS

if TYPE_CHECKING:
    from service.fhir.conformance import OperationClaim
    from service.fhir.resource import Content

_DATE: Final = "2026-11-22"
_OF_TYPES: Final = tuple(each for each in TYPE_OPERATIONS if each[1].definition.startswith(CANONICAL))
"""Types, each with an operation of it that is not R4's."""
_PROPERTY: Final = f"{CANONICAL}/CodeSystem/concept-property"


def resources() -> list[Content]:
    """All of them, each with its id and canonical URL."""
    of_types = [_operation(claim, resource_type) for resource_type, claim in _OF_TYPES]
    return [_error_codes(), *(_operation(claim) for claim in SYSTEM_OPERATIONS), *of_types]


def fingerprint() -> str:
    """A digest of what they say."""
    told = repr((list(ERROR_CODES.values()), SYSTEM_OPERATIONS, _OF_TYPES, _DATE))
    return hashlib.blake2b(told.encode(), digest_size=16).hexdigest()


def _error_codes() -> Content:
    description = "What OperationOutcome.issue.details says of a refusal or failure; stable across releases."
    return {
        **_published("CodeSystem", "error-code", "Error codes of the service", description),
        "url": ERROR_SYSTEM,
        "caseSensitive": True,
        "content": "complete",
        "count": len(ERROR_CODES),
        "property": [
            {"code": "status", "uri": f"{_PROPERTY}#status", "description": "The HTTP status.", "type": "integer"},
            {"code": "issue-type", "uri": f"{_PROPERTY}#issue-type", "description": "issue.code.", "type": "code"},
        ],
        "concept": [
            {
                "code": row.code,
                "display": row.meaning,
                "property": [
                    {"code": "status", "valueInteger": row.category.status},
                    {"code": "issue-type", "valueCode": row.issue_type},
                ],
            }
            for row in ERROR_CODES.values()
        ],
    }


def _operation(claim: OperationClaim, resource_type: str | None = None) -> Content:
    """An operation of the system, or of a type, with what it takes and returns in no more detail than that."""
    return {
        **_published("OperationDefinition", claim.definition.rpartition("/")[2], f"${claim.name}", claim.documentation),
        "url": claim.definition,
        "kind": "operation",
        "code": claim.name,
        **({"resource": [resource_type]} if resource_type else {}),
        "system": "system" in claim.levels,
        "type": "type" in claim.levels,
        "instance": "instance" in claim.levels,
        "parameter": [
            *(
                {"name": name, "use": "in", "min": 0, "max": most, "documentation": told, "type": kind}
                for name, kind, most, told in _TAKEN[claim.name]
            ),
            {"name": "return", "use": "out", "min": 1, "max": "1", "type": _RETURNED[claim.name]},
        ],
    }


_TAKEN: Final[dict[str, tuple[tuple[str, str, str, str], ...]]] = {
    "apply": (
        ("subject", "string", "1", "The patient, such as Patient/1."),
        ("referral", "string", "1", "A reference to the referral; without it the only active one."),
        ("planDefinition", "string", "1", "The protocol, such as PlanDefinition/neck-pain-6x, on the type."),
        ("canonical", "canonical", "1", "The same by canonical URL."),
        ("practitioner", "string", "1", "The therapist: a Practitioner or PractitionerRole."),
        ("organization", "string", "1", "The clinic."),
        ("encounter", "string", "1", "The visit in which the plan is made."),
        ("bundled", "boolean", "1", "Whether to answer a transaction that creates the plan with Goals beside it."),
    ),
    "everything": (
        ("_type", "code", "*", "The resource types to return, each alone or several with commas; without it all."),
        ("_since", "instant", "1", "Only what was last updated then or later."),
        ("start", "date", "1", "Of what is about care at a time only what was given then or later."),
        ("end", "date", "1", "Of the same only what was given then or before."),
        ("_count", "integer", "1", "The most resources that belong to it on a page."),
    ),
    "necessity-packet": (),
    "outcome-measures": (
        ("periodStart", "string", "1", "The first month of a period of the deployment, such as 2026-01, or a year."),
        ("periodEnd", "string", "1", "Its last month, such as 2026-06, or the year."),
    ),
    "outcome-summary": (("asOf", "date", "1", "Only what was measured until then; without it all."),),
    "progress-report": (
        ("final", "boolean", "1", "Whether it is the final report rather than one on the way."),
        ("recommendation", "string", "*", "What the clinic recommends, in its own words."),
        ("file", "boolean", "1", "Whether to store it and offer it to the referrer; by POST only."),
    ),
    "record-session": (
        ("start", "dateTime", "1", "When the session began; required."),
        ("end", "dateTime", "1", "When it ended; this or minutes is required."),
        ("minutes", "integer", "1", "How long it lasted."),
        ("performer", "Reference", "1", "The therapist: a Practitioner or PractitionerRole; required."),
        (
            "technique",
            "CodeableConcept",
            "*",
            "What was done, also as a code of massage-technique; required.",
        ),
        ("region", "CodeableConcept", "*", "Where, also as a code of massage-body-site."),
        ("painBefore", "integer", "1", "Pain before the session, from 0 to 10."),
        ("painAfter", "integer", "1", "Pain right after it."),
        ("tolerance", "CodeableConcept", "1", "How the patient bore it, also as a text."),
        ("reaction", "CodeableConcept", "*", "Adverse reactions, of which the referrer is told."),
        ("finding", "string", "*", "What was found."),
        ("units", "integer", "1", "Timed units; refused where they are not those of the time."),
        ("identifier", "Identifier", "1", "Of the session: sent again with it, it is recorded once."),
        ("encounter", "Reference", "1", "The visit, where it is stored already."),
        ("appointment", "Reference", "1", "The booking, which the session fulfils."),
        ("questionnaireResponse", "QuestionnaireResponse", "1", "The check before the session, unless it is stored."),
        ("observation", "Observation", "*", "What else was measured."),
        ("nextAppointment", "string", "1", "The next visit, as parts: start, and end or minutes."),
    ),
    "reindex": (
        ("type", "code", "*", "A resource type to index anew."),
        ("parameter", "string", "*", "The code of a search parameter, whose types are indexed anew."),
    ),
    "visits": (),
}
_RETURNED: Final = {
    "apply": "CarePlan",
    "everything": "Bundle",
    "necessity-packet": "Bundle",
    "outcome-measures": "Parameters",
    "outcome-summary": "Parameters",
    "progress-report": "Bundle",
    "record-session": "Parameters",
    "reindex": "Parameters",
    "visits": "Parameters",
}


def _published(resource_type: str, logical_id: str, title: str, description: str) -> dict[str, Any]:
    narrative = f"<p><b>{escape(title)}</b></p><p>{escape(description)}</p>"
    return {
        "resourceType": resource_type,
        "id": logical_id,
        "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{narrative}</div>'},
        "url": "",
        "version": "1.0.0",
        "name": "".join(f"{part[0].upper()}{part[1:]}" for part in logical_id.split("-")),
        "title": title,
        "status": "active",
        "experimental": False,
        "date": _DATE,
        "publisher": "massage-fhir",
        "description": description,
    }
