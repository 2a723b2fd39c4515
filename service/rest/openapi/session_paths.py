"""The paths of the operations on visits and sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.outcome import Category
from service.fhir.session_operations import SESSION_OPERATIONS
from service.rest.openapi.headers import request_headers
from service.rest.openapi.operation import ABSENT, BODY_UNREAD, component, operation
from service.rest.openapi.parameters import parameter_references

if TYPE_CHECKING:
    from service.fhir.conformance import OperationClaim

Json = dict[str, Any]

_FAILURES: Final = (*ABSENT, Category.RULE)
_RECORD: Final = "record-session"


def session_paths(resource_type: str) -> dict[str, Json]:
    """Path → path item of these operations; most types have none."""
    claims = SESSION_OPERATIONS.get(resource_type, ())
    return {f"/{resource_type}/{{id}}/${claim.name}": _item(resource_type, claim) for claim in claims}


def _item(resource_type: str, claim: OperationClaim) -> Json:
    described = f"{claim.documentation} {claim.definition}"
    shared = [*parameter_references("id", "_format", "_pretty"), *request_headers("X-Request-Id", "X-Break-Glass")]
    if claim.name == _RECORD:
        posted = operation(
            f"recordSession{resource_type}",
            resource_type,
            f"${claim.name} of a {resource_type}",
            description=described,
            body=component("requestBodies", "RecordSession"),
            answers={"200": component("responses", "RecordedSession")},
            failures=tuple(dict.fromkeys((*_FAILURES, *BODY_UNREAD, Category.CONFLICT, Category.PRECONDITION))),
        )
        return {"parameters": shared, "post": posted}
    answers = {"200": component("responses", "Visits")}
    summary = f"${claim.name} of a {resource_type}"
    return {
        "parameters": shared,
        "get": operation(
            f"visits{resource_type}ByGet",
            resource_type,
            summary,
            description=described,
            answers=answers,
            failures=_FAILURES,
        ),
        "post": operation(
            f"visits{resource_type}",
            resource_type,
            f"{summary}, with Parameters",
            description=described,
            body=component("requestBodies", "Visits"),
            answers=answers,
            failures=tuple(dict.fromkeys((*_FAILURES, *BODY_UNREAD))),
        ),
    }
