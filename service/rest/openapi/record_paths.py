"""The paths of the operations on patients and referrals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.fhir.outcome import Category
from service.fhir.record_operations import RECORD_OPERATIONS
from service.operations.everything import TAKEN as EVERYTHING
from service.operations.match import TAKEN as MATCH
from service.rest.openapi.operation import ABSENT
from service.rest.openapi.operation_paths import Said, operation_paths, url_parameters

if TYPE_CHECKING:
    from service.fhir.conformance import Level, OperationClaim

Json = dict[str, Any]


def record_paths(resource_type: str) -> dict[str, Json]:
    """Path → path item of these operations; most types have none."""

    def say(_: OperationClaim, level: Level) -> Said:
        if level == "instance":
            return Said(
                about=f"of a {resource_type}",
                note="Follow the Bundle's `next` link for the next page.",
                body="Everything",
                answer="Searchset",
                in_url=url_parameters(EVERYTHING),
                failures=ABSENT,
            )
        return Said(
            about=f"a {resource_type}",
            body="Match",
            answer="Matches",
            in_url=None,
            beside_body=url_parameters(MATCH),
            failures=(Category.NOT_FOUND,),
        )

    return operation_paths(resource_type, RECORD_OPERATIONS.get(resource_type, ()), say)
