"""All operations on types and their instances that the service claims, beside those that every type has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.code_operations import CODE_OPERATIONS
from service.fhir.document_operations import DOCUMENT_OPERATIONS
from service.fhir.form_operations import FORM_OPERATIONS
from service.fhir.outcome_operations import OUTCOME_OPERATIONS
from service.fhir.plan_operations import PLAN_OPERATIONS
from service.fhir.record_operations import RECORD_OPERATIONS
from service.fhir.session_operations import SESSION_OPERATIONS

if TYPE_CHECKING:
    from service.fhir.conformance import OperationClaim

TYPE_OPERATIONS: Final[tuple[tuple[str, OperationClaim], ...]] = tuple(
    (resource_type, claim)
    for table in (
        CODE_OPERATIONS,
        RECORD_OPERATIONS,
        OUTCOME_OPERATIONS,
        PLAN_OPERATIONS,
        DOCUMENT_OPERATIONS,
        FORM_OPERATIONS,
        SESSION_OPERATIONS,
    )
    for resource_type, claims in table.items()
    for claim in claims
)
"""Resource types, each with an operation that it has."""


def operations_of(resource_type: str) -> tuple[OperationClaim, ...]:
    """Those of one type; most have none."""
    return tuple(claim for name, claim in TYPE_OPERATIONS if name == resource_type)
