"""The operations on questionnaires that the service claims, for the CapabilityStatement and the OpenAPI document."""

from __future__ import annotations

from typing import Final

from service.fhir.conformance import OperationClaim

_SDC: Final = "http://hl7.org/fhir/uv/sdc/OperationDefinition"

FORM_OPERATIONS: Final[dict[str, tuple[OperationClaim, ...]]] = {
    "Questionnaire": (
        OperationClaim(
            name="populate",
            levels=("type", "instance"),
            definition=f"{_SDC}/Questionnaire-populate",
            documentation="A response to begin with, filled in by initial values, by initialExpression over the "
            "context and, with local=true, over the patient, and by observationLinkPeriod from the latest "
            "observations that the caller sees. Nothing is stored.",
        ),
    ),
    "QuestionnaireResponse": (
        OperationClaim(
            name="extract",
            levels=("type", "instance"),
            definition=f"{_SDC}/QuestionnaireResponse-extract",
            documentation="The Observations that a finished response says, by observation-based extraction, as a "
            "transaction for the client to send: each is derivedFrom the response. Nothing is stored.",
        ),
    ),
}
"""Resource type → its operations."""
