"""What is sent to the operations on protocols, and what comes back."""

from __future__ import annotations

from typing import Any, Final

from service.fhir.outcome import CANONICAL

Json = dict[str, Any]

_APPLY: Final[Json] = {
    "resourceType": "Parameters",
    "parameter": [
        {"name": "subject", "valueString": "Patient/example"},
        {"name": "referral", "valueString": "ServiceRequest/example"},
    ],
}
_DRAFT: Final[Json] = {
    "resourceType": "CarePlan",
    "contained": [
        {
            "resourceType": "Goal",
            "id": "goal-nprs",
            "lifecycleStatus": "proposed",
            "description": {"text": "Pain, numeric rating from 0 to 10: at most 5 points"},
            "subject": {"reference": "Patient/example"},
        }
    ],
    "instantiatesCanonical": [f"{CANONICAL}/PlanDefinition/low-back-pain-6x|1.0.0"],
    "status": "draft",
    "intent": "plan",
    "subject": {"reference": "Patient/example"},
    "addresses": [{"reference": "Condition/example"}],
    "supportingInfo": [{"reference": "ServiceRequest/example"}],
    "goal": [{"reference": "#goal-nprs"}],
    "note": [{"text": "Deep tissue massage is left out until a physician clears it: severe osteoporosis."}],
}
PLAN_EXAMPLES: Final[Json] = {
    "apply": {"summary": "For a patient and a referral", "value": _APPLY},
    "draft": {"summary": "A draft, shortened", "value": _DRAFT},
}
"""``components/examples`` of these operations."""
