"""The paths of the operations on visits and sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.outcome import Category
from service.fhir.session_operations import SESSION_OPERATIONS
from service.rest.openapi.operation import ABSENT
from service.rest.openapi.operation_paths import Said, operation_paths

if TYPE_CHECKING:
    from service.fhir.conformance import Level, OperationClaim

Json = dict[str, Any]

_FAILURES: Final = (*ABSENT, Category.RULE)


def session_paths(resource_type: str) -> dict[str, Json]:
    """Path → path item of these operations; most types have none."""

    def say(claim: OperationClaim, _: Level) -> Said:
        about = f"of a {resource_type}"
        if claim.name == "visits":
            return Said(about=about, body="Visits", answer="Visits", in_url=(), failures=_FAILURES)
        return Said(
            about=about,
            body="RecordSession",
            answer="RecordedSession",
            in_url=None,
            failures=_FAILURES,
            refusals=(Category.CONFLICT, Category.PRECONDITION),
        )

    return operation_paths(resource_type, SESSION_OPERATIONS.get(resource_type, ()), say)
