"""What the definitions know about the elements that a path walks through: shapes and their slots.

A shape is a type, or the anonymous type of a backbone element. Its slots say under which JSON properties an element
is found and of which type it is there: `value` of an Observation has the slots ``valueQuantity``, ``valueString`` ...
Where nothing is known (no definitions, or an element that holds any resource) the shape is open: a slot is then found
by the element's name, or by the name followed by the name of a data type.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.fhir.definitions import Definitions
    from service.fhir.definitions.definition import Element

CHOICE_TYPES: Final = (
    "base64Binary", "boolean", "canonical", "code", "date", "dateTime", "decimal", "id", "instant", "integer",
    "markdown", "oid", "positiveInt", "string", "time", "unsignedInt", "uri", "url", "uuid", "Address", "Age",
    "Annotation", "Attachment", "CodeableConcept", "Coding", "ContactPoint", "Count", "Distance", "Duration",
    "HumanName", "Identifier", "Money", "Period", "Quantity", "Range", "Ratio", "Reference", "SampledData", "Signature",
    "Timing", "ContactDetail", "Contributor", "DataRequirement", "Expression", "ParameterDefinition", "RelatedArtifact",
    "TriggerDefinition", "UsageContext", "Dosage", "Meta",
)  # fmt: skip
"""The types that a choice of any type (``*``) may have. https://hl7.org/fhir/R4/datatypes.html#open"""

_PARENTS: Final[Mapping[str, str]] = {
    "code": "string", "id": "string", "markdown": "string",
    "canonical": "uri", "oid": "uri", "url": "uri", "uuid": "uri",
    "positiveInt": "integer", "unsignedInt": "integer",
    "Age": "Quantity", "Count": "Quantity", "Distance": "Quantity", "Duration": "Quantity",
    "MoneyQuantity": "Quantity", "SimpleQuantity": "Quantity",
    "Dosage": "BackboneElement", "Timing": "BackboneElement", "ElementDefinition": "BackboneElement",
    "Bundle": "Resource", "Binary": "Resource", "Parameters": "Resource", "DomainResource": "Resource",
}  # fmt: skip
"""The specialisations among R4's types; other data types are Elements, other resources DomainResources."""

