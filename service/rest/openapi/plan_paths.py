"""The paths of the operations on protocols."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.outcome import Category
from service.fhir.plan_operations import PLAN_OPERATIONS
from service.loop.apply import TAKEN as APPLY
from service.rest.openapi.code_paths import url_parameters
from service.rest.openapi.headers import request_headers
from service.rest.openapi.operation import BODY_UNREAD, component, operation
from service.rest.openapi.parameters import parameter_references

if TYPE_CHECKING:
    from service.fhir.conformance import OperationClaim

Json = dict[str, Any]

_FAILURES: Final = (Category.NOT_FOUND, Category.RULE)


def plan_paths(resource_type: str) -> dict[str, Json]:
    """Path → path item of these operations; most types have none."""
    items = {}
    for claim in PLAN_OPERATIONS.get(resource_type, ()):
        for level in claim.levels:
            below = "/{id}" if level == "instance" else ""
            items[f"/{resource_type}{below}/${claim.name}"] = _item(resource_type, claim, is_instance=bool(below))
    return items


def _item(resource_type: str, claim: OperationClaim, *, is_instance: bool) -> Json:
    described = f"{claim.documentation} {claim.definition}"
    answers = {"200": component("responses", "Draft")}
    name = f"{claim.name}{resource_type}{'Instance' if is_instance else ''}"
    summary = f"${claim.name} {'an instance' if is_instance else 'one by name'}"
    return {
        "parameters": [
            *parameter_references(*(("id",) if is_instance else ()), "_format", "_pretty"),
            *request_headers("X-Request-Id", "X-Break-Glass"),
        ],
        "get": operation(
            f"{name}ByGet",
            resource_type,
            summary,
            description=described,
            parameters=url_parameters(APPLY),
            answers=answers,
            failures=_FAILURES,
        ),
        "post": operation(
            name,
            resource_type,
            f"{summary}, with Parameters",
            description=described,
            body=component("requestBodies", "Apply"),
            answers=answers,
            failures=tuple(dict.fromkeys((*_FAILURES, *BODY_UNREAD))),
        ),
    }
