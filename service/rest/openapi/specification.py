"""The OpenAPI 3.1 document as a whole, computed from the registries. https://spec.openapis.org/oas/v3.1.1"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from service.rest.openapi import bodies
from service.rest.openapi.access_paths import ABOUT, ACCESS, access_components, access_paths
from service.rest.openapi.code_paths import code_paths
from service.rest.openapi.compartment_paths import compartment_paths
from service.rest.openapi.document_paths import document_paths
from service.rest.openapi.errors import error_example_components, error_responses, error_table
from service.rest.openapi.form_paths import form_paths
from service.rest.openapi.headers import request_header_components, response_header_components
from service.rest.openapi.outcome_paths import outcome_paths
from service.rest.openapi.parameters import choice_schemas, parameter_components
from service.rest.openapi.plan_paths import plan_paths
from service.rest.openapi.record_paths import record_paths
from service.rest.openapi.schemas import resource_schemas
from service.rest.openapi.search_parameters import SearchParameters, search_value_list, search_value_schemas
from service.rest.openapi.session_paths import session_paths
from service.rest.openapi.system_paths import HEALTH, SYSTEM, system_paths
from service.rest.openapi.type_paths import type_paths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.fhir.definitions import Definitions
    from service.fhir.search.registry import Registry

Json = dict[str, Any]

_OF_A_REFERRAL: Final = (
    "ServiceRequest",
    "Task",
    "CarePlan",
    "Goal",
    "Procedure",
    "Encounter",
    "Observation",
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "Organization",
    "Condition",
    "Coverage",
)

_BEARER: Final[Json] = {
    "type": "http",
    "scheme": "bearer",
    "description": "An access token by SMART Backend Services, where the service runs with access control; "
    "`/fhir/.well-known/smart-configuration` says where tokens come from.",
}
_JSON_PATCH: Final[Json] = {
    "type": "array",
    "description": "A JSON Patch: https://www.rfc-editor.org/rfc/rfc6902",
    "items": {
        "type": "object",
        "properties": {
            "op": {"type": "string", "enum": ["add", "remove", "replace", "move", "copy", "test"]},
            "path": {"type": "string", "description": "A JSON Pointer, such as /name/0/family."},
            "from": {"type": "string", "description": "A JSON Pointer, for move and copy."},
            "value": {"description": "For add, replace and test."},
        },
        "required": ["op", "path"],
    },
}


def build(definitions: Definitions, registry: Registry, *, version: str) -> Json:
    """The document; equal registries give equal documents, key order included."""
    search = SearchParameters(definitions, registry)
    types = definitions.resource_types
    paths = system_paths(search)
    for name in types:
        paths |= type_paths(name, search) | code_paths(name) | record_paths(name)
        paths |= outcome_paths(name, search) | plan_paths(name) | document_paths(name) | form_paths(name)
        paths |= session_paths(name)
    paths |= compartment_paths(registry, search)
    paths |= access_paths()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "massage-fhir",
            "summary": "A FHIR R4 service for medical massage.",
            "description": _introduction(),
            "version": version,
        },
        "servers": [{"url": "/fhir", "description": "The FHIR base of the service that the document came from."}],
        "security": [{}, {"bearer": []}],
        "tags": [
            {"name": SYSTEM, "description": "What concerns all types."},
            *({"name": name, "description": definitions.type(name).short} for name in _as_read(types)),
            {"name": ACCESS, "description": ABOUT},
            {"name": HEALTH, "description": "For the operator's probes; plain JSON."},
        ],
        "paths": paths,
        "components": _components(definitions, registry, search),
    }


def _as_read(types: Sequence[str]) -> list[str]:
    """The types in the order of a reader of the documentation: those of a referral first."""
    return [
        *(name for name in _OF_A_REFERRAL if name in types),
        *(name for name in types if name not in _OF_A_REFERRAL),
    ]


def _introduction() -> str:
    """Markdown: the rules that hold for every operation, and the catalogue of error codes."""
    rules = files(__package__).joinpath("introduction.md").read_text("utf-8")
    return rules.replace("{search_values}", search_value_list()).replace("{error_codes}", error_table())


def _components(definitions: Definitions, registry: Registry, search: SearchParameters) -> Json:
    schemas = resource_schemas(definitions) | search_value_schemas() | choice_schemas() | {"JsonPatch": _JSON_PATCH}
    of_access, refusals = access_components()
    return {
        "schemas": dict(sorted((schemas | of_access).items())),
        "parameters": parameter_components() | request_header_components() | search.components(),
        "headers": response_header_components(),
        "requestBodies": bodies.request_bodies(definitions, search),
        "responses": bodies.success_responses(definitions) | error_responses() | refusals,
        "examples": bodies.examples(definitions, registry) | error_example_components(),
        "securitySchemes": {"bearer": _BEARER},
    }
