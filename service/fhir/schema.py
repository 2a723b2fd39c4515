"""The definitions, compiled into pydantic-core validators: one per resource type, made when it is first needed.

https://hl7.org/fhir/R4/json.html. A validator knows every JSON property of a type, the form of its primitives, required
codes, cardinality and reference targets, and calls the rules and invariants of an element where the element occurs.
Each type has three. The *plain* one knows no `_twin` properties and no nulls, as nearly all resources need none; what
it refuses, the *full* one judges. For large content the *brief* one stands in for the full one: it stops at the first
error in each array, so that a body full of errors costs little more than one without. Extensions and resources inside
of resources are validators of their own, so that a type does not carry every data type that an extension might hold.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from pydantic_core import PydanticKnownError, SchemaValidator, ValidationError
from pydantic_core import core_schema as cs

from service.fhir.codec import encode
from service.fhir.element_rules import (
    Breach,
    Frame,
    Rule,
    any_member,
    choice_rule,
    coding_rule,
    contained_rule,
    extension_rule,
    language_rule,
    merged,
    narrative_rule,
    presence,
    refusal,
    ruled,
    twin_rule,
)
from service.fhir.primitive import RULE_PATTERNS, primitive_schema, refusing, text_schema
from service.fhir.reference_rules import reference_rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pydantic_core import ErrorDetails

    from service.fhir.definitions import Definitions, Element, ElementType
    from service.fhir.invariants import Invariants

_TWIN: Final = "_twin"
_LARGE_BYTES: Final = 64 * 1024

Mode = Literal["plain", "full", "brief"]

_STRICT: Final = cs.CoreConfig(strict=True, extra_fields_behavior="forbid")


class Schema:
    """The validators of all types, compiled as they are needed and kept."""

    def __init__(self, definitions: Definitions, invariants: Invariants) -> None:
        self._definitions = definitions
        self._invariants = invariants
        self._validators: dict[tuple[str, Mode], SchemaValidator] = {}
        self._of_many: SchemaValidator | None = None

    def compile_together(self, names: Sequence[str]) -> None:
        """Compile the plain validators of resource types as one, where each data type stands once.

        They take half of the memory, and the resources of a Bundle an eighth less time.
        """
        compiler = _TypeCompiler(self, self._definitions, self._invariants, "plain")
        self._of_many = SchemaValidator(compiler.compile_together(names), _STRICT)
        self._validators |= {(name, "plain"): self._of_many for name in names}

    def errors(self, content: dict[str, Any], resource_type: str) -> list[ErrorDetails]:
        """What is wrong with a resource of the type; nothing when it is valid."""
        try:
            self.run(content, resource_type, Frame(resource=content, root=content), mode="plain")
        except ValidationError as error:
            return error.errors(include_url=False)
        return []

    def run(self, content: Any, name: str, frame: Frame, *, mode: Mode) -> None:
        """Validates with the plain and, where that is not enough, a thorough validator; raises ValidationError."""
        missed: list[ErrorDetails] = []
        if mode == "plain":
            plain = self.validator(name, mode)
            try:
                plain.validate_python(content, context=frame)
            except ValidationError as error:
                missed = _missing(error, below=1 if plain is self._of_many else 0)
                mode = "brief" if len(encode(content)) > _LARGE_BYTES else "full"
            else:
                return
        try:
            self.validator(name, mode).validate_python(content, context=frame)
        except ValidationError as error:
            raise _with_missing(error, missed, content) from None

    def validator(self, name: str, mode: Mode) -> SchemaValidator:
        """The validator of a resource type, or of ``Extension.<value property>``."""
        found = self._validators.get((name, mode))
        if found is None:
            compiler = _TypeCompiler(self, self._definitions, self._invariants, mode)
            found = self._validators[name, mode] = SchemaValidator(compiler.compile(name), _STRICT)
        return found

    @cached_property
    def extension_values(self) -> dict[str, Element]:
        """The value properties of an extension, each as an element with that one type."""
        value = next(element for element in self._definitions.type("Extension").elements if element.name == "value")
        return {name: replace(value, types=(kind,)) for name, kind in value.json_names() if kind}


def _missing(error: ValidationError, *, below: int = 0) -> list[ErrorDetails]:
    """What is missing; the first `below` parts of each place are not the content's: one of many says the type there."""
    found = [item for item in error.errors(include_url=False) if item["type"] == "missing"]
    return [{**item, "loc": item["loc"][below:]} for item in found]


def _with_missing(error: ValidationError, missed: Sequence[ErrorDetails], content: Any) -> ValidationError:
    """The error of the full validator with what only the plain one `missed`.

    The full validator looks for required primitives once all else is in order, because their twins will do.
    """
    places = {item["loc"] for item in _missing(error)}
    missing = [item for item in missed if item["loc"] not in places and not _has_twin_at(content, item["loc"])]
    return merged([*error.errors(include_url=False), *missing]) if missing else error


