"""The paths of the operations that answer with documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.document_operations import DOCUMENT_OPERATIONS
from service.fhir.outcome import Category
from service.loop.necessity_packet import TAKEN as NECESSITY_PACKET
from service.loop.progress_report import TAKEN as PROGRESS_REPORT
from service.rest.openapi.code_paths import url_parameters
from service.rest.openapi.headers import request_headers
from service.rest.openapi.operation import ABSENT, BODY_UNREAD, component, operation
from service.rest.openapi.parameters import parameter_references

if TYPE_CHECKING:
    from service.fhir.conformance import OperationClaim

Json = dict[str, Any]

_FAILURES: Final = (*ABSENT, Category.RULE)
_WRITING: Final = (Category.PRECONDITION, Category.CONFLICT)
_NAMES: Final = {"progress-report": "progressReport", "necessity-packet": "necessityPacket"}
_BODIES: Final = {"progress-report": "ProgressReport", "necessity-packet": "NecessityPacket"}
_TAKEN: Final = {"progress-report": PROGRESS_REPORT, "necessity-packet": NECESSITY_PACKET}


def document_paths(resource_type: str) -> dict[str, Json]:
    """Path → path item of these operations; most types have none."""
    claims = DOCUMENT_OPERATIONS.get(resource_type, ())
    return {f"/{resource_type}/{{id}}/${claim.name}": _item(resource_type, claim) for claim in claims}


def _item(resource_type: str, claim: OperationClaim) -> Json:
    described = f"{claim.documentation} {claim.definition}"
    answers = {"200": component("responses", "Document")}
    name = f"{_NAMES[claim.name]}{resource_type}"
    summary = f"${claim.name} of a {resource_type}"
    stores = _WRITING if claim.name == "progress-report" else ()
    return {
        "parameters": [
            *parameter_references("id", "_format", "_pretty"),
            *request_headers("X-Request-Id", "X-Break-Glass"),
        ],
        "get": operation(
            f"{name}ByGet",
            resource_type,
            summary,
            description=described,
            parameters=[each for each in url_parameters(_TAKEN[claim.name]) if each["name"] != "file"],
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
            failures=tuple(dict.fromkeys((*_FAILURES, *BODY_UNREAD, *stores))),
        ),
    }
