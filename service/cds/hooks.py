"""The services that are offered, on which hooks, and the data that they ask to be prefetched.

https://cds-hooks.hl7.org/2.0/#discovery. All three entries are one service with one id, so that an EHR replaces the
cards of an earlier hook by those of a later one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.code_systems import LOINC, SNOMED

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVICE: Final = "massage-safety"
PLACE: Final = "/cds-services"
VERSION: Final = "2.0"

HOOKS: Final[Mapping[str, str]] = {
    "order-select": "draftOrders",
    "order-sign": "draftOrders",
    "appointment-book": "appointments",
}
"""Hook → the element of its context that holds the Bundle of what is ordered or booked."""

_PATIENT: Final = "patient={{context.patientId}}"
_READINGS: Final = ",".join(f"{LOINC}|{code}" for code in ("8310-5", "85354-9", "8480-6", "8462-4", "777-3"))
"""Temperature, blood pressure, its parts, and platelets."""

PREFETCH: Final[Mapping[str, str]] = {
    "conditions": f"Condition?{_PATIENT}",
    "medications": f"MedicationRequest?{_PATIENT}&status=active",
    "statements": f"MedicationStatement?{_PATIENT}&status=active,intended",
    "allergies": f"AllergyIntolerance?{_PATIENT}",
    "readings": f"Observation?{_PATIENT}&code={_READINGS}&_sort=-date&_count=20",
    "procedures": f"Procedure?{_PATIENT}&_sort=-date&_count=20",
    "referrals": f"ServiceRequest?{_PATIENT}&code={SNOMED}|387854002&status=active",
}
"""Prefetch key → template.

Conditions are asked for whatever their status: one without a status counts, and would not be found by it.
"""

ESSENTIAL: Final = "conditions"
"""Without these no answer is given: nothing found would seem to say something."""


def type_of(key: str) -> str:
    """The resource type that a prefetch key asks for."""
    return PREFETCH[key].partition("?")[0]


def offered() -> dict[str, Any]:
    """The answer of the discovery endpoint."""
    return {"services": [_entry(hook) for hook in HOOKS]}


def _entry(hook: str) -> dict[str, Any]:
    return {
        "hook": hook,
        "id": SERVICE,
        "title": "Safety of medical massage",
        "description": "Shows what speaks against medical massage for a patient: absolute and relative "
        "contraindications, techniques and regions to avoid, similar referrals.",
        "prefetch": dict(PREFETCH),
        "usageRequirements": f"Needs the prefetch key {ESSENTIAL}, or fhirServer with fhirAuthorization. "
        "The rules must be signed off by a licensed clinician before clinical use.",
        "version": VERSION,
    }
