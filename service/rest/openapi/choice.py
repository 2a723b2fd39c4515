"""The rule of a choice element, ``value[x]``: at most one of its types, and one if it is required.

It says what must *not* hold, because code generators leave `not` alone where they would turn a `oneOf` of eleven
alternatives into eleven classes. Wider choices go without: tools that generate data from schemas give up on them.
https://hl7.org/fhir/R4/formats.html#choice
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from service.fhir.definitions.definition import Element, ElementType

Schema = dict[str, Any]

MOST_TYPES: Final = 11
"""Those of Observation.value[x]; wider are Extension.value[x], a Questionnaire's answers, a Task's input and output."""


def choice_rule(elements: Iterable[Element]) -> Schema:
    """The keyword that holds an object to its choices; none where there is nothing to say."""
    broken = [schema for element in elements for schema in _broken(element)]
    return {"not": _any_of(broken)} if broken else {}


def _broken(element: Element) -> list[Schema]:
    present = [_present(name, kind) for name, kind in element.json_names()]
    if len(present) > MOST_TYPES:
        return []
    absent = [{"not": _any_of([schema for each in present for schema in each])}] if element.min else []
    return [*_at_least_two(present), *absent]


def _present(name: str, kind: ElementType | None) -> list[Schema]:
    """How the property of one type can be there: by its value and, for a primitive, by its twin alone."""
    primitive = kind is not None and kind.code[0].islower()
    return [{"required": [spelt]} for spelt in ((name, f"_{name}") if primitive else (name,))]


def _at_least_two(present: Sequence[list[Schema]]) -> list[Schema]:
    """Alternatives that cover every way in which two types are there; n·log n in size, not n²."""
    if len(present) == 1:
        return []
    left, right = present[: len(present) // 2], present[len(present) // 2 :]
    halves = [_any_of([schema for each in half for schema in each]) for half in (left, right)]
    return [{"allOf": halves}, *_at_least_two(left), *_at_least_two(right)]


def _any_of(schemas: list[Schema]) -> Schema:
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
