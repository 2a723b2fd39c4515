"""The vocabulary of the definitions: types, elements, constraints, search parameters, as R4 publishes them.

https://hl7.org/fhir/R4/structuredefinition.html, https://hl7.org/fhir/R4/searchparameter.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

TypeKind = Literal["resource", "complex-type", "primitive-type"]
SearchKind = Literal["token", "reference", "string", "date", "uri", "number", "quantity", "composite", "special"]
CodeRule = Literal["language", "media-type"]
"""How the codes of a value set that cannot be listed are checked: as BCP-47 tags, as media types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementType:
    """One type that an element may have.

    `code` is a type's name ("Reference", "code", "BackboneElement"; FHIRPath's system types are normalised to FHIR's
    primitives). `targets` are the resource types that a Reference or canonical may point at; empty or ("Resource",)
    for any.
    """

    code: str
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """An invariant: a FHIRPath that must be true (or empty) wherever its element occurs."""

    key: str
    human: str
    expression: str
    severity: Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """One element of a type.

    `name` is the JSON name without the type of a choice ("occurrence" of ``ServiceRequest.occurrence[x]``); `max`
    None is unbounded; `binding` is the key of a required value set (see `Definitions.codes`); `content` is the path
    of the element whose content it shares; `constraints` are those declared on the element itself.
    """

    name: str
    path: str
    min: int
    max: int | None
    types: tuple[ElementType, ...]
    choice: bool
    summary: bool
    modifier: bool
    binding: str | None
    constraints: tuple[Constraint, ...]
    content: str | None
    children: tuple[Element, ...]
    short: str

    @property
    def repeats(self) -> bool:
        """Whether JSON holds the element as an array."""
        return self.max is None or self.max > 1

    def json_names(self) -> tuple[tuple[str, ElementType | None], ...]:
        """The JSON properties that can hold the element, each with its type (None where `content` gives the type)."""
        if self.choice:
            return tuple((self.name + code[0].upper() + code[1:], kind) for kind in self.types if (code := kind.code))
        return ((self.name, self.types[0] if self.types else None),)


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeDefinition:
    """A resource type or data type: its elements (inherited ones first) and the constraints of its root.

    `parent` is the type that it specialises; `pattern` the regular expression of a primitive, to match in full.
    """

    name: str
    kind: TypeKind
    parent: str | None
    elements: tuple[Element, ...]
    constraints: tuple[Constraint, ...]
    pattern: str | None
    short: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchParameterFact:
    """A search parameter of one resource type.

    `expression` is the part of the published union that starts at the type ("" where R4 gives none); `x as T` and
    `x.as(T)` are written `x.ofType(T)`. `components` of a composite are (code of the component's parameter, FHIRPath
    relative to `expression`).
    """

    code: str
    url: str
    kind: SearchKind
    expression: str
    targets: tuple[str, ...]
    components: tuple[tuple[str, str], ...]
    description: str
