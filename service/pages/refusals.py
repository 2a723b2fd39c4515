"""An OperationOutcome in words. https://hl7.org/fhir/R4/operationoutcome.html"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from service.fhir.resource import Content

_SEVERITIES: Final = {"fatal": "Fault", "error": "Error", "warning": "Warning", "information": "Note"}
_TITLES: Final = {
    HTTPStatus.BAD_REQUEST: "The request is not right",
    HTTPStatus.UNAUTHORIZED: "Please identify yourself",
    HTTPStatus.FORBIDDEN: "This is not yours to see",
    HTTPStatus.NOT_FOUND: "There is nothing here",
    HTTPStatus.GONE: "This was deleted",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many requests",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong",
    HTTPStatus.SERVICE_UNAVAILABLE: "Not available right now",
}


class Problem(Struct, frozen=True, kw_only=True):
    """An issue: what is wrong, its stable code, and where."""

    severity: str
    text: str
    meaning: str
    code: str
    places: tuple[str, ...]


def title_of(status: int) -> str:
    """A heading for the answer's status."""
    named = _TITLES.get(HTTPStatus(status))
    return named or ("Result" if status < HTTPStatus.BAD_REQUEST else "The request was refused")


def problems_of(outcome: Content) -> list[Problem]:
    """The issues of an OperationOutcome, as far as it has the form of one."""
    return [_problem(each) for each in outcome.get("issue", ()) if isinstance(each, dict)]


def _problem(issue: Content) -> Problem:
    coding: Content = next(iter(issue.get("details", {}).get("coding", ())), {})
    meaning = str(coding.get("display", "") or issue.get("details", {}).get("text", ""))
    text = str(issue.get("diagnostics", "")) or meaning
    severity = str(issue.get("severity", ""))
    return Problem(
        severity=_SEVERITIES.get(severity, severity),
        text=text,
        meaning="" if meaning == text else meaning,
        code=str(coding.get("code") or issue.get("code", "")),
        places=tuple(str(each) for each in issue.get("expression", ())),
    )
