"""The paths of compartment searches. https://hl7.org/fhir/R4/http.html#vsearch"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.fhir.outcome import Category
from service.fhir.search.compartment import compartment_types
from service.rest.openapi.headers import WHO_AND_WHY, request_headers
from service.rest.openapi.operation import BODY_UNREAD, component, operation
from service.rest.openapi.parameters import SEARCH_RESULT_PARAMETERS, parameter_references

if TYPE_CHECKING:
    from service.fhir.search.registry import Registry
    from service.rest.openapi.search_parameters import SearchParameters

Json = dict[str, Any]


def compartment_paths(registry: Registry, search: SearchParameters) -> dict[str, Json]:
    """Path → path item, for every compartment of a served type."""
    items: dict[str, Json] = {}
    for name in registry.definitions.compartments:
        if name in registry.definitions.resource_types:
            root = f"/{name}/{{id}}/{{member}}"
            items[root] = _item(registry, name, get=_search(name, search))
            items[f"{root}/_search"] = _item(registry, name, post=_search_by_post(name))
    return items


def _search(name: str, search: SearchParameters) -> Json:
    return operation(
        f"search{name}Compartment",
        name,
        f"Search what belongs to one {name}",
        description="Takes the search parameters of the member type besides those that all types have; of all of them "
        "(`*`) `_type` leaves some.",
        parameters=[
            *search.references(None),
            *parameter_references("_type", *SEARCH_RESULT_PARAMETERS),
            *request_headers("Prefer"),
        ],
        answers={"200": component("responses", "Searchset")},
        failures=[Category.NOT_FOUND],
    )


def _search_by_post(name: str) -> Json:
    return operation(
        f"search{name}CompartmentByPost",
        name,
        f"Search what belongs to one {name}, with the criteria in the body",
        parameters=request_headers("Prefer"),
        body=component("requestBodies", "System.search"),
        answers={"200": component("responses", "Searchset")},
        failures=(Category.NOT_FOUND, *BODY_UNREAD),
    )


def _item(registry: Registry, name: str, **operations: Json) -> Json:
    member = {
        "name": "member",
        "in": "path",
        "required": True,
        "description": "A type that may be in the compartment; `*` for all of them.",
        "schema": {"type": "string", "enum": ["*", *compartment_types(registry, name)]},
    }
    shared = [*parameter_references("id", "_format", "_pretty"), *request_headers(*WHO_AND_WHY)]
    return {"parameters": [*shared, member], **operations}