_SYSTEM_TYPES: Final[Mapping[str, str]] = {
    "Boolean": "boolean", "String": "string", "Integer": "integer", "Decimal": "decimal",
    "Date": "date", "DateTime": "dateTime", "Time": "time",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slot:
    """A JSON property that holds an element: `key`, the `type` it holds there (None if unknown) and its shape."""

    key: str
    name: str
    type: str | None
    repeats: bool
    """Whether JSON holds the element as an array; false where that is unknown."""
    path: str
    """Where the shape is to be looked up: a type's name, an element's path, "" for an open shape."""
    twin: str | None
    """The JSON property of the id and extensions of a primitive; None for an element that cannot be one."""
    shapes: Shapes = field(repr=False)

    @property
    def shape(self) -> Shape:
        """The shape of what the property holds."""
        return self.shapes.at(self.path)


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A type or backbone element: its name (None if unknown) and its slots, by FHIRPath name and by JSON name."""

    name: str | None
    slots: Mapping[str, tuple[Slot, ...]]
    shapes: Shapes = field(repr=False)

    @property
    def open(self) -> bool:
        """Whether nothing is known of the elements."""
        return not self.slots

    @property
    def primitive(self) -> bool:
        """Whether this is a primitive type."""
        return self.name is not None and self.name[0].islower()

    def find(self, name: str) -> tuple[Slot, ...]:
        """The slots of an element; none if the shape is known to have no such element."""
        return self.shapes.guesses(name) if self.open else self.slots.get(name, ())


MAX_GUESSES: Final = 300
"""Names of elements to remember guesses for; R4's own paths need some dozens, what requests name is unbounded."""


class Shapes:
    """The shapes of all types, made on demand from the definitions (all of them open without any)."""

    def __init__(self, definitions: Definitions | None) -> None:
        self._definitions = definitions
        self._shapes: dict[str, Shape] = {"": Shape(None, {}, self)}
        self._guesses: dict[str, tuple[Slot, ...]] = {}
        self._elements: dict[str, Element] = {}

    @property
    def unknown(self) -> Shape:
        """The open shape."""
        return self._shapes[""]

    def at(self, path: str) -> Shape:
        """The shape of a type ("Period") or element ("Questionnaire.item"); open if it is unknown or any resource."""
        shape = self._shapes.get(path)
        if shape is None:
            shape = self._make(path)
            if not shape.open:  # what content calls a type is not remembered, however often it comes
                self._shapes[path] = shape
        return shape

    def alternatives(self, path: str) -> tuple[Shape, ...]:
        """The shapes that may occur at a path: several for a choice such as "Observation.component.value[x]"."""
        parent, _, name = path.removesuffix("[x]").rpartition(".")
        if not parent:
            return (self.at(path),)
        slots = self.at(parent).find(name)
        return tuple(slot.shape for slot in slots) or (self.unknown,)

    def of(self, content: Any) -> Shape:
        """The shape of a resource by its resourceType; open for anything else."""
        name = content.get("resourceType") if type(content) is dict else None
        return self.at(name) if isinstance(name, str) and name.isidentifier() else self.unknown

    def knows(self, name: str) -> bool:
        """Whether R4 has a type of this name; without definitions, whether it could have."""
        if name in CHOICE_TYPES or name in _PARENTS or name in ("Resource", "Element", "BackboneElement", "xhtml"):
            return True
        if self._definitions is None:
            return name[:1].isupper()
        return name in self._definitions.all_type_names or not self.at(name).open

    def guesses(self, name: str) -> tuple[Slot, ...]:
        """The slots under which an element of an unknown type can be found."""
        found = self._guesses.get(name)
        if found is None:
            if name in ("extension", "modifierExtension"):
                found = (_slot(self, name, name, "Extension", "Extension", repeats=True),)
            elif name == "id":
                found = (_slot(self, name, name, None, ""),)
            else:
                plain = _slot(self, name, name, None, "")
                found = (plain, *(_slot(self, name, _choice_key(name, code), code, code) for code in CHOICE_TYPES))
            if len(self._guesses) < MAX_GUESSES:
                self._guesses[name] = found
        return found

    def _make(self, path: str) -> Shape:
        root, _, rest = path.partition(".")
        if self._definitions is None or (rest and root in ("Resource", "DomainResource")):
            return self._shapes[""]
        if rest:
            parent, _, name = path.rpartition(".")
            slots = self.at(parent).find(name)
            return slots[0].shape if slots and slots[0].path != path else self._anonymous(path)
        try:
            definition = self._definitions.type(root)
        except KeyError:
            return Shape(path, {}, self)
        return Shape(path, self._slots(path, definition.elements), self)

    def _anonymous(self, path: str) -> Shape:
        element = self._elements.get(path)
        return self.unknown if element is None else Shape(path, self._slots(path, element.children), self)

    def _slots(self, path: str, elements: tuple[Element, ...]) -> Mapping[str, tuple[Slot, ...]]:
        slots: dict[str, tuple[Slot, ...]] = {}
        for element in elements:
            where = f"{path}.{element.name}"
            if element.children:
                self._elements[where] = element
            found = tuple(self._slot(element, where, kind.code) for kind in element.types) or (
                self._slot(element, where, None),
            )
            slots[element.name] = found
            if element.choice:
                slots.update({slot.key: (slot,) for slot in found})
        return slots

    def _slot(self, element: Element, where: str, code: str | None) -> Slot:
        key = _choice_key(element.name, code) if element.choice and code else element.name
        path = "" if code is None or code == "Resource" else code
        if element.content is not None:
            code, path = "BackboneElement", element.content
        elif element.children:
            path = where
        return _slot(self, element.name, key, code, path, repeats=element.repeats)


def _choice_key(name: str, code: str) -> str:
    return name + code[0].upper() + code[1:]


def _slot(shapes: Shapes, name: str, key: str, code: str | None, path: str, *, repeats: bool = False) -> Slot:
    twin = None if code and code[0].isupper() else "_" + key
    return Slot(key=key, name=name, type=code, repeats=repeats, path=path, twin=twin, shapes=shapes)


@lru_cache(maxsize=8)
def shapes_of(definitions: Definitions | None) -> Shapes:
    """The shapes of some definitions, shared by all paths that are compiled with them."""
    return Shapes(definitions)


@lru_cache(maxsize=1024)
def ancestors(name: str) -> frozenset[str]:
    """A type's name and the names of all types that it specialises."""
    if name in _PARENTS:
        return ancestors(_PARENTS[name]) | {name}
    if name in ("Resource", "Element") or name[:1].islower():
        return frozenset({name})
    if name in CHOICE_TYPES or name in ("BackboneElement", "Narrative", "Extension"):
        return frozenset({name, "Element"})
    return frozenset({name, "DomainResource", "Resource"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """The type that ``is``, ``as`` or ``ofType`` asks for.

    `exact` is for ``as`` and ``ofType``: they tell R4's primitives apart that are specialisations of each other, such
    as a uri and a canonical, while ``is`` takes a specialisation for its ancestor.
    """

    name: str
    exact: bool

    def accepts(self, actual: str) -> bool:
        """Whether an item of type `actual` is wanted."""
        if actual == self.name:
            return True
        return not (self.exact and self.name[:1].islower()) and self.name in ancestors(actual)


def fhir_type(specifier: str) -> str:
    """The FHIR type of a type specifier: ``FHIR.Patient``, ``Boolean`` and ``System.DateTime`` are accepted as well.

    R4's own expressions say ``Boolean`` and ``DateTime`` where they mean FHIR's types.
    """
    name = specifier.rpartition(".")[2]
    return _SYSTEM_TYPES.get(name, name)
