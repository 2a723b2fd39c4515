"""The paths of the operations that answer with documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.document_operations import DOCUMENT_OPERATIONS
from service.fhir.outcome import Category
from service.loop.necessity_packet import TAKEN as NECESSITY_PACKET
from service.loop.progress_report import TAKEN as PROGRESS_REPORT
from service.rest.openapi.operation import ABSENT
from service.rest.openapi.operation_paths import Said, operation_paths, url_parameters

if TYPE_CHECKING:
    from service.fhir.conformance import Level, OperationClaim

Json = dict[str, Any]

_FAILURES: Final = (*ABSENT, Category.RULE)


def document_paths(resource_type: str) -> dict[str, Json]:
    """Path → path item of these operations; most types have none."""

    def say(claim: OperationClaim, _: Level) -> Said:
        about = f"of a {resource_type}"
        if claim.name == "necessity-packet":
            in_url = url_parameters(NECESSITY_PACKET)
            return Said(about=about, body="NecessityPacket", answer="Document", in_url=in_url, failures=_FAILURES)
        return Said(
            about=about,
            body="ProgressReport",
            answer="Document",
            # a GET stores nothing
            in_url=[each for each in url_parameters(PROGRESS_REPORT) if each["name"] != "file"],
            failures=_FAILURES,
            refusals=(Category.PRECONDITION, Category.CONFLICT),
        )

    return operation_paths(resource_type, DOCUMENT_OPERATIONS.get(resource_type, ()), say)
