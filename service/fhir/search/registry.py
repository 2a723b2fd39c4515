"""The search parameters that the service answers, and those of R4 that it knowingly does not, type by type.

Compiled from the definitions when a type is first asked for. Sources are shared: ``patient`` reads the rows of
``subject``, narrowed to Patient; ``combo-code`` those of ``code`` and ``component-code``; ``name`` those of ``family``,
``given`` and the other parts of a name.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

from service.fhir.reference import type_code
from service.fhir.search.composed import Composed
from service.fhir.search.contained import contained_number, container_number, inner_number
from service.fhir.search.expression import Path, UnresolvableError, resolve_expression
from service.fhir.search.pairs import PAIRS, pair_sources
from service.fhir.search.parameter import (
    KINDS,
    MEDIA_TYPES,
    SearchParameter,
    Source,
    of_type_number,
    parts_number,
    restricted_number,
    source_number,
)
from service.fhir.search.restriction import restriction_of
from service.fhir.search.shared import shared
from service.fhir.search.stored_parameters import StoredParameter, parameter_facts, shipped_parameters
from service.fhir.search.types import SEARCH_TYPES
from service.fhir.search.unsupported import UNSUPPORTED_KINDS, UNSUPPORTED_PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from service.fhir.definitions import Definitions, SearchParameterFact
    from service.fhir.resource import Content
    from service.fhir.search.expression import Resolved
    from service.fhir.search.parameter import Kind
    from service.fhir.search.stored_parameters import State

_SHARED: Final = 512
"""Combinations of types whose shared parameters are kept: clients choose them, and there are more than fit."""

_PHONETIC: Final = "phonetic"
"""R4's parameter that compares names by their sound, of every type that has it."""

_SUBJECT: Final = "patient"
"""R4's parameter, of every type that has it, for the patient that a resource is about."""
_BOOLEAN: Final = re.compile(r" (?:and|or) ")
"""Marks an expression whose value is a boolean, such as that of ``deceased``."""


