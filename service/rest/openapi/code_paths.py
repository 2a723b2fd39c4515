"""The paths of the operations on codes: what they take in a URL is computed from what the operations take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.code_operations import CODE_OPERATIONS
from service.fhir.outcome import Category
from service.operations.expand import TAKEN as EXPAND
from service.operations.lookup import TAKEN as LOOKUP
from service.operations.subsumes import TAKEN as SUBSUMES
from service.operations.translate import TAKEN as TRANSLATE
from service.operations.validate_code import TAKEN as VALIDATE_CODE
from service.rest.openapi.headers import request_headers
from service.rest.openapi.operation import ABSENT, BODY_UNREAD, component, operation
from service.rest.openapi.parameters import parameter_references

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.fhir.conformance import OperationClaim
    from service.operations.parameters import Taken

Json = dict[str, Any]

_TAKEN: Final[Mapping[tuple[str, str], Taken]] = {
    ("CodeSystem", "lookup"): LOOKUP,
    ("CodeSystem", "subsumes"): SUBSUMES,
    ("CodeSystem", "validate-code"): VALIDATE_CODE["CodeSystem"],
    ("ConceptMap", "translate"): TRANSLATE,
    ("ValueSet", "expand"): EXPAND,
    ("ValueSet", "validate-code"): VALIDATE_CODE["ValueSet"],
}
_SCHEMAS: Final[Mapping[str, Json]] = {
    "text": {"type": "string", "minLength": 1},
    "Reference": {"type": "string", "minLength": 1},
    "named": {"type": "string", "minLength": 1},
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer", "minimum": 0, "maximum": 2**31 - 1},
    "decimal": {"type": "number", "minimum": 0},
}
_FAILURES: Final = (*ABSENT[:1], Category.PRECONDITION, Category.RULE)


def code_paths(resource_type: str) -> dict[str, Json]:
    """Path → path item of the operations on codes that a type has; most have none."""
    items = {}
    for claim in CODE_OPERATIONS.get(resource_type, ()):
        for level in claim.levels:
            below = "/{id}" if level == "instance" else ""
            items[f"/{resource_type}{below}/${claim.name}"] = _item(resource_type, claim, level)
    return items


def _item(resource_type: str, claim: OperationClaim, level: str) -> Json:
    identifier = "".join(part.capitalize() for part in claim.name.split("-"))
    identifier = f"{identifier[0].lower()}{identifier[1:]}{resource_type}{'Instance' if level == 'instance' else ''}"
    answer = "Expansion" if claim.name == "expand" else "Codes"
    summary = f"${claim.name} {'an instance' if level == 'instance' else 'by canonical URL'}"
    described = f"{claim.documentation} {claim.definition}"
    answers = {"200": component("responses", answer)}
    shared = [
        *parameter_references(*(("id",) if level == "instance" else ()), "_format", "_pretty"),
        *request_headers("X-Request-Id"),
    ]
    return {
        "parameters": shared,
        "get": operation(
            f"{identifier}ByGet",
            resource_type,
            summary,
            description=described,
            parameters=url_parameters(_TAKEN[resource_type, claim.name]),
            answers=answers,
            failures=_FAILURES,
        ),
        "post": operation(
            identifier,
            resource_type,
            f"{summary}, with Parameters",
            description=described,
            body=component("requestBodies", "Codes"),
            answers=answers,
            failures=(*_FAILURES, *BODY_UNREAD),
        ),
    }


def url_parameters(taken: Taken) -> list[Json]:
    """What fits into a URL."""
    found: list[Json] = []
    for name, kind in taken.kinds.items():
        schema = _SCHEMAS.get(kind)
        if schema is not None:
            repeats = name in taken.repeating
            found.append(
                {
                    "name": name,
                    "in": "query",
                    "description": "Any number of times." if repeats else "At most once.",
                    "schema": {"type": "array", "items": schema} if repeats else schema,
                }
            )
    return found
