"""The paths of the operations on questionnaires."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.form_operations import FORM_OPERATIONS
from service.fhir.outcome import Category
from service.loop.extract import TAKEN as EXTRACT
from service.loop.populate import TAKEN as POPULATE
from service.rest.openapi.code_paths import url_parameters
from service.rest.openapi.headers import request_headers
from service.rest.openapi.operation import BODY_UNREAD, component, operation
from service.rest.openapi.parameters import parameter_references

if TYPE_CHECKING:
    from service.fhir.conformance import OperationClaim

Json = dict[str, Any]

_FAILURES: Final = (Category.NOT_FOUND, Category.RULE)
_TAKEN: Final = {"extract": EXTRACT, "populate": POPULATE}
_BODIES: Final = {"extract": "Extract", "populate": "Populate"}
_ANSWERS: Final = {"extract": "Extracted", "populate": "Filled"}
_WHAT: Final = {"extract": "a response", "populate": "a questionnaire"}


def form_paths(resource_type: str) -> dict[str, Json]:
    """Path → path item of these operations; most types have none."""
    items = {}
    for claim in FORM_OPERATIONS.get(resource_type, ()):
        for level in claim.levels:
            below = "/{id}" if level == "instance" else ""
            items[f"/{resource_type}{below}/${claim.name}"] = _item(resource_type, claim, is_instance=bool(below))
    return items


def _item(resource_type: str, claim: OperationClaim, *, is_instance: bool) -> Json:
    described = f"{claim.documentation} {claim.definition}"
    answers = {"200": component("responses", _ANSWERS[claim.name])}
    name = f"{claim.name}{resource_type}{'Instance' if is_instance else ''}"
    summary = f"${claim.name} {_WHAT[claim.name] if is_instance else 'what is named or sent'}"
    item = {
        "parameters": [
            *parameter_references(*(("id",) if is_instance else ()), "_format", "_pretty"),
            *request_headers("X-Request-Id", "X-Break-Glass"),
        ],
        "get": operation(
            f"{name}ByGet",
            resource_type,
            summary,
            description=described,
            parameters=url_parameters(_TAKEN[claim.name]),
            answers=answers,
            failures=_FAILURES,
        ),
        "post": operation(
            name,
            resource_type,
            f"{summary}, with Parameters",
            description=described,
            body=component("requestBodies", _BODIES[claim.name]),
            answers=answers,
            failures=tuple(dict.fromkeys((*_FAILURES, *BODY_UNREAD))),
        ),
    }
    if claim.name == "extract" and not is_instance:
        # a response does not fit into a URL
        del item["get"]
    return item
