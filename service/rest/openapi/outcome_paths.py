"""The paths of the operations on what was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.outcome import Category
from service.fhir.outcome_operations import OUTCOME_OPERATIONS
from service.loop.outcome_measures import TAKEN as OUTCOME_MEASURES
from service.loop.outcome_summary import TAKEN as OUTCOME_SUMMARY
from service.operations.observations import MOST_FOUND
from service.operations.stats import TAKEN as STATS
from service.rest.openapi.operation import ABSENT
from service.rest.openapi.operation_paths import Said, operation_paths, url_parameters

if TYPE_CHECKING:
    from service.fhir.conformance import Level, OperationClaim
    from service.rest.openapi.search_parameters import SearchParameters

Json = dict[str, Any]

_MOST: Final[Json] = {
    "name": "max",
    "in": "query",
    "description": "The most observations of each code; more where several were made at the same time.",
    "schema": {"type": "integer", "minimum": 1, "maximum": MOST_FOUND, "default": 1},
}
_TAKEN: Final = {"outcome-measures": OUTCOME_MEASURES, "outcome-summary": OUTCOME_SUMMARY, "stats": STATS}
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


def outcome_paths(resource_type: str, search: SearchParameters) -> dict[str, Json]:
    """Path → path item of these operations; most types have none."""

    def say(claim: OperationClaim, level: Level) -> Said:
        is_lastn = claim.name == "lastn"
        return Said(
            about=f"of a {resource_type}" if level == "instance" else f"of {resource_type}s",
            body=_BODIES[claim.name],
            answer=_ANSWERS[claim.name],
            in_url=[_MOST, *search.references(resource_type)] if is_lastn else url_parameters(_TAKEN[claim.name]),
            failures=(*(ABSENT if level == "instance" else ()), Category.RULE),
        )

    return operation_paths(resource_type, OUTCOME_OPERATIONS.get(resource_type, ()), say)
