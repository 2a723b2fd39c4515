"""The one way in which tests look at a refusal: its status, its error code and where it points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.fhir.outcome import ERROR_CODES, ERROR_SYSTEM

if TYPE_CHECKING:
    import httpx


def assert_outcome(response: httpx.Response, status: int, code: str, expression: str | None = None) -> dict[str, Any]:
    """Check that `response` is an OperationOutcome with an error issue of `code`, and return that issue.

    `expression`, when given, must be among the issue's expressions. Every issue must be one that a client can act on:
    a severity, a FHIR issue type, a sentence and a code out of the catalogue.
    """
    assert response.status_code == status, f"{response.status_code} instead of {status}: {response.text}"
    assert response.headers["content-type"].startswith(("application/fhir+json", "application/json"))
    assert response.headers.get("x-request-id"), "every answer names its request id"
    outcome = response.json()
    assert outcome["resourceType"] == "OperationOutcome", outcome
    found = [issue for issue in outcome["issue"] if _error_code(issue) == code]
    assert found, f"no issue with the code {code}: {outcome}"
    for issue in outcome["issue"]:
        _assert_actionable(issue)
    if expression is None:
        return dict(found[0])
    pointing = [issue for issue in found if expression in issue.get("expression", ())]
    assert pointing, f"no {code} issue points at {expression}: {outcome}"
    return dict(pointing[0])


def _error_code(issue: dict[str, Any]) -> str | None:
    codings = issue.get("details", {}).get("coding", ())
    return next((coding["code"] for coding in codings if coding["system"] == ERROR_SYSTEM), None)


def _assert_actionable(issue: dict[str, Any]) -> None:
    assert issue["severity"] in {"fatal", "error", "warning", "information"}, issue
    assert issue["diagnostics"].strip(), issue
    code = _error_code(issue)
    if code is not None:
        assert code in ERROR_CODES, f"{code} is not in the catalogue of errors"
