"""The paths of the operations on what was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.outcome import Category
from service.fhir.outcome_operations import OUTCOME_OPERATIONS
from service.loop.outcome_measures import TAKEN as OUTCOME_MEASURES
from service.loop.outcome_summary import TAKEN as OUTCOME_SUMMARY
from service.operations.observations import MOST_FOUND
from service.operations.stats import TAKEN as STATS
from service.rest.openapi.code_paths import url_parameters
from service.rest.openapi.headers import request_headers
from service.rest.openapi.operation import ABSENT, BODY_UNREAD, component, operation
from service.rest.openapi.parameters import parameter_references

if TYPE_CHECKING:
    from service.fhir.conformance import OperationClaim
    from service.rest.openapi.search_parameters import SearchParameters

Json = dict[str, Any]

_FAILURES: Final = (Category.RULE,)
_MOST: Final[Json] = {
    "name": "max",
    "in": "query",
    "description": "The most observations of each code; more where several were made at the same time.",
    "schema": {"type": "integer", "minimum": 1, "maximum": MOST_FOUND, "default": 1},
}
_IDENTIFIERS: Final = {
    "lastn": "lastn",
    "outcome-measures": "outcomeMeasures",
    "outcome-summary": "outcomeSummary",
    "stats": "stats",
}
_BODIES: Final = {
    "lastn": "Lastn",
    "outcome-measures": "OutcomeMeasures",
    "outcome-summary": "OutcomeSummary",
    "stats": "Stats",
}
_ANSWERS: Final = {
    "lastn": "Searchset",
    "outcome-measures": "Account",
    "outcome-summary": "Outcomes",
    "stats": "Statistics",
}
_TAKEN: Final = {"outcome-measures": OUTCOME_MEASURES, "outcome-summary": OUTCOME_SUMMARY, "stats": STATS}


def outcome_paths(resource_type: str, search: SearchParameters) -> dict[str, Json]:
    """Path → path item of these operations; most types have none."""
    items = {}
    for claim in OUTCOME_OPERATIONS.get(resource_type, ()):
        below = "/{id}" if claim.levels == ("instance",) else ""
        items[f"/{resource_type}{below}/${claim.name}"] = _item(resource_type, claim, search)
    return items


def _item(resource_type: str, claim: OperationClaim, search: SearchParameters) -> Json:
    is_instance = claim.levels == ("instance",)
    described = f"{claim.documentation} {claim.definition}"
    answers = {"200": component("responses", _ANSWERS[claim.name])}
    failures = (*(ABSENT if is_instance else ()), *_FAILURES)
    name = f"{_IDENTIFIERS[claim.name]}{resource_type}"
    summary = f"${claim.name} of {'a ' if is_instance else ''}{resource_type}{'' if is_instance else 's'}"
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
            parameters=_parameters(resource_type, claim.name, search),
            answers=answers,
            failures=failures,
        ),
        "post": operation(
            name,
            resource_type,
            f"{summary}, with Parameters",
            description=described,
            body=component("requestBodies", _BODIES[claim.name]),
            answers=answers,
            failures=tuple(dict.fromkeys((*failures, *BODY_UNREAD))),
        ),
    }


def _parameters(resource_type: str, name: str, search: SearchParameters) -> list[Json]:
    if name == "lastn":
        return [_MOST, *search.references(resource_type)]
    return url_parameters(_TAKEN[name])
