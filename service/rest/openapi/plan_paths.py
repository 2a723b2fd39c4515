"""The paths of the operations on protocols."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.fhir.outcome import Category
from service.fhir.plan_operations import PLAN_OPERATIONS
from service.loop.apply import TAKEN as APPLY
from service.rest.openapi.operation_paths import Said, operation_paths, url_parameters

if TYPE_CHECKING:
    from service.fhir.conformance import Level, OperationClaim

Json = dict[str, Any]


def plan_paths(resource_type: str) -> dict[str, Json]:
    """Path → path item of these operations; most types have none."""
    return operation_paths(resource_type, PLAN_OPERATIONS.get(resource_type, ()), _said)


def _said(_: OperationClaim, level: Level) -> Said:
    return Said(
        about="an instance" if level == "instance" else "one by name",
        body="Apply",
        answer="Draft",
        in_url=url_parameters(APPLY),
        failures=(Category.NOT_FOUND, Category.RULE),
    )
