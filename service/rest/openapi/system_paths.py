"""The paths of the system level: capabilities, Bundles, history and search of everything; and health."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.conformance import SYSTEM_OPERATIONS
from service.fhir.outcome import Category
from service.rest.openapi.errors import PAGE
from service.rest.openapi.headers import WHO_AND_WHY, request_headers, response_headers
from service.rest.openapi.operation import BODY_REFUSED, BODY_UNREAD, component, operation
from service.rest.openapi.parameters import SEARCH_RESULT_PARAMETERS, SHAPING, parameter_references

if TYPE_CHECKING:
    from service.rest.openapi.search_parameters import SearchParameters

Json = dict[str, Any]

SYSTEM: Final = "System"
HEALTH: Final = "Health"

_TEXT: Final = {"type": "string"}
_OUTSIDE_OF_BASE: Final = [{"url": "/", "description": "Health is outside of the FHIR base."}]


def system_paths(search: SearchParameters) -> dict[str, Json]:
    """Path → path item, for every address that is not below a resource type."""
    return {
        "/": _base(search),
        "/metadata": _metadata(),
        "/worklist": _work_list(),
        "/_history": _history(),
        "/_search": _search_by_post(),
        "/$reindex": _reindex(),
        "/health/live": _health("live", "Whether the process answers at all"),
        "/health/ready": _health("ready", "Whether the database can be reached and is up to date"),
    }


def _base(search: SearchParameters) -> Json:
    return _item(
        get=operation(
            "searchSystem",
            SYSTEM,
            "Search all types",
            description="By the parameters that every type has; at least one parameter is needed.",
            parameters=[
                *search.references(None),
                *parameter_references("_type", *SEARCH_RESULT_PARAMETERS),
                *request_headers("Prefer"),
            ],
            answers={"200": component("responses", "Searchset")},
            failures=[Category.NOT_FOUND],
        ),
        post=operation(
            "transaction",
            SYSTEM,
            "Process a transaction or batch",
            description="A transaction is all or nothing: entries refer to each other by `urn:uuid`, create "
            "conditionally with `ifNoneExist` and may be sent again. A batch answers each entry on its own.",
            parameters=request_headers("Prefer", "X-Provenance"),
            body=component("requestBodies", "Transaction"),
            answers={"200": component("responses", "TransactionResponse")},
            failures=(
                *BODY_REFUSED,
                Category.NOT_FOUND,
                Category.NOT_ALLOWED,
                Category.CONFLICT,
                Category.GONE,
                Category.PRECONDITION,
                Category.PRECONDITION_REQUIRED,
            ),
        ),
    )


def _metadata() -> Json:
    return _item(
        get=operation(
            "capabilities",
            SYSTEM,
            "What the service does",
            parameters=parameter_references("capabilities.mode", *SHAPING),
            answers={"200": component("responses", "Capabilities")},
        )
    )


def _work_list() -> Json:
    """A page, made of searches for Tasks, Appointments and Conditions, each in the caller's name."""
    answer = {"description": "The page.", "headers": response_headers("X-Request-Id"), "content": PAGE}
    return _item(
        get=operation(
            "workList",
            SYSTEM,
            "What needs attention today, for people",
            description="Referrals by what is to be done about them: held for safety, not screened, new, about to "
            "expire, with a report due, without visits left, missed; and today's visits. Lists of more than 100 go on "
            "by links. What it shows is found by searching Task, Appointment and Condition, which answer in JSON.",
            parameters=parameter_references("worklist.clinic", "worklist.show"),
            answers={"200": answer},
        )
    )


def _history() -> Json:
    return _item(
        get=operation(
            "historySystem",
            SYSTEM,
            "History of everything",
            description="Newest first, deletions included. Follow the Bundle's `next` link for the next page.",
            parameters=[*parameter_references("_since", "_at", "_count", *SHAPING), *request_headers("Prefer")],
            answers={"200": component("responses", "History")},
        )
    )


def _search_by_post() -> Json:
    return _item(
        post=operation(
            "searchSystemByPost",
            SYSTEM,
            "Search all types with the criteria in the body",
            parameters=request_headers("Prefer"),
            body=component("requestBodies", "System.search"),
            answers={"200": component("responses", "Searchset")},
            failures=BODY_UNREAD,
        )
    )


def _reindex() -> Json:
    (claim,) = SYSTEM_OPERATIONS
    return _item(
        get=operation(
            "reindexByGet",
            SYSTEM,
            "How far reindexes have come",
            description="The latest first. Search parameters that were stored can be used once theirs is completed.",
            answers={"200": component("responses", "Reindexes")},
        ),
        post=operation(
            claim.name,
            SYSTEM,
            "Ask for a reindex",
            description=f"{claim.documentation} Without a body it is of all types. The answer does not wait for it.",
            body=component("requestBodies", "Reindex"),
            answers={"202": component("responses", "Reindexes")},
            failures=BODY_UNREAD,
        ),
    )


def _health(name: str, summary: str) -> Json:
    properties = {"status": _TEXT, "version": _TEXT, "reasons": {"type": "array", "items": _TEXT}}
    schema = {"type": "object", "properties": properties, "required": ["status", "version"]}
    answer = {"content": {"application/json": {"schema": schema}}}
    return {
        "servers": _OUTSIDE_OF_BASE,
        "get": {
            "operationId": f"health{name.capitalize()}",
            "tags": [HEALTH],
            "summary": summary,
            "responses": {"200": {"description": "Yes.", **answer}, "503": {"description": "No.", **answer}},
        },
    }


def _item(**operations: Json) -> Json:
    return {
        "parameters": [*parameter_references("_format", "_pretty"), *request_headers(*WHO_AND_WHY)],
        **operations,
    }
