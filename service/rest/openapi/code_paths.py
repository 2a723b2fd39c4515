"""The paths of the operations on codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.code_operations import CODE_OPERATIONS
from service.fhir.outcome import Category
from service.operations.expand import TAKEN as EXPAND
from service.operations.lookup import TAKEN as LOOKUP
from service.operations.subsumes import TAKEN as SUBSUMES
from service.operations.translate import TAKEN as TRANSLATE
from service.operations.validate_code import TAKEN as VALIDATE_CODE
from service.rest.openapi.operation_paths import Said, operation_paths, url_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.fhir.conformance import Level, OperationClaim
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
_FAILURES: Final = (Category.NOT_FOUND, Category.PRECONDITION, Category.RULE)


def code_paths(resource_type: str) -> dict[str, Json]:
    """Path → path item of the operations on codes that a type has; most have none."""

    def say(claim: OperationClaim, level: Level) -> Said:
        return Said(
            about="an instance" if level == "instance" else "by canonical URL",
            body="Codes",
            answer="Expansion" if claim.name == "expand" else "Codes",
            in_url=url_parameters(_TAKEN[resource_type, claim.name]),
            failures=_FAILURES,
            headers=("X-Request-Id", "X-Correlation-Id"),
        )

    return operation_paths(resource_type, CODE_OPERATIONS.get(resource_type, ()), say)