def _has_twin_at(content: Any, location: Sequence[str | int]) -> bool:
    for part in location[:-1]:
        content = content[part]
    return f"_{location[-1]}" in content


class _TypeCompiler:
    """Builds one validator: the schema of a type and, as shared definitions, of the data types that it uses."""

    def __init__(self, schema: Schema, definitions: Definitions, invariants: Invariants, mode: Mode) -> None:
        self._schema = schema
        self._definitions = definitions
        self._invariants = invariants
        self._mode = mode
        self._full = mode != "plain"
        self._shared: dict[str, cs.CoreSchema] = {}

    def compile(self, name: str) -> cs.CoreSchema:
        is_extension = name.startswith("Extension")
        root = self._extension_with(name.partition(".")[2]) if is_extension else self._root(name)
        return cs.definitions_schema(root, list(self._shared.values()))

    def compile_together(self, names: Iterable[str]) -> cs.CoreSchema:
        root = cs.tagged_union_schema({name: self._root(name) for name in names}, "resourceType")
        return cs.definitions_schema(root, list(self._shared.values()))

    def _root(self, name: str) -> cs.CoreSchema:
        kind = cs.typed_dict_field(cs.literal_schema([name]))
        elements = self._definitions.type(name).elements
        return self._object(name, elements, extra={"resourceType": kind}, rules=(self._declared(name),))

    def _object(
        self,
        path: str,
        elements: Iterable[Element],
        *,
        extra: dict[str, cs.TypedDictField] | None = None,
        rules: Sequence[Rule | None] = (),
    ) -> cs.CoreSchema:
        """The schema of a JSON object with these elements."""
        elements = tuple(elements)
        fields = dict(extra or {})
        for element in elements:
            for name, kind in element.json_names():
                fields[name] = self._field(element, kind)
                if self._full and self._has_twin(element, kind):
                    fields[f"_{name}"] = cs.typed_dict_field(self._twin(element), required=False)
        own = [self._choices(elements), self._twins(elements) if self._full else None]
        if not any(field.get("required", True) for field in fields.values()) and path not in {"Reference", _TWIN}:
            own.insert(0, presence)
        return ruled(cs.typed_dict_schema(fields, extra_behavior="forbid"), (*own, *rules))

    def _field(self, element: Element, kind: ElementType | None) -> cs.TypedDictField:
        value = self._value(element, kind)
        if element.repeats:
            item = cs.nullable_schema(value) if self._full and self._has_twin(element, kind) else value
            value = self._array(item, min_length=max(1, element.min), max_length=element.max)
            if element.name == "contained":
                value = ruled(value, (contained_rule,))
        waived = element.choice or (self._full and self._has_twin(element, kind))
        return cs.typed_dict_field(value, required=element.min > 0 and not waived)

    def _array(self, item: cs.CoreSchema, *, min_length: int = 1, max_length: int | None = None) -> cs.CoreSchema:
        fail_fast = self._mode != "full"
        return cs.list_schema(item, min_length=min_length, max_length=max_length, fail_fast=fail_fast)

    def _value(self, element: Element, kind: ElementType | None) -> cs.CoreSchema:
        """The schema of one occurrence of an element."""
        if kind is None:
            return cs.definition_reference_schema(str(element.content))
        code = kind.code
        if element.children:
            return self._backbone(element)
        constrained = self._invariants.rule(element.constraints, element.path)
        if code == "Resource":
            value = self._resource(contained=element.name == "contained")
        elif code == "Extension":
            value = cs.with_info_plain_validator_function(self._extension)
        elif code == "Reference":
            value = self._reference(kind)
        elif self._is_primitive(code):
            value = self._primitive(code, element.binding, is_element_id=element.name == "id" and code == "string")
        else:
            value = self._data_type(code)
            if element.binding:
                value = ruled(value, (self._coding_rule(element.binding),))
        return ruled(value, (constrained,))

    def _backbone(self, element: Element) -> cs.CoreSchema:
        if element.path not in self._shared:
            self._shared[element.path] = cs.any_schema()  # reserved: the element may refer to itself
            rule = self._invariants.rule(element.constraints, element.path)
            self._share(element.path, self._object(element.path, element.children, rules=(rule,)))
        return cs.definition_reference_schema(element.path)

    def _data_type(self, code: str) -> cs.CoreSchema:
        if code not in self._shared:
            self._shared[code] = cs.any_schema()
            definition = self._definitions.type(code)
            self._share(code, self._object(code, definition.elements, rules=(self._declared(code),)))
        return cs.definition_reference_schema(code)

    def _share(self, name: str, schema: cs.CoreSchema) -> None:
        self._shared[name] = cast("cs.CoreSchema", {**schema, "ref": name})

    def _declared(self, name: str) -> Rule | None:
        return self._invariants.rule(self._definitions.type(name).constraints, name)

    def _reference(self, kind: ElementType) -> cs.CoreSchema:
        name = f"Reference({'|'.join(kind.targets)})"
        if name not in self._shared:
            self._shared[name] = cs.any_schema()
            rule = reference_rule(kind.targets, self._definitions.all_type_names)
            elements = self._definitions.type("Reference").elements
            self._share(name, self._object("Reference", elements, rules=(rule, self._declared("Reference"))))
        return cs.definition_reference_schema(name)

    def _primitive(self, code: str, binding: str | None, *, is_element_id: bool) -> cs.CoreSchema:
        """A primitive, shared by name; an element's id is a string without blanks."""
        if binding:
            return self._code(binding)
        name = "element-id" if is_element_id else code
        if name not in self._shared:
            primitive = primitive_schema(name)
            self._share(name, ruled(primitive, (narrative_rule,)) if name == "xhtml" else primitive)
        return cs.definition_reference_schema(name)

    def _code(self, binding: str) -> cs.CoreSchema:
        name = f"code({binding})"
        if name not in self._shared:
            rule = self._definitions.code_rule(binding)
            allowed = (
                text_schema(RULE_PATTERNS[rule])
                if rule
                else cs.literal_schema(sorted(self._definitions.codes(binding)))
            )
            self._share(name, refusing(allowed, "code-invalid", binding))
        return cs.definition_reference_schema(name)

    def _coding_rule(self, binding: str) -> Rule:
        if self._definitions.code_rule(binding):
            return language_rule
        return coding_rule(self._definitions.codings(binding))

    def _twin(self, element: Element) -> cs.CoreSchema:
        """The schema of the property that holds a primitive's id and extensions."""
        if _TWIN not in self._shared:
            self._shared[_TWIN] = cs.any_schema()
            self._share(_TWIN, self._object(_TWIN, self._definitions.type("Element").elements, rules=(any_member,)))
        twin: cs.CoreSchema = cs.definition_reference_schema(_TWIN)
        return self._array(cs.nullable_schema(twin)) if element.repeats else twin

    def _has_twin(self, element: Element, kind: ElementType | None) -> bool:
        """Whether the element is a primitive that may have extensions; ids and Extension.url are XML attributes."""
        if kind is None or element.name == "id" or element.path == "Extension.url":
            return False
        return kind.code != "xhtml" and self._is_primitive(kind.code)

    def _is_primitive(self, code: str) -> bool:
        return self._definitions.type(code).kind == "primitive-type"

    def _choices(self, elements: Sequence[Element]) -> Rule | None:
        choices = [element for element in elements if element.choice]
        names = {element.name: tuple(name for name, _ in element.json_names()) for element in choices}
        members = {
            prefix + name: (choice, name) for choice, found in names.items() for name in found for prefix in ("", "_")
        }
        required = {element.name: names[element.name] for element in choices if element.min > 0}
        return choice_rule(members, required) if choices else None

    def _twins(self, elements: Sequence[Element]) -> Rule | None:
        primitives = [
            (name, element)
            for element in elements
            for name, kind in element.json_names()
            if self._has_twin(element, kind)
        ]
        required = tuple(name for name, element in primitives if element.min > 0 and not element.choice)
        arrays = frozenset(name for name, element in primitives if element.repeats)
        return twin_rule(required, arrays) if primitives else None

    def _extension(self, value: Any, info: cs.ValidationInfo[Frame]) -> Any:
        """An extension, by the validator for the type of value that it has."""
        if not isinstance(value, dict):
            raise PydanticKnownError("dict_type")
        held = {name.removeprefix("_") for name in value if name.startswith(("value", "_value"))}
        if len(held) > 1:
            text = f"An extension has one value; {' and '.join(sorted(name[:64] for name in held))} were sent."
            raise refusal([Breach(code="choice-conflict", text=text, at=("value",))])
        known = held & self._schema.extension_values.keys()
        self._schema.run(value, f"Extension.{known.pop() if known else ''}", info.context, mode=self._mode)
        return value

    def _extension_with(self, held: str) -> cs.CoreSchema:
        """An extension with the value property `held`, or with extensions instead when that is empty."""
        elements = [element for element in self._definitions.type("Extension").elements if element.name != "value"]
        if held:
            elements.append(self._schema.extension_values[held])
        return self._object("Extension", elements, rules=(extension_rule(held),))

    def _resource(self, *, contained: bool) -> cs.CoreSchema:
        """Any resource inside of another one, by the validator of its own type."""

        def resource(value: Any, info: cs.ValidationInfo[Frame]) -> Any:
            if not isinstance(value, dict):
                raise PydanticKnownError("dict_type")
            name = value.get("resourceType")
            if not isinstance(name, str) or name not in self._definitions.all_type_names:
                text = "resourceType is missing or is not the name of an R4 resource type."
                raise refusal([Breach(code="value-invalid", text=text, at=("resourceType",))])
            frame: Frame = info.context
            inner = Frame(resource=value, root=frame.root if contained else value)
            self._schema.run(value, name, inner, mode=self._mode)
            return value

        return cs.with_info_plain_validator_function(resource)
