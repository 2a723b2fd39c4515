"""What is sent to the operations on visits and sessions, and what comes back."""

from __future__ import annotations

from typing import Any, Final

Json = dict[str, Any]

_TRIGGER_POINT: Final[Json] = {"text": "Trigger point therapy"}
_SESSION: Final[Json] = {
    "resourceType": "Parameters",
    "parameter": [
        {"name": "identifier", "valueIdentifier": {"system": "https://clinic.example.org/sessions", "value": "17"}},
        {"name": "start", "valueDateTime": "2026-01-12T09:00:00Z"},
        {"name": "minutes", "valueInteger": 60},
        {"name": "performer", "valueReference": {"reference": "Practitioner/therapist"}},
        {"name": "technique", "valueCode": "trigger-point"},
        {"name": "technique", "valueCode": "myofascial-release"},
        {"name": "region", "valueCode": "52612000"},
        {"name": "painBefore", "valueInteger": 6},
        {"name": "painAfter", "valueInteger": 3},
        {"name": "tolerance", "valueString": "Well"},
        {"name": "finding", "valueString": "Tight on the left."},
        {
            "name": "nextAppointment",
            "part": [
                {"name": "start", "valueDateTime": "2099-01-19T09:00:00Z"},
                {"name": "minutes", "valueInteger": 60},
            ],
        },
    ],
}
_RECORDED: Final[Json] = {
    "resourceType": "Parameters",
    "parameter": [
        {"name": "recorded", "valueBoolean": True},
        {"name": "encounter", "valueReference": {"reference": "Encounter/1"}},
        {"name": "session", "valueReference": {"reference": "Procedure/1"}},
        {"name": "technique", "valueReference": {"reference": "Procedure/2"}},
        {"name": "painBefore", "valueReference": {"reference": "Observation/1"}},
        {"name": "painAfter", "valueReference": {"reference": "Observation/2"}},
        {"name": "nextAppointment", "valueReference": {"reference": "Appointment/2"}},
        {"name": "minutes", "valueInteger": 60},
        {"name": "units", "valueUnsignedInt": 4},
    ],
}
_NOTHING: Final[Json] = {"resourceType": "Parameters"}
_VISITS: Final[Json] = {
    "resourceType": "Parameters",
    "parameter": [
        {"name": "ordered", "valueUnsignedInt": 6},
        {"name": "authorised", "valueUnsignedInt": 4},
        {"name": "booked", "valueUnsignedInt": 1},
        {"name": "completed", "valueUnsignedInt": 1},
        {"name": "noShow", "valueUnsignedInt": 0},
        {"name": "remaining", "valueUnsignedInt": 3},
        {"name": "unbooked", "valueUnsignedInt": 2},
        {
            "name": "authorisation",
            "part": [
                {"name": "visits", "valueUnsignedInt": 4},
                {"name": "number", "valueString": "AUTH-4"},
                {"name": "source", "valueReference": {"reference": "ClaimResponse/1"}},
            ],
        },
        {
            "name": "progressReport",
            "part": [
                {"name": "due", "valueBoolean": False},
                {"name": "sessions", "valueUnsignedInt": 1},
                {"name": "afterSessions", "valueUnsignedInt": 6},
                {"name": "dueOn", "valueInstant": "2026-02-11T09:00:00.000Z"},
            ],
        },
        {
            "name": "session",
            "part": [
                {"name": "session", "valueReference": {"reference": "Procedure/1"}},
                {"name": "start", "valueInstant": "2026-01-12T09:00:00.000Z"},
                {"name": "end", "valueInstant": "2026-01-12T10:00:00.000Z"},
                {"name": "minutes", "valueInteger": 60},
                {"name": "units", "valueUnsignedInt": 4},
                {"name": "technique", "valueCodeableConcept": _TRIGGER_POINT},
                {"name": "painBefore", "valueDecimal": 6},
                {"name": "painAfter", "valueDecimal": 3},
            ],
        },
    ],
}
SESSION_EXAMPLES: Final[Json] = {
    "record-session": {"summary": "An hour, with the next visit", "value": _SESSION},
    "recorded-session": {"summary": "What was made", "value": _RECORDED},
    "visits": {"summary": "It takes no parameters", "value": _NOTHING},
    "visits.answer": {"summary": "Four of six visits are authorised", "value": _VISITS},
}
"""``components/examples`` of these operations."""
