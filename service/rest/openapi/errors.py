"""Error answers: one reusable response per HTTP status, with an example for every error code that has the status."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from service.fhir.outcome import ERROR_CODES, Category, Issue, operation_outcome
from service.rest.openapi.error_examples import EXAMPLES
from service.rest.openapi.headers import response_headers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.fhir.outcome import ErrorCode

PAGE: Final[dict[str, Any]] = {"text/html": {"schema": {"type": "string"}}}
"""The content of an answer that a browser is shown, in the place of JSON."""

_RETRIED: Final = (Category.THROTTLED, Category.UNAVAILABLE)
_ABOUT_TOKENS: Final = (Category.UNAUTHENTICATED, Category.FORBIDDEN)


def component_name(category: Category) -> str:
    """The name of the reusable response of a category, such as ``NotFound``."""
    return "".join(word.capitalize() for word in category.name.split("_"))


def error_responses() -> dict[str, Any]:
    """``components/responses`` for every category that an error code has."""
    return {component_name(category): _response(category) for category in Category if _codes(category)}


def error_example_components() -> dict[str, Any]:
    """``components/examples``: an OperationOutcome for every error code of the catalogue."""
    return {_example_name(row): {"summary": row.meaning, "value": _outcome(row)} for row in ERROR_CODES.values()}


def error_references(categories: Iterable[Category]) -> dict[str, Any]:
    """``responses`` of an operation that can fail in these ways, by status."""
    ordered = sorted(set(categories), key=lambda category: category.status)
    return {
        str(category.status): {"$ref": f"#/components/responses/{component_name(category)}"}
        for category in ordered
        if _codes(category)
    }


def error_table() -> str:
    """The whole catalogue of error codes as a Markdown table that a page can fold away."""
    rows = [
        f"| `{row.code}` | {row.category.status} | `{row.issue_type}` | {row.meaning} |" for row in ERROR_CODES.values()
    ]
    head = ["<details><summary>All error codes</summary>", "", "| error code | status | issue type | meaning |"]
    return "\n".join([*head, "| --- | --- | --- | --- |", *rows, "", "</details>"])


def _codes(category: Category) -> list[ErrorCode]:
    return [row for row in ERROR_CODES.values() if row.category is category]


def _response(category: Category) -> dict[str, Any]:
    codes = _codes(category)
    names = ("X-Request-Id", "Retry-After") if category in _RETRIED else ("X-Request-Id",)
    if category in _ABOUT_TOKENS:
        names = (*names, "WWW-Authenticate")
    if category is Category.NOT_ALLOWED:
        names = (*names, "Allow")
    if category is Category.MEDIA_TYPE:
        names = (*names, "Accept-Patch")
    listed = ", ".join(f"`{row.code}`" for row in codes)
    content = {
        "schema": {"$ref": "#/components/schemas/OperationOutcome"},
        "examples": {row.code: {"$ref": f"#/components/examples/{_example_name(row)}"} for row in codes},
    }
    return {
        "description": f"{HTTPStatus(category.status).phrase}. Error codes: {listed}.",
        "headers": response_headers(*names),
        "content": {"application/fhir+json": content, "application/json": content} | PAGE,
    }


def _example_name(row: ErrorCode) -> str:
    return f"error.{row.code}"


def _outcome(row: ErrorCode) -> dict[str, Any]:
    diagnostics, *expression = EXAMPLES.get(row.code, (row.meaning,))
    return operation_outcome([Issue(code=row.code, diagnostics=diagnostics, expression=tuple(expression))])
