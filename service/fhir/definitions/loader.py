"""The compiled facts, read lazily: a type's file is opened when the type is first asked for."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import msgspec

from service.fhir.definitions.definition import (
    CodeRule,
    Constraint,
    Element,
    ElementType,
    SearchParameterFact,
    TypeDefinition,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from importlib.resources.abc import Traversable

Facts = dict[str, Any]

_RULES: Final[Mapping[str, CodeRule]] = {"language": "language", "media-type": "media-type"}


def load() -> Definitions:
    """The definitions that are packaged with the service; reads no facts yet."""
    return Definitions(resources.files("service.fhir.definitions"))


class Definitions:
    """What R4 says about its types. `folder` holds ``served.txt`` and ``facts/``."""

    def __init__(self, folder: Traversable) -> None:
        self._folder = folder
        self._facts = folder / "facts"
        self._types: dict[str, TypeDefinition] = {}
        self._search: dict[str, dict[str, SearchParameterFact]] = {}

    @cached_property
    def resource_types(self) -> tuple[str, ...]:
        """The served resource types, sorted."""
        served = (self._folder / "served.txt").read_text(encoding="utf-8").split()
        if unknown := set(served) - self.all_type_names:
            message = f"served.txt lists types that R4 does not have: {', '.join(sorted(unknown))}"
            raise ValueError(message)
        return tuple(sorted(served))

    @cached_property
    def all_type_names(self) -> frozenset[str]:
        """Every concrete R4 resource type, served or not."""
        abstract = {"Resource", "DomainResource"}
        return frozenset(name for name, (kind, _) in self._index.items() if kind == "resource") - abstract

    @cached_property
    def data_type_names(self) -> frozenset[str]:
        """Every R4 data type, primitive and complex."""
        return frozenset(name for name, (kind, _) in self._index.items() if kind != "resource")

    def parent(self, name: str) -> str | None:
        """The type that a type specialises; None for Resource and Element. Raises KeyError if unknown."""
        return self._index[name][1] or None

    def is_a(self, name: str, ancestor: str) -> bool:
        """Whether the type is `ancestor` or specialises it, such as Age and Quantity."""
        current: str | None = name
        while current and current != ancestor:
            current = self.parent(current)
        return current == ancestor

    def type(self, name: str) -> TypeDefinition:
        """A resource type or data type, primitive or complex; raises KeyError if R4 has none of that name."""
        found = self._types.get(name)
        if found is None:
            if name not in self._index:
                raise KeyError(name)
            found = self._types[name] = self._build(self._read(f"types/{name}.json"))
        return found

    def codes(self, binding: str) -> frozenset[str]:
        """All codes of a required value set; empty for one that is checked by `code_rule`."""
        return frozenset(code for codes in self.codings(binding).values() for code in codes)

    def codings(self, binding: str) -> Mapping[str, frozenset[str]]:
        """The codes of a required value set by code system; empty for one that is checked by `code_rule`."""
        if binding in _RULES:
            return {}
        return {system: frozenset(codes) for system, codes in self._codes[binding].items()}

    def code_rule(self, binding: str) -> CodeRule | None:
        """How the codes of an open-ended value set are checked; None where the codes are listed."""
        return _RULES.get(binding)

    def search_parameters(self, resource_type: str) -> Mapping[str, SearchParameterFact]:
        """The search parameters of a resource type by code, with those of Resource and DomainResource."""
        found = self._search.get(resource_type)
        if found is None:
            found = {}
            declaring: str | None = resource_type
            while declaring:
                for facts in self._search_facts(declaring):
                    fact = _search_parameter(facts, declaring, resource_type)
                    found.setdefault(fact.code, fact)
                declaring = self.parent(declaring)
            self._search[resource_type] = found = dict(sorted(found.items()))
        return found

    @cached_property
    def compartments(self) -> tuple[str, ...]:
        """The resource types that have a compartment."""
        return tuple(self._compartments)

    def compartment(self, name: str) -> Mapping[str, tuple[str, ...]]:
        """Resource type → the search parameters that put a resource into the compartment; KeyError if unknown."""
        return {kind: tuple(codes) for kind, codes in self._compartments[name].items()}

    @cached_property
    def _index(self) -> dict[str, tuple[str, str]]:
        return {name: (kind, parent) for name, (kind, parent) in self._read("index.json").items()}

    @cached_property
    def _codes(self) -> dict[str, dict[str, list[str]]]:
        codes: dict[str, dict[str, list[str]]] = self._read("codes.json")
        return codes

    @cached_property
    def _compartments(self) -> dict[str, dict[str, list[str]]]:
        compartments: dict[str, dict[str, list[str]]] = self._read("compartments.json")
        return compartments

    def _search_facts(self, declaring: str) -> list[Facts]:
        path = self._facts / "search" / f"{declaring}.json"
        return msgspec.json.decode(path.read_bytes()) if path.is_file() else []

    def _read(self, name: str) -> Any:
        return msgspec.json.decode(self._facts.joinpath(name).read_bytes())

    def _build(self, facts: Facts) -> TypeDefinition:
        name, parent = facts["name"], facts.get("parent")
        inherited = self.type(parent) if parent else None
        own = [self._element(name, item) for item in facts["elements"]]
        return TypeDefinition(
            name=name,
            kind=facts["kind"],
            parent=parent,
            elements=_with_inherited(name, own, inherited),
            constraints=(*(inherited.constraints if inherited else ()), *_constraints(facts)),
            pattern=facts.get("pattern"),
            short=facts["short"],
        )

    def _element(self, owner: str, facts: Facts) -> Element:
        choice = facts.get("choice", False)
        path = f"{owner}.{facts['name']}{'[x]' if choice else ''}"
        types = tuple(_element_type(text) for text in facts.get("types", ()))
        children = tuple(self._element(path, item) for item in facts.get("children", ()))
        maximum = facts.get("max", 1)
        return Element(
            name=facts["name"],
            path=path,
            min=facts.get("min", 0),
            max=None if maximum == "*" else maximum,
            types=types,
            choice=choice,
            summary=facts.get("summary", False),
            modifier=facts.get("modifier", False),
            binding=facts.get("binding"),
            constraints=_constraints(facts),
            content=facts.get("content"),
            children=_with_inherited(path, children, self.type(types[0].code)) if children else (),
            short=facts["short"],
        )


def _with_inherited(path: str, own: Iterable[Element], inherited: TypeDefinition | None) -> tuple[Element, ...]:
    """The inherited elements at their new path, then the own ones; an own element replaces its inherited namesake."""
    elements = {item.name: _at(path, item) for item in inherited.elements} if inherited else {}
    elements.update((item.name, item) for item in own)
    return tuple(elements.values())


def _at(path: str, element: Element) -> Element:
    return replace(element, path=f"{path}.{element.path.rpartition('.')[2]}")


def _element_type(text: str) -> ElementType:
    code, _, targets = text.rstrip(")").partition("(")
    return ElementType(code=code, targets=tuple(targets.split("|")) if targets else ())


def _constraints(facts: Facts) -> tuple[Constraint, ...]:
    return tuple(
        Constraint(
            key=rule["key"],
            human=rule["human"],
            expression=rule["expression"],
            severity=rule.get("severity", "error"),
        )
        for rule in facts.get("constraints", ())
    )


def _search_parameter(facts: Facts, declaring: str, resource_type: str) -> SearchParameterFact:
    expression: str = facts.get("expression", "")
    return SearchParameterFact(
        code=facts["code"],
        url=facts["url"],
        kind=facts["kind"],
        expression=expression.replace(f"{declaring}.", f"{resource_type}.", 1),
        targets=tuple(facts.get("targets", ())),
        components=tuple((code, path) for code, path in facts.get("components", ())),
        description=facts["description"],
    )
