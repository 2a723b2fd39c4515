"""A part of the OpenAPI document that requests can be generated from in seconds.

The whole describes every type, and each type's schema leads to all others through `contained`. The excerpt keeps the
addresses of the system and of a few types. What is *sent* gets schemas that are narrower than those of the document:
required elements, primitives and plain data types. What is *answered* keeps the document's own schemas.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Json = dict[str, Any]

_SYSTEM: Final = ("", "metadata", "_history", "_search", "$reindex")
_PLAIN: Final = ("CodeableConcept", "Coding", "HumanName", "Identifier", "Period", "Reference")
_SHIPPED: Final = (
    "ActivityDefinition",
    "CodeSystem",
    "ConceptMap",
    "Library",
    "OperationDefinition",
    "PlanDefinition",
    "Questionnaire",
    "StructureDefinition",
    "ValueSet",
)
"""What comes with the service, and is found by what asks for everything."""
_ANSWERED: Final = ("Bundle", "CapabilityStatement", "OperationOutcome", "Parameters", "Provenance", *_SHIPPED)
"""What is answered whatever was asked for; a Provenance is stored by the header X-Provenance."""
_LEFT_OUT: Final = ("contained", "id", "meta", "text")
_MEDIA_TYPES: Final = ("application/fhir+json", "application/json")
KNOWN_IDS: Final = ("1", "2")
"""Logical ids that half of the generated requests use, so that they meet something."""


def excerpt(document: Json, types: Sequence[str]) -> Json:
    """The document for the system and these types, with narrow request bodies and only the components in use."""
    part = copy.deepcopy(document)
    components = part["components"]
    _narrow_any_resource(components["schemas"], (*types, *_ANSWERED))
    _narrow_bodies(components, types)
    identity = components["parameters"]["id"]
    identity["schema"] = {"anyOf": [{"enum": list(KNOWN_IDS)}, identity["schema"]]}
    provenance = components["parameters"]["X-Provenance"]["schema"]
    provenance["enum"] = provenance["examples"]
    part["paths"] = {path: item for path, item in part["paths"].items() if path.split("/")[1] in (*_SYSTEM, *types)}
    part["components"] = _in_use(part)
    return part


def _narrow_any_resource(schemas: Json, names: Iterable[str]) -> None:
    references = {name: f"#/components/schemas/{name}" for name in names}
    schemas["Resource"] = {
        "oneOf": [{"$ref": reference} for reference in references.values()],
        "discriminator": {"propertyName": "resourceType", "mapping": references},
    }


def _narrow_bodies(components: Json, types: Sequence[str]) -> None:
    schemas, bodies = components["schemas"], components["requestBodies"]
    for name in types:
        sent = {"$ref": f"#/components/schemas/{_add_sent(schemas, name)}"}
        for body in (bodies[name], bodies[f"{name}.validate"]):
            body["content"] = {media: {**body["content"][media], "schema": sent} for media in _MEDIA_TYPES}
    transaction = bodies["Transaction"]["content"]
    for media in _MEDIA_TYPES:
        transaction[media] = transaction[media] | {"schema": _transaction(types)}
    reindex = bodies["Reindex"]["content"]
    for media in _MEDIA_TYPES:
        reindex[media] = reindex[media] | {"schema": {"enum": [_example(components, "reindex")]}}
    patch = bodies["Patch"]["content"]
    patch["application/json"]["schema"] = {"$ref": "#/components/schemas/JsonPatch"}
    patch["application/fhir+json"]["schema"] = {"enum": [_example(components, "fhirpath-patch")]}


def _example(components: Json, name: str) -> Any:
    return components["examples"][name]["value"]


def _add_sent(schemas: Json, name: str) -> str:
    """Add the narrow schema of a type under a name of its own, and return that."""
    sent = f"{name}.sent"
    if sent in schemas:
        return sent
    full = schemas[name]
    schemas[sent] = {}
    properties: Json = {}
    for key, schema in full["properties"].items():
        required = key in full.get("required", ())
        target = schema.get("items", schema).get("$ref", "").rpartition("/")[2]
        compound = schemas.get(target, {}).get("type") == "object"
        plain = target in _PLAIN and (name not in _PLAIN or target == "Coding")
        if required or not (key.startswith("_") or key in _LEFT_OUT or (compound and not plain)):
            properties[key] = _sent(schemas, schema, target) if compound else schema
    schemas[sent] = {key: value for key, value in full.items() if key != "not"} | {"properties": properties}
    return sent


def _sent(schemas: Json, schema: Json, target: str) -> Json:
    reference = {"$ref": f"#/components/schemas/{_add_sent(schemas, target)}"}
    return {"type": "array", "items": reference, "maxItems": 2} if "items" in schema else reference


def _transaction(types: Sequence[str]) -> Json:
    urls = [*types, *(f"{name}/{known}" for name in types for known in KNOWN_IDS), f"{types[0]}?_id=1", "metadata"]
    request = {
        "type": "object",
        "properties": {
            "method": {"enum": ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"]},
            "url": {"enum": urls},
            "ifMatch": {"enum": ['W/"1"', 'W/"2"', "*"]},
            "ifNoneExist": {"enum": ["_id=1", "_id=absent", "nonsense=1"]},
        },
        "required": ["method", "url"],
        "additionalProperties": False,
    }
    resources = [{"$ref": f"#/components/schemas/{name}.sent"} for name in types]
    entry = {
        "type": "object",
        "properties": {"fullUrl": {"type": "string"}, "resource": {"oneOf": resources}, "request": request},
        "required": ["request"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {
            "resourceType": {"const": "Bundle"},
            "type": {"enum": ["transaction", "batch"]},
            "entry": {"type": "array", "items": entry, "minItems": 1, "maxItems": 4},
        },
        "required": ["resourceType", "type", "entry"],
        "additionalProperties": False,
    }


def _in_use(part: Json) -> Json:
    waiting, found = list(_references(part["paths"])), set()
    while waiting:
        reference = waiting.pop()
        if reference not in found:
            found.add(reference)
            section, name = reference.split("/")[2:]
            waiting += _references(part["components"][section][name])
    return {
        section: {name: value for name, value in members.items() if f"#/components/{section}/{name}" in found}
        for section, members in part["components"].items()
    }


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)
