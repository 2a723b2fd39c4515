"""JSON Schemas of R4's resources and data types, computed from the definitions: ``components/schemas``.

A type is one closed object schema; a backbone element is one of its own (``Patient_Contact``), so that ``Claim`` stays
readable and a recursive element is a plain `$ref`. https://hl7.org/fhir/R4/json.html

Two concessions to code generators, both documented in the document itself: a required primitive is `required` although
R4 also accepts its ``_twin`` with a data-absent-reason alone, and an array of primitives holds no `null` although R4
fills it with null where only the twin has something to say.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from service.rest.openapi.choice import choice_rule
from service.rest.openapi.primitive import primitive_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from service.fhir.definitions import Definitions
    from service.fhir.definitions.definition import Element, ElementType, TypeDefinition

Schema = dict[str, Any]

ANY_RESOURCE: Final = "Resource"
OTHER_RESOURCE: Final = "OtherResource"
EXCHANGED_TYPES: Final = ("OperationOutcome", "Parameters")
"""Resource types that are exchanged though not stored."""

_WITHOUT_TWIN: Final = ("xhtml",)
_TWIN_IN_ARRAY: Final[Schema] = {"anyOf": [{"$ref": "#/components/schemas/Element"}, {"type": "null"}]}


def reference_to(name: str) -> Schema:
    """A `$ref` to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def resource_schemas(definitions: Definitions) -> dict[str, Schema]:
    """Every schema that the served types need, by component name in alphabetical order."""
    return _Schemas(definitions).all()


def backbone_name(path: str) -> str:
    """The component name of a backbone element: ``Timing_Repeat`` for ``Timing.repeat``."""
    return "_".join(part[0].upper() + part[1:] for part in path.split("."))


class _Schemas:
    """One pass over the definitions, following every type that an element names."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._done: dict[str, Schema] = {}

    def all(self) -> dict[str, Schema]:
        resources = sorted({*self._definitions.resource_types, *EXCHANGED_TYPES})
        others = sorted(self._definitions.all_type_names.difference(resources))
        self._done[OTHER_RESOURCE] = {
            "type": "object",
            "description": "A resource of a type that is not served on its own; others may contain it.",
            "properties": {"resourceType": {"type": "string", "enum": others}},
            "required": ["resourceType"],
            "additionalProperties": True,
        }
        mapping = {name: name for name in resources} | dict.fromkeys(others, OTHER_RESOURCE)
        self._done[ANY_RESOURCE] = {
            "description": "Any resource, told apart by resourceType.",
            "oneOf": [reference_to(name) for name in (*resources, OTHER_RESOURCE)],
            "discriminator": {
                "propertyName": "resourceType",
                "mapping": {name: reference_to(target)["$ref"] for name, target in mapping.items()},
            },
        }
        for name in (*resources, "Element"):
            self._add_type(name)
        return dict(sorted(self._done.items()))

    def _add_type(self, name: str) -> None:
        if name in self._done:
            return
        definition = self._definitions.type(name)
        if definition.kind == "primitive-type":
            self._done[name] = primitive_schema(definition)
            return
        self._done[name] = {}
        self._done[name] = self._object(definition.elements, definition.short, self._resource_type(definition))

    @staticmethod
    def _resource_type(definition: TypeDefinition) -> Schema:
        if definition.kind != "resource":
            return {}
        return {"resourceType": {"type": "string", "const": definition.name}}

    def _object(self, elements: Iterable[Element], description: str, first: Schema) -> Schema:
        elements = tuple(elements)
        properties: Schema = dict(first)
        for element in elements:
            properties |= self._properties(element)
        required = [*first, *(element.name for element in elements if element.min and not element.choice)]
        schema: Schema = {"type": "object", "description": description, "properties": properties}
        if required:
            schema["required"] = required
        schema["additionalProperties"] = False
        return schema | choice_rule(element for element in elements if element.choice)

    def _properties(self, element: Element) -> Iterator[tuple[str, Schema]]:
        for name, kind in element.json_names():
            value, primitive = self._value(element, kind)
            if element.repeats:
                yield name, _described(_array(value, element), element, kind)
            else:
                yield name, _described(value, element, kind)
            if primitive:
                yield f"_{name}", _array(_TWIN_IN_ARRAY, element) if element.repeats else reference_to("Element")

    def _value(self, element: Element, kind: ElementType | None) -> tuple[Schema, bool]:
        """The schema of one value of the element, and whether it is a primitive, which has a twin."""
        if kind is None or element.content:
            return reference_to(backbone_name(element.content or element.path)), False
        if element.children:
            name = backbone_name(element.path)
            self._done[name] = self._object(element.children, element.short, {})
            return reference_to(name), False
        if kind.code == ANY_RESOURCE:
            return reference_to(ANY_RESOURCE), False
        self._add_type(kind.code)
        if self._definitions.type(kind.code).kind != "primitive-type":
            return reference_to(kind.code), False
        return self._primitive(element, kind.code), kind.code not in _WITHOUT_TWIN and element.name != "id"

    def _primitive(self, element: Element, code: str) -> Schema:
        codes = self._definitions.codes(element.binding) if element.binding and code == "code" else frozenset()
        if not codes or element.binding is None:
            return reference_to(code)
        name = code_list_name(element.binding)
        self._done.setdefault(name, {"type": "string", "enum": sorted(codes)})
        return reference_to(name)


def code_list_name(binding: str) -> str:
    """The component name of a required value set: ``RequestStatusCode`` for ``.../ValueSet/request-status``."""
    words = re.split(r"[^A-Za-z0-9]+", binding.rpartition("/")[2].partition("|")[0])
    if words[-1] in ("code", "codes"):
        words.pop()
    return "".join(word[0].upper() + word[1:] for word in words if word) + "Code"


def _array(items: Schema, element: Element) -> Schema:
    schema: Schema = {"type": "array", "items": items, "minItems": max(element.min, 1)}
    if element.max is not None:
        schema["maxItems"] = element.max
    return schema


def _described(schema: Schema, element: Element, kind: ElementType | None) -> Schema:
    text = element.short
    if kind and kind.targets and kind.targets != ("Resource",):
        text = f"{text} → {' | '.join(kind.targets)}"
    return {**schema, "description": text}
