"""What is sent to the operations that answer with documents, and what comes back."""

from __future__ import annotations

from typing import Any, Final

Json = dict[str, Any]

_REPORT: Final[Json] = {
    "resourceType": "Parameters",
    "parameter": [
        {"name": "recommendation", "valueString": "Four more sessions, one a week, then exercises at home."},
        {"name": "file", "valueBoolean": False},
    ],
}
_PACKET: Final[Json] = {"resourceType": "Parameters"}
_URL: Final = "urn:uuid:019af0c5-3c00-7000-8000-000000000001"
_DOCUMENT: Final[Json] = {
    "resourceType": "Bundle",
    "identifier": {"system": "urn:ietf:rfc:3986", "value": _URL},
    "type": "document",
    "timestamp": "2026-03-01T12:00:00.000Z",
    "entry": [
        {
            "fullUrl": _URL,
            "resource": {
                "resourceType": "Composition",
                "status": "preliminary",
                "type": {"coding": [{"system": "http://loinc.org", "code": "11506-3", "display": "Progress note"}]},
                "date": "2026-03-01T12:00:00.000Z",
                "author": [{"display": "The clinic"}],
                "title": "Progress report",
                "section": [
                    {
                        "title": "Summary and recommendation",
                        "text": {
                            "status": "generated",
                            "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>Pain, numeric rating from 0 to 10: '
                            "improved; the goal is met.</p></div>",
                        },
                    }
                ],
            },
        }
    ],
}
DOCUMENT_EXAMPLES: Final[Json] = {
    "progress-report": {"summary": "With a recommendation, not filed", "value": _REPORT},
    "necessity-packet": {"summary": "It takes no parameters", "value": _PACKET},
    "document": {"summary": "A document, shortened", "value": _DOCUMENT},
}
"""``components/examples`` of these operations."""
