"""One criterion, such as ``subject:Patient.name:exact=Eve``: modifiers, alternatives, chains, reverse chains, lists.

https://hl7.org/fhir/R4/search.html#modifiers, #combining, #chaining, #has, #list, #contained, #composite
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.search.evaluator import dates, numbers, quantities, references, strings, tokens, uris
from tests.search.evaluator.separators import split
from tests.search.evaluator.tokens import IMPLIED_SYSTEMS
from tests.search.evaluator.values import find, parameter_of, values_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from service.fhir.definitions import SearchParameterFact
    from tests.search.evaluator.terminology import Terminology
    from tests.search.evaluator.values import Resource, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that is searched: the resources by ``Type/id``, the server's base URL, the instant of the search."""

    resources: Mapping[str, Resource]
    base: str
    now: datetime
    terminology: Terminology


def holds(world: World, resource: Resource, name: str, text: str) -> bool:
    """Whether a resource meets a criterion, given as the name and value of an HTTP parameter."""
    if name.startswith("_has:"):
        _, source, code, rest = name.split(":", 3)
        return _is_referred_to(world, resource, source, code, (rest, text))
    if name == "_list":
        return any(_is_in_list(world, resource, each) for each in split(text, ","))
    head, dot, rest = name.partition(".")
    code, _, modifier = head.partition(":")
    parameter = parameter_of(resource["resourceType"], code)
    if dot:
        return any(
            holds(world, target, rest, text)
            for target in _targets(world, resource, parameter, modifier)
            if _has_parameter(target, rest)
        )
    return _meets(world, resource, parameter, modifier, text)


def _meets(world: World, resource: Resource, parameter: SearchParameterFact, modifier: str, text: str) -> bool:
    if modifier == "missing":  # "resources that don't have a value for the parameter"
        return (not values_of(resource, parameter)) == (text == "true")
    if modifier in {"not", "not-in"}:  # "the negation applies to the set, not each individual entry"
        return not _meets(world, resource, parameter, {"not": "", "not-in": "in"}[modifier], text)
    alternatives = split(text, ",")
    if parameter.kind == "composite":
        return any(_is_composed(world, resource, parameter, each) for each in alternatives)
    values = values_of(resource, parameter)
    return any(_matches(world, parameter, modifier, each, value) for value in values for each in alternatives)


def _matches(world: World, parameter: SearchParameterFact, modifier: str, text: str, value: Value) -> bool:
    """Whether one value matches one search value."""
    match parameter.kind:
        case "string":
            return strings.matches(text, value, modifier)
        case "token":
            return _token_matches(world, parameter, modifier, text, value)
        case "reference":
            return references.matches(text, value, world.base, modifier)
        case "date":
            return dates.matches(text, value, world.now)
        case "number":
            return numbers.matches(text, value)
        case "quantity":
            return quantities.matches(text, value)
        case "uri":
            return uris.matches(text, value, modifier)
    raise ValueError(parameter.kind)


def _token_matches(world: World, parameter: SearchParameterFact, modifier: str, text: str, value: Value) -> bool:
    implied = IMPLIED_SYSTEMS.get((value.around["resourceType"], parameter.code)) if value.type == "code" else None
    match modifier:
        case "":
            return tokens.matches(text, value, implied)
        case "text":
            return tokens.text_is(text, value)
        case "of-type":
            return tokens.is_of_type(text, value)
        case "in":
            return world.terminology.is_in(text, value, implied)
        case "above":
            return world.terminology.is_above(text, value, implied)
        case "below":
            return world.terminology.is_below(text, value, implied)
    raise ValueError(modifier)


def _is_composed(world: World, resource: Resource, parameter: SearchParameterFact, text: str) -> bool:
    """#composite: whether all parts match within one of the elements that the parameter's expression finds."""
    parts = split(text, "$")
    for expression in parameter.expression.split(" | "):
        for element in find(expression, resource["resourceType"], resource, resource):
            components = zip(parts, parameter.components, strict=True)
            if all(_part_matches(world, element, expression, part, *each) for part, each in components):
                return True
    return False


def _part_matches(world: World, element: Value, place: str, text: str, code: str, expression: str) -> bool:
    component = parameter_of(element.around["resourceType"], code)
    found = find(expression, place, element.content, element.around)
    return any(_matches(world, component, "", text, value) for value in found)


def _targets(world: World, resource: Resource, parameter: SearchParameterFact, wanted: str) -> Iterable[Resource]:
    """#chaining: what a parameter refers to, of the type `wanted` if there is one.

    "A chained condition will be evaluated inside contained resources" (#contained).
    """
    for value in values_of(resource, parameter):
        inside = references.contained(value)
        for target in [inside] if inside else _referred_to(world, value):
            if target["resourceType"] in parameter.targets and wanted in {"", target["resourceType"]}:
                yield target


def _referred_to(world: World, value: Value) -> list[Resource]:
    """The resource of a reference; those of a canonical, which may be several versions."""
    if value.type == "Reference":
        found = world.resources.get(references.target_of(value, world.base) or "")
        return [] if found is None else [found]
    return [each for each in world.resources.values() if references.is_named(value, each, world.base)]


def _has_parameter(resource: Resource, name: str) -> bool:
    """Whether a chain goes on from here: of the types that it may lead to, some have no such parameter."""
    if name == "_list" or name.startswith("_has:"):
        return True
    try:
        parameter_of(resource["resourceType"], name.partition(".")[0].partition(":")[0])
    except KeyError:
        return False
    return True


def _is_referred_to(world: World, resource: Resource, source: str, code: str, criterion: tuple[str, str]) -> bool:
    """#has: whether a resource of the type `source` that meets the criterion refers to this one.

    What is contained is not searched for by itself, and no resource but its container can refer to it; so neither end
    is a contained one.
    """
    return any(
        target is resource and holds(world, each, *criterion)
        for each in world.resources.values()
        if each["resourceType"] == source
        for target in _targets(world, each, parameter_of(source, code), "")
    )


def _is_in_list(world: World, resource: Resource, list_id: str) -> bool:
    """#list: "resources that are referenced from the list [...] in List.entry.item"; no contained one is."""
    found = world.resources.get(f"List/{list_id}")
    if found is None:
        return False
    return any(target is resource for target in _targets(world, found, parameter_of("List", "item"), ""))
