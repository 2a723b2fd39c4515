"""The operations on protocols that the service claims, for the CapabilityStatement and the OpenAPI document."""

from __future__ import annotations

from typing import Final

from service.fhir.conformance import OperationClaim
from service.fhir.outcome import CANONICAL

PLAN_OPERATIONS: Final[dict[str, tuple[OperationClaim, ...]]] = {
    "PlanDefinition": (
        OperationClaim(
            name="apply",
            levels=("type", "instance"),
            definition=f"{CANONICAL}/OperationDefinition/PlanDefinition-apply",
            documentation="The draft of a plan for a patient and a referral from a protocol that comes with the "
            "service, tailored to what is ordered, authorised and safe. R4's operation of that name, and beside it "
            "referral, canonical and bundled. Nothing is stored.",
        ),
    ),
}
"""Resource type → its operations."""
