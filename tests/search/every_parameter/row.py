"""The rows of the table: for each parameter a resource that has a value, one that has another, and what tells them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from service.fhir.search.stored_parameters import shipped_parameters
from tests.search.every_parameter.by_hand import BY_HAND
from tests.search.every_parameter.place import NowhereError, content_at, elsewhere, places
from tests.search.every_parameter.sample import NoSampleError, samples

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from service.fhir.definitions import Definitions, SearchParameterFact
    from tests.search.every_parameter.place import Place
    from tests.search.every_parameter.sample import Sample

    Json = dict[str, Any]
    Facts = Mapping[str, SearchParameterFact]

MOST_TARGETS = 12
"""Types of targets of a reference that get a row each."""
MOST_NAMED = 2
"""The same of a canonical."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Every one of `searches` finds `match` and not `other`; other rows' resources only where values are `shared`.

    `both` tells whether the other resource has a value at all, which is another one then. `modified` are searches with
    modifiers that the parameter may take. `target` is the resource that the match refers to, with its content.
    In a search ``{id}`` stands for the id of the match and ``{instant}`` for when it was last updated.
    """

    type: str
    code: str
    match: Json
    other: Json
    searches: tuple[str, ...]
    shared: bool
    both: bool = True
    modified: tuple[tuple[str, str], ...] = ()
    target: str | None = None
    target_content: Mapping[str, Any] = field(default_factory=dict)


class Rows:
    """Makes the rows of all parameters; no two of them have the same value, unless it is one of a few codes."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._shipped = shipped_parameters(definitions)
        self._numbers = itertools.count(2, 2)

    def of(self, resource_type: str, code: str) -> list[Row]:
        """The rows of a parameter, one for each data type at each of its places; none where none can be made."""
        facts = {
            **self._definitions.search_parameters(resource_type),
            **{fact.code: fact for fact in self._shipped.get(resource_type, ())},
        }
        written = BY_HAND.get((resource_type, code)) or BY_HAND.get(("*", code))
        if written is not None:
            return [
                Row(
                    type=resource_type,
                    code=code,
                    match=each.match,
                    other=each.other,
                    searches=tuple(each.searches),
                    shared=True,
                )
                for each in written
            ]
        try:
            made = self._composed if facts[code].kind == "composite" else self._plain
            return list(made(resource_type, facts, facts[code]))
        except (NowhereError, NoSampleError):
            return []

    def _plain(self, resource_type: str, _: Facts, fact: SearchParameterFact) -> Iterator[Row]:
        """Where a place has conditions, a further resource has the value where they do not hold."""
        for place in self._read(fact):
            for there, both in ((place, True), *((each, False) for each in elsewhere(place))):
                for one, another in self._pairs(fact, place):
                    yield Row(
                        type=resource_type,
                        code=fact.code,
                        match=content_at(place.steps, one.value),
                        other=content_at(there.steps, another.value if both else one.value),
                        searches=one.searches,
                        shared=one.shared,
                        both=both,
                        modified=one.modified,
                        target=one.target,
                        target_content=one.target_content,
                    )

    def _read(self, fact: SearchParameterFact) -> Iterator[Place]:
        """The places that a parameter reads; those of references and canonicals for several types of targets."""
        for expression in fact.expression.split(" | "):
            for place in places(self._definitions, expression):
                if place.type == "Reference" and place.target is None:
                    yield from (replace(place, target=target) for target in fact.targets[:MOST_TARGETS])
                elif place.type == "canonical" and (named := self._named(fact)):
                    yield from (replace(place, target=target) for target in named[:MOST_NAMED])
                else:
                    yield place

    def _named(self, fact: SearchParameterFact) -> list[str]:
        """The served types of targets whose resources have URLs and versions."""
        served = [each for each in fact.targets if each in self._definitions.resource_types]
        return [each for each in served if {"url", "version"} <= self._properties(each)]

    def _properties(self, resource_type: str) -> set[str]:
        elements = self._definitions.type(resource_type).elements
        return {each.name for each in elements if [one.code for one in each.types] in (["uri"], ["string"])}

    def _composed(self, resource_type: str, facts: Facts, fact: SearchParameterFact) -> Iterator[Row]:
        """In an array the other resource has both values too, crosswise: never both of them in one element."""
        for expression in fact.expression.split(" | "):
            for base in places(self._definitions, expression):
                parts = [list(self._parts(facts[code], expression, paths)) for code, paths in fact.components]
                for chosen in itertools.product(*parts):
                    (first, (one, another)), (second, (other, different)) = (
                        (place.steps[len(base.steps) :], pair) for place, pair in chosen
                    )
                    match = {**content_at(first, one.value), **content_at(second, other.value)}
                    crossed = [{**content_at(first, one.value), **content_at(second, different.value)}]
                    if base.steps:
                        crossed += [{**content_at(first, another.value), **content_at(second, other.value)}]
                    yield Row(
                        type=resource_type,
                        code=fact.code,
                        match=content_at(base.steps, match),
                        other=content_at(base.steps, *crossed),
                        searches=tuple(f"{before}${after}" for before in one.searches for after in other.searches),
                        shared=one.shared and other.shared,
                    )

    def _parts(self, fact: SearchParameterFact, base: str, paths: str) -> Iterator[tuple[Place, tuple[Sample, Sample]]]:
        for path in paths.split(" | "):
            for place in places(self._definitions, f"{base}.{path}"):
                for pair in self._pairs(fact, place):
                    yield place, pair

    def _pairs(self, fact: SearchParameterFact, place: Place) -> Iterator[tuple[Sample, Sample]]:
        """Samples that differ: of a number of their own each."""
        number = next(self._numbers)
        one, other = (samples(self._definitions, fact.kind, place, each) for each in (number, number + 1))
        yield from zip(one, other, strict=True)
