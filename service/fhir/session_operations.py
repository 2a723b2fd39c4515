"""The operations on visits and sessions, for the CapabilityStatement and the OpenAPI document."""

from __future__ import annotations

from typing import Final

from service.fhir.conformance import OperationClaim
from service.fhir.outcome import CANONICAL
from service.fhir.sight import REFERRAL

SESSION_OPERATIONS: Final[dict[str, tuple[OperationClaim, ...]]] = {
    "CarePlan": (
        OperationClaim(
            name="record-session",
            levels=("instance",),
            definition=f"{CANONICAL}/OperationDefinition/CarePlan-record-session",
            documentation="Records a session in one commit: the visit, the session with its timed units, its "
            "techniques, pain before and after, tolerance, and the next visit; the count of sessions and the business "
            "status of the referral's Task follow. The same as posting the pieces. Sent again with the same "
            "identifier it is recorded once.",
        ),
    ),
    REFERRAL: (
        OperationClaim(
            name="visits",
            levels=("instance",),
            definition=f"{CANONICAL}/OperationDefinition/{REFERRAL}-visits",
            documentation="The visits that are ordered, authorised, booked, completed, missed and left; the payer's "
            "authorisations; when a progress report falls due; and the log of sessions, with others of the patient "
            "that overlap with one as far as the client sees them.",
        ),
    ),
}
"""Resource type → its operations."""
