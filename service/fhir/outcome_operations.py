"""The operations on what was measured that the service claims, for the CapabilityStatement and OpenAPI."""

from __future__ import annotations

from typing import Final

from service.fhir.conformance import OperationClaim
from service.fhir.outcome import CANONICAL
from service.fhir.sight import REFERRAL

_R4: Final = "http://hl7.org/fhir/OperationDefinition"

OUTCOME_OPERATIONS: Final[dict[str, tuple[OperationClaim, ...]]] = {
    "Observation": (
        OperationClaim(
            name="lastn",
            levels=("type",),
            definition=f"{_R4}/Observation-lastn",
            documentation="The latest observations of each code, by the criteria of a search, among them patient or "
            "subject, and category or a code. Unless a status is asked for, none that was entered in error or "
            "cancelled.",
        ),
        OperationClaim(
            name="stats",
            levels=("type",),
            definition=f"{_R4}/Observation-stats",
            documentation="Statistics of the quantities that a subject has of a code, one Observation for each code "
            "and kind of unit; all but skew, kurtosis and regression.",
        ),
    ),
    "Organization": (
        OperationClaim(
            name="outcome-measures",
            levels=("instance",),
            definition=f"{CANONICAL}/OperationDefinition/Organization-outcome-measures",
            documentation="What came of the referrals that a clinic was asked for in a period, as far as the caller "
            "sees them: how they ended, the time until they were accepted, missed visits, and per condition and "
            "technique who got better by which measure. Small groups, and what would give them away, are withheld.",
        ),
    ),
    REFERRAL: (
        OperationClaim(
            name="outcome-summary",
            levels=("instance",),
            definition=f"{CANONICAL}/OperationDefinition/{REFERRAL}-outcome-summary",
            documentation="Whether the patient gets better: for each measure of the episode its baseline, latest and "
            "best value, the change, whether it is a meaningful one and by which source, the goals, the series, and "
            "the same in words; the sessions; and what does not count, with the reason.",
        ),
    ),
}
"""Resource type → its operations."""
