"""The operations that answer with documents, for the CapabilityStatement and the OpenAPI document."""

from __future__ import annotations

from typing import Final

from service.fhir.conformance import OperationClaim
from service.fhir.outcome import CANONICAL
from service.fhir.sight import REFERRAL

DOCUMENT_OPERATIONS: Final[dict[str, tuple[OperationClaim, ...]]] = {
    "CarePlan": (
        OperationClaim(
            name="progress-report",
            levels=("instance",),
            definition=f"{CANONICAL}/OperationDefinition/CarePlan-progress-report",
            documentation="The report back to the referrer as a document Bundle: goals, the course of each measure "
            "with its chart, visits, sessions, what was done, and what the clinic recommends; its DiagnosticReport "
            "holds the same as HTML and as PDF. With final it is the final report. With file, which takes a POST, it "
            "is stored, put into the output of the referral's Task and offered to the referrer, in one commit; "
            "sent again with the same identifier, what was filed is answered and nothing is stored. After the final "
            "report no other is filed.",
        ),
    ),
    REFERRAL: (
        OperationClaim(
            name="necessity-packet",
            levels=("instance",),
            definition=f"{CANONICAL}/OperationDefinition/{REFERRAL}-necessity-packet",
            documentation="What a payer asks for, as a document Bundle with HTML and PDF: prescription, diagnoses, "
            "deficits and goals, plan, sessions with units and codes, outcomes, authorisation. It is complete, or an "
            "OperationOutcome in it says what is missing, and what would be accepted. Nothing is stored.",
        ),
    ),
}
"""Resource type → its operations."""
