"""The operations on patients and referrals that the service claims, for the CapabilityStatement and OpenAPI."""

from __future__ import annotations

from typing import Final

from service.fhir.conformance import OperationClaim
from service.fhir.outcome import CANONICAL
from service.fhir.sight import REFERRAL

_R4: Final = "http://hl7.org/fhir/OperationDefinition"

RECORD_OPERATIONS: Final[dict[str, tuple[OperationClaim, ...]]] = {
    "Patient": (
        OperationClaim(
            name="everything",
            levels=("instance",),
            definition=f"{_R4}/Patient-everything",
            documentation="The patient and the compartment, and what these refer to of the directory, devices and "
            "medications, as far as the client sees it and may read it.",
        ),
        OperationClaim(
            name="match",
            levels=("type",),
            definition=f"{_R4}/Patient-match",
            documentation="The patients that may be the one that is sent, with a score and a grade, the likeliest "
            "first. Certain is nobody without a shared identifier.",
        ),
    ),
    REFERRAL: (
        OperationClaim(
            name="everything",
            levels=("instance",),
            definition=f"{CANONICAL}/OperationDefinition/{REFERRAL}-everything",
            documentation="The whole episode of a referral in one answer: the referral, all that belongs to it, and "
            "what these refer to of the directory, as far as the client sees it and may read it.",
        ),
    ),
}
"""Resource type → its operations."""
