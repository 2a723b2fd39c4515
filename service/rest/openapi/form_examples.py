"""What is sent to the operations on questionnaires, and what comes back."""

from __future__ import annotations

from typing import Any, Final

from service.fhir.outcome import CANONICAL

Json = dict[str, Any]

_NPRS: Final = f"{CANONICAL}/Questionnaire/nprs|1.0.0"
_ANSWERS: Final[Json] = {
    "resourceType": "QuestionnaireResponse",
    "questionnaire": _NPRS,
    "status": "completed",
    "subject": {"reference": "Patient/example"},
    "basedOn": [{"reference": "ServiceRequest/example"}],
    "authored": "2026-01-12T08:00:00Z",
    "item": [{"linkId": "pain", "answer": [{"valueInteger": 4}]}],
}
_SCORE: Final[Json] = {"unit": "{score}", "system": "http://unitsofmeasure.org", "code": "{score}"}
_RESPONSE: Final = "urn:uuid:01a20210-f17b-7ad7-883d-d8c5f1a43b89"
_OBSERVED: Final[Json] = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "72514-3"}]},
    "subject": {"reference": "Patient/example"},
    "basedOn": [{"reference": "ServiceRequest/example"}],
    "effectiveDateTime": "2026-01-12T08:00:00Z",
    "derivedFrom": [{"reference": _RESPONSE}],
    "valueQuantity": {"value": 4, **_SCORE},
}
_POPULATE: Final[Json] = {
    "resourceType": "Parameters",
    "parameter": [
        {"name": "questionnaire", "valueUri": f"{CANONICAL}/Questionnaire/nprs"},
        {"name": "subject", "valueReference": {"reference": "Patient/example"}},
        {"name": "local", "valueBoolean": True},
    ],
}
_BEGUN: Final[Json] = {
    "resourceType": "QuestionnaireResponse",
    "questionnaire": _NPRS,
    "status": "in-progress",
    "subject": {"reference": "Patient/example"},
    "authored": "2026-01-12T08:00:00.000Z",
    "item": [{"linkId": "pain-before", "answer": [{"valueInteger": 6}]}, {"linkId": "pain"}],
}
_ENTRIES: Final = [
    {
        "fullUrl": _RESPONSE,
        "resource": _ANSWERS,
        "request": {"method": "POST", "url": "QuestionnaireResponse"},
    },
    {
        "fullUrl": "urn:uuid:01a20210-f17b-7ad7-883d-d8c5f1a43b90",
        "resource": _OBSERVED,
        "request": {"method": "POST", "url": "Observation"},
    },
]


def _parameters(name: str, resource: Json) -> Json:
    return {"resourceType": "Parameters", "parameter": [{"name": name, "resource": resource}]}


FORM_EXAMPLES: Final[Json] = {
    "populate": {"summary": "For a patient, from what is held", "value": _POPULATE},
    "filled": {"summary": "What was rated last", "value": _parameters("response", _BEGUN)},
    "extract": {
        "summary": "Of a response that is not stored",
        "value": _parameters("questionnaire-response", _ANSWERS),
    },
    "extracted": {
        "summary": "The response and the score that it says",
        "value": _parameters("return", {"resourceType": "Bundle", "type": "transaction", "entry": _ENTRIES}),
    },
}
"""``components/examples`` of these operations."""
