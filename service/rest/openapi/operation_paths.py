"""The path items of extended operations: what their claims say, and beside it what the document says of each.

What an operation takes in a URL is computed from what it takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.rest.openapi.headers import WHO_AND_WHY, request_headers
from service.rest.openapi.operation import BODY_UNREAD, component, operation
from service.rest.openapi.parameters import parameter_references

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from service.fhir.conformance import Level, OperationClaim
    from service.fhir.outcome import Category
    from service.operations.parameters import Taken

Json = dict[str, Any]

_SCHEMAS: Final[Mapping[str, Json]] = {
    "text": {"type": "string", "minLength": 1},
    "Reference": {"type": "string", "minLength": 1},
    "named": {"type": "string", "minLength": 1},
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer", "minimum": 0, "maximum": 2**31 - 1},
    "decimal": {"type": "number", "minimum": 0},
}


class Said(Struct, frozen=True, kw_only=True):
    """What the document says of an operation at one level.

    `about` follows its name in the summary, `note` its documentation; `body` and `answer` are components. `in_url` are
    the parameters of GET, None where there is POST alone; `beside_body` are those of POST. `failures` are common to
    both, `refusals` are those of POST besides.
    """

    about: str
    body: str
    answer: str
    in_url: Sequence[Json] | None
    beside_body: Sequence[Json] = ()
    failures: tuple[Category, ...]
    refusals: tuple[Category, ...] = ()
    headers: tuple[str, ...] = WHO_AND_WHY
    note: str = ""


def operation_paths(
    resource_type: str, claims: Iterable[OperationClaim], say: Callable[[OperationClaim, Level], Said]
) -> dict[str, Json]:
    """Path → path item of the operations of a type, at the level of the type and of an instance."""
    items = {}
    for claim in claims:
        for level in claim.levels:
            below = "/{id}" if level == "instance" else ""
            items[f"/{resource_type}{below}/${claim.name}"] = _item(resource_type, claim, level, say(claim, level))
    return items


def url_parameters(taken: Taken) -> list[Json]:
    """What fits into a URL."""
    found: list[Json] = []
    for name, kind in taken.kinds.items():
        schema = _SCHEMAS.get(kind)
        if schema is not None:
            repeats = name in taken.repeating
            found.append(
                {
                    "name": name,
                    "in": "query",
                    "description": "Any number of times." if repeats else "At most once.",
                    "schema": {"type": "array", "items": schema} if repeats else schema,
                }
            )
    return found


def _item(resource_type: str, claim: OperationClaim, level: Level, said: Said) -> Json:
    identifier = _identifier(resource_type, claim, level)
    summary = f"${claim.name} {said.about}"
    described = " ".join(filter(None, (claim.documentation, said.note, claim.definition)))
    answers = {"200": component("responses", said.answer)}
    item: Json = {
        "parameters": [
            *parameter_references(*(("id",) if level == "instance" else ()), "_format", "_pretty"),
            *request_headers(*said.headers),
        ]
    }
    if said.in_url is not None:
        item["get"] = operation(
            f"{identifier}ByGet",
            resource_type,
            summary,
            description=described,
            parameters=said.in_url,
            answers=answers,
            failures=said.failures,
        )
    item["post"] = operation(
        identifier,
        resource_type,
        summary if said.in_url is None else f"{summary}, with Parameters",
        description=described,
        parameters=said.beside_body,
        body=component("requestBodies", said.body),
        answers=answers,
        failures=tuple(dict.fromkeys((*said.failures, *BODY_UNREAD, *said.refusals))),
    )
    return item


def _identifier(resource_type: str, claim: OperationClaim, level: Level) -> str:
    first, *others = claim.name.split("-")
    which = "Instance" if level == "instance" and len(claim.levels) > 1 else ""
    return f"{first}{''.join(each.capitalize() for each in others)}{resource_type}{which}"