class Registry:
    """The search parameters of every served type: R4's, those that ship with the service, the `extra` and stored ones.

    Of the stored ones those that are not ready are only indexed. Raises ValueError when two types, or two sources,
    share a number.
    """

    def __init__(
        self,
        definitions: Definitions,
        extra: Mapping[str, Sequence[SearchParameterFact]] | None = None,
        stored: Sequence[StoredParameter] = (),
    ) -> None:
        self.definitions: Final = definitions
        self.stored: Final = tuple(stored)
        self._given: Final = extra or {}
        self._extra: Final = shipped_parameters(definitions)
        for resource_type, facts in self._given.items():
            self._extra.setdefault(resource_type, []).extend(facts)
        self._parameters: dict[str, dict[str, SearchParameter]] = {}
        self._indexed: dict[str, tuple[SearchParameter, ...]] = {}
        self._left: dict[str, tuple[SearchParameter, ...]] = {}
        self._unsupported: dict[str, dict[str, str]] = {}
        self._numbers: dict[int, tuple[str, ...]] = {}
        self._composed: dict[str, Composed] = {}
        self._shared: dict[tuple[str, ...], dict[str, SearchParameter]] = {}
        _refuse_collisions(definitions.all_type_names)

    def with_stored(self, stored: Sequence[StoredParameter]) -> Registry:
        """The registry with these stored parameters in the place of others; what else is compiled already is shared."""
        found = Registry(self.definitions, self._given, stored)
        concerned = {resource_type for each in (*stored, *self.stored) for resource_type in each.facts}
        for resource_type in self._parameters.keys() - concerned:
            found._parameters[resource_type] = self._parameters[resource_type]
            found._indexed[resource_type] = self._indexed[resource_type]
            found._left[resource_type] = ()
            found._unsupported[resource_type] = self._unsupported[resource_type]
            found._composed[resource_type] = self._composed.get(resource_type, Composed())
        if not self.stored:
            found._numbers = dict(self._numbers)
        return found

    def stored_parameter(self, content: Content, state: State = "ready") -> StoredParameter:
        """What a valid SearchParameter resource comes to beside the parameters of the release; FhirError."""
        facts = parameter_facts(self.definitions, content, self._extra)
        return StoredParameter(facts=facts, state=state, restriction=restriction_of(content))

    def being_indexed(self, resource_type: str) -> frozenset[str]:
        """The codes of stored parameters of the type that cannot be searched by yet."""
        facts = [each.facts.get(resource_type) for each in self.stored if each.state == "indexing"]
        return frozenset(fact.code for fact in facts if fact)

    def parameters(self, resource_type: str) -> Mapping[str, SearchParameter]:
        """The parameters of a served type by code, sorted."""
        if resource_type not in self._parameters:
            self._compile(resource_type)
        return self._parameters[resource_type]

    def indexed(self, resource_type: str) -> tuple[SearchParameter, ...]:
        """The parameters of a served type that are indexed: those that it has, and those that come or go."""
        if resource_type not in self._indexed:
            self._compile(resource_type)
        return self._indexed[resource_type]

    def unsupported(self, resource_type: str) -> Mapping[str, str]:
        """R4's parameters of a served type that the service refuses: code → reason."""
        if resource_type not in self._unsupported:
            self._compile(resource_type)
        return self._unsupported[resource_type]

    def shared_parameters(self, resource_types: tuple[str, ...]) -> Mapping[str, SearchParameter]:
        """The parameters that all of the types have and read alike, with the sources of all of them."""
        if len(resource_types) == 1:
            return self.parameters(resource_types[0])
        found = self._shared.get(resource_types)
        if found is None:
            found = shared([self.parameters(each) for each in resource_types])
            if len(self._shared) >= _SHARED:
                self._shared.clear()
            self._shared[resource_types] = found
        return found

    def sources(self, resource_type: str) -> tuple[Source, ...]:
        """Everything that is indexed of a type, each source once; composites read those of their components."""
        return _sources(self.indexed(resource_type))

    def composed_elements(self, resource_type: str) -> tuple[Path, ...]:
        """The elements within which the values of composites stand together, the resource itself left out."""
        self.parameters(resource_type)
        return tuple(self._composed[resource_type].elements) if resource_type in self._composed else ()

    @cached_property
    def reference_sources(self) -> tuple[int, ...]:
        """The numbers of the reference sources that can be searched, of all served types."""
        return self._references(self.parameters(each).values() for each in self.definitions.resource_types)

    @cached_property
    def every_reference_source(self) -> tuple[int, ...]:
        """The numbers of all reference sources that there may be rows of."""
        types = self.definitions.resource_types
        return self._references((*self.indexed(each), *self._left[each]) for each in types)

    @staticmethod
    def _references(parameters: Iterable[Iterable[SearchParameter]]) -> tuple[int, ...]:
        return tuple(source.number for each in parameters for source in _sources(each) if source.kind == "reference")

    def _compile(self, resource_type: str) -> None:
        parameters: dict[str, SearchParameter] = {}
        unsupported: dict[str, str] = {}
        self._claimed(contained_number(resource_type), resource_type, "contained")
        self._claimed(container_number(resource_type), resource_type, "container")
        facts = dict(self.definitions.search_parameters(resource_type))
        facts.update((fact.code, fact) for fact in self._extra.get(resource_type, ()))
        stored = [(each, each.facts[resource_type]) for each in self.stored if resource_type in each.facts]
        ready = {fact.code: (fact, each.restriction) for each, fact in stored if each.state == "ready"}
        for fact in (*facts.values(), *(fact for fact, _ in ready.values())):
            compiled = self._compiled(resource_type, fact, facts)
            if isinstance(compiled, str):
                unsupported[fact.code] = compiled
            else:
                parameters[fact.code] = compiled
        for code in ready.keys() & parameters.keys():
            parameters[code] = replace(parameters[code], restriction=ready[code][1])
        if pair := PAIRS.get(resource_type):
            parameters[pair.code] = replace(parameters[pair.code], pair=pair_sources(pair, parameters))
        others = [
            (each.state, self._compiled(resource_type, fact, facts)) for each, fact in stored if each.state != "ready"
        ]
        left = [each for state, each in others if state == "left" and not isinstance(each, str)]
        indexed = [each for state, each in others if state != "left" and not isinstance(each, str)]
        self._left[resource_type] = tuple(left)
        self._indexed[resource_type] = (*parameters.values(), *indexed)
        self._unsupported[resource_type] = unsupported
        self._parameters[resource_type] = dict(sorted(parameters.items()))

    def _compiled(
        self, resource_type: str, fact: SearchParameterFact, facts: Mapping[str, SearchParameterFact]
    ) -> SearchParameter | str:
        if fact.kind == "composite":
            return self._composite(resource_type, fact, facts)
        return self._parameter(resource_type, fact)

    def _composite(
        self, resource_type: str, fact: SearchParameterFact, facts: Mapping[str, SearchParameterFact]
    ) -> SearchParameter | str:
        """The compiled composite, each component with the sources that it has within the composite's element."""
        bases = fact.expression.split(" | ")
        components: list[SearchParameter] = []
        for code, expression in fact.components:
            within = " | ".join(f"{base}.{part}" for base in bases for part in expression.split(" | "))
            component = self._parameter(resource_type, replace(facts[code], expression=within))
            if isinstance(component, str) and facts[code].expression.startswith(f"{fact.expression}."):
                # R4 has the expressions of DocumentReference.relationship the wrong way round
                component = self._parameter(resource_type, facts[code])
            if isinstance(component, str):
                return component
            components.append(component)
        elements = [path for base in bases for path in resolve_expression(self.definitions, base).paths]
        if reason := self._composed.setdefault(resource_type, Composed()).add(components, elements):
            return reason
        return SearchParameter(
            code=fact.code,
            kind="composite",
            url=fact.url,
            description=fact.description,
            sources=(),
            components=tuple(components),
        )

    def _parameter(self, resource_type: str, fact: SearchParameterFact) -> SearchParameter | str:
        """The compiled parameter, or the reason why there is none."""
        if reason := UNSUPPORTED_PARAMETERS.get(fact.code):
            return reason
        kind = next((kind for kind in KINDS if kind == fact.kind), None)
        if kind is None:
            return UNSUPPORTED_KINDS[fact.kind]
        own = self.definitions.search_parameters(resource_type)
        parameter = SearchParameter(
            code=fact.code, kind=kind, url=fact.url, description=fact.description, sources=(), targets=fact.targets
        )
        if fact.code == _SUBJECT and fact == own.get(_SUBJECT):
            parameter = replace(parameter, is_subject=True)
        if fact.code == "_id":
            return replace(parameter, special="_id")
        if fact.code == "_lastUpdated":
            return replace(parameter, special="_lastUpdated")
        if _BOOLEAN.search(fact.expression) and fact.code in own:
            return replace(parameter, sources=(self._evaluated(resource_type, kind, fact.expression),))
        try:
            resolved = [resolve_expression(self.definitions, part) for part in fact.expression.split(" | ")]
            return self._with_sources(parameter, resource_type, resolved)
        except UnresolvableError as error:
            return f"the service cannot index {error}"

    def _with_sources(
        self, parameter: SearchParameter, resource_type: str, resolved: Sequence[Resolved]
    ) -> SearchParameter:
        sources = tuple(source for one in resolved for source in self._sources_of(resource_type, parameter.kind, one))
        if parameter.code == _PHONETIC:
            sources = tuple(map(self._phonetic, sources))
        restrictions = {one.target for one in resolved}
        if len(restrictions) > 1:
            raise UnresolvableError(" | ".join(one.text for one in resolved))
        target = restrictions.pop()
        if target is not None:
            for source in sources:
                self._claimed(restricted_number(source, target), resource_type, target, source.expression)
        return replace(
            parameter,
            sources=sources,
            targets=(target,) if target else parameter.targets,
            restricted_to=target,
            systems=self._implied_systems(path for source in sources for path in source.paths),
        )

    def _sources_of(self, resource_type: str, kind: Kind, resolved: Resolved) -> list[Source]:
        search_type = SEARCH_TYPES[kind]
        whole = tuple(path for path in resolved.paths if path.type in search_type.extractors)
        sources = [self._source(resource_type, kind, resolved.text, whole)] if whole else []
        names = {name for path in resolved.paths for name in search_type.parts.get(path.type, ())}
        for name in sorted(names):
            part = resolve_expression(self.definitions, f"{resolved.text}.{name}")
            sources.append(self._source(resource_type, kind, part.text, part.paths))
        if not sources:
            raise UnresolvableError(resolved.text)
        return sources

    def _source(self, resource_type: str, kind: Kind, expression: str, paths: tuple[Path, ...]) -> Source:
        number = self._claimed(source_number(resource_type, kind, expression), resource_type, kind, expression)
        identifiers = parts = 0
        if kind == "token" and any(path.type == "Identifier" or path.binding == MEDIA_TYPES for path in paths):
            identifiers = self._claimed(of_type_number(resource_type, expression), resource_type, "type", expression)
        elif kind == "string":
            parts = self._claimed(parts_number(resource_type, expression), resource_type, "parts", expression)
        return Source(
            number=number,
            type=resource_type,
            kind=kind,
            expression=expression,
            paths=paths,
            of_type_number=identifiers,
            parts_number=parts,
            versioned=kind == "uri" and expression == f"{resource_type}.url" and self._has_version(resource_type),
        )

    def _has_version(self, resource_type: str) -> bool:
        return any(element.name == "version" for element in self.definitions.type(resource_type).elements)

    def _claimed(self, number: int, *named: str) -> int:
        """The number, which no other source may have, nor a source within contained resources."""
        for each, name in ((number, named), (inner_number(number), ("contained", *named))):
            if self._numbers.setdefault(each, name) != name:
                raise ValueError(f"the sources {self._numbers[each]} and {name} have the same number")
        return number

    def _evaluated(self, resource_type: str, kind: Kind, expression: str) -> Source:
        return replace(self._source(resource_type, kind, expression, ()), evaluated="boolean")

    def _phonetic(self, source: Source) -> Source:
        """A source of the sounds of what the source reads."""
        expression = f"{source.expression}:phonetic"
        number = self._claimed(source_number(source.type, source.kind, expression), source.type, expression)
        return replace(source, number=number, parts_number=0, phonetic=True)

    def _implied_systems(self, paths: Iterable[Path]) -> Mapping[str, frozenset[str]]:
        """The codes by system when every path ends in an element of type code with a listed binding."""
        systems: dict[str, frozenset[str]] = {}
        for path in paths:
            if path.binding is None or self.definitions.code_rule(path.binding) is not None:
                return {}
            for system, codes in self.definitions.codings(path.binding).items():
                systems[system] = systems.get(system, frozenset()) | codes
        return systems


def _sources(parameters: Iterable[SearchParameter]) -> tuple[Source, ...]:
    every = (each for parameter in parameters for each in (parameter, *parameter.components))
    return tuple({source.number: source for each in every for source in each.sources}.values())


def _refuse_collisions(type_names: Iterable[str]) -> None:
    known: dict[int, str] = {}
    for name in sorted(type_names):
        other = known.setdefault(type_code(name), name)
        if other != name:
            raise ValueError(f"the resource types {other} and {name} have the same number")
