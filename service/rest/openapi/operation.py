"""One OpenAPI operation, put together from references to the document's components."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.outcome import Category
from service.rest.openapi.errors import error_references

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Json = dict[str, Any]

ALWAYS_POSSIBLE: Final = (
    Category.INVALID,
    Category.UNAUTHENTICATED,
    Category.FORBIDDEN,
    Category.NOT_ACCEPTABLE,
    Category.MISDIRECTED,
    Category.THROTTLED,
    Category.FAULT,
    Category.UNAVAILABLE,
)
"""How any interaction can fail."""

ABSENT: Final = (Category.NOT_FOUND, Category.GONE)
BODY_UNREAD: Final = (Category.REQUEST_TIMEOUT, Category.TOO_LARGE, Category.MEDIA_TYPE)
BODY_REFUSED: Final = (*BODY_UNREAD, Category.RULE)
CHANGE_REFUSED: Final = (Category.CONFLICT, Category.PRECONDITION, Category.PRECONDITION_REQUIRED)


def component(section: str, name: str) -> Json:
    """A `$ref` to a component of the document."""
    return {"$ref": f"#/components/{section}/{name}"}


def operation(
    identifier: str,
    tag: str,
    summary: str,
    *,
    description: str = "",
    parameters: Iterable[Json] = (),
    body: Json | None = None,
    answers: Mapping[str, Json],
    failures: Iterable[Category] = (),
) -> Json:
    """An operation; `answers` are its successes by status, `failures` what it can fail by besides `ALWAYS_POSSIBLE`."""
    described: Json = {"operationId": identifier, "tags": [tag], "summary": summary}
    if description:
        described["description"] = description
    if listed := list(parameters):
        described["parameters"] = listed
    if body is not None:
        described["requestBody"] = body
    described["responses"] = {**answers, **error_references((*ALWAYS_POSSIBLE, *failures))}
    return described
