"""Code systems of this service that several packages speak of; `catalogue` makes them."""

from __future__ import annotations

from typing import Final

from service.fhir.outcome import CANONICAL

TECHNIQUE: Final = f"{CANONICAL}/CodeSystem/massage-technique"
OUTCOME: Final = f"{CANONICAL}/CodeSystem/massage-outcome"
CONTRAINDICATION: Final = f"{CANONICAL}/CodeSystem/contraindication"
STATUS_REASON: Final = f"{CANONICAL}/CodeSystem/referral-status-reason"
QUALIFICATION: Final = f"{CANONICAL}/CodeSystem/therapist-qualification"
