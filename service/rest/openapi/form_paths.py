"""The paths of the operations on questionnaires."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.form_operations import FORM_OPERATIONS
from service.fhir.outcome import Category
from service.loop.extract import TAKEN as EXTRACT
from service.loop.populate import TAKEN as POPULATE
from service.rest.openapi.operation_paths import Said, operation_paths, url_parameters

if TYPE_CHECKING:
    from service.fhir.conformance import Level, OperationClaim

Json = dict[str, Any]

_FAILURES: Final = (Category.NOT_FOUND, Category.RULE)


def form_paths(resource_type: str) -> dict[str, Json]:
    """Path → path item of these operations; most types have none."""
    return operation_paths(resource_type, FORM_OPERATIONS.get(resource_type, ()), _said)


def _said(claim: OperationClaim, level: Level) -> Said:
    if claim.name == "populate":
        return Said(
            about="a questionnaire" if level == "instance" else "what is named or sent",
            body="Populate",
            answer="Filled",
            in_url=url_parameters(POPULATE),
            failures=_FAILURES if level == "instance" else (*_FAILURES, Category.PRECONDITION),
        )
    if level == "instance":
        about, in_url = "a response", url_parameters(EXTRACT)
    else:
        # a response does not fit into a URL
        about, in_url = "what is named or sent, with Parameters", None
    return Said(about=about, body="Extract", answer="Extracted", in_url=in_url, failures=_FAILURES)
