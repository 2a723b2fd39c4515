"""The paths of the operations on patients and referrals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.outcome import Category
from service.fhir.record_operations import RECORD_OPERATIONS
from service.operations.everything import TAKEN as EVERYTHING
from service.operations.match import TAKEN as MATCH
from service.rest.openapi.code_paths import url_parameters
from service.rest.openapi.headers import request_headers
from service.rest.openapi.operation import ABSENT, BODY_UNREAD, component, operation
from service.rest.openapi.parameters import parameter_references

if TYPE_CHECKING:
    from service.fhir.conformance import OperationClaim

Json = dict[str, Any]

_PAGED: Final = "Follow the Bundle's `next` link for the next page."
_MATCHED_FAILURES: Final = (*BODY_UNREAD, Category.NOT_FOUND)


def record_paths(resource_type: str) -> dict[str, Json]:
    """Path → path item of these operations; most types have none."""
    items = {}
    for claim in RECORD_OPERATIONS.get(resource_type, ()):
        if claim.levels == ("instance",):
            items[f"/{resource_type}/{{id}}/${claim.name}"] = _of_instance(resource_type, claim)
        else:
            items[f"/{resource_type}/${claim.name}"] = _of_type(resource_type, claim)
    return items


def _of_instance(resource_type: str, claim: OperationClaim) -> Json:
    described = f"{claim.documentation} {_PAGED} {claim.definition}"
    answers = {"200": component("responses", "Searchset")}
    return {
        "parameters": _shared("id"),
        "get": operation(
            f"{claim.name}{resource_type}ByGet",
            resource_type,
            f"${claim.name} of a {resource_type}",
            description=described,
            parameters=url_parameters(EVERYTHING),
            answers=answers,
            failures=ABSENT,
        ),
        "post": operation(
            f"{claim.name}{resource_type}",
            resource_type,
            f"${claim.name} of a {resource_type}, with Parameters",
            description=described,
            body=component("requestBodies", "Everything"),
            answers=answers,
            failures=(*ABSENT, *BODY_UNREAD),
        ),
    }


def _of_type(resource_type: str, claim: OperationClaim) -> Json:
    return {
        "parameters": _shared(),
        "post": operation(
            f"{claim.name}{resource_type}",
            resource_type,
            f"${claim.name} a {resource_type}",
            description=f"{claim.documentation} {claim.definition}",
            parameters=url_parameters(MATCH),
            body=component("requestBodies", "Match"),
            answers={"200": component("responses", "Matches")},
            failures=_MATCHED_FAILURES,
        ),
    }


def _shared(*names: str) -> list[Json]:
    return [*parameter_references(*names, "_format", "_pretty"), *request_headers("X-Request-Id", "X-Break-Glass")]
