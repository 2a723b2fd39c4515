"""The rule of a choice element, ``value[x]``: at most one of its properties, and one if it is required.

The rule is written as what must *not* hold, because code generators leave `not` alone where they would turn a `oneOf`
of fifty alternatives into fifty classes. https://hl7.org/fhir/R4/formats.html#choice
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from service.fhir.definitions.definition import Element, ElementType

Schema = dict[str, Any]


def broken_choices(elements: Iterable[Element]) -> Schema | None:
    """The schema that a value matches when it breaks one of the choices; None where no rule is needed."""
    broken: list[Schema] = []
    for element in elements:
        present = [_present(name, kind) for name, kind in element.json_names()]
        broken += _at_least_two(present)
        if element.min:
            broken.append({"not": _any_of(present)})
    return _alternatives(broken) if broken else None


def _present(name: str, kind: ElementType | None) -> list[Schema]:
    """How the property of one type can be there: by its value and, for a primitive, by its twin alone."""
    primitive = kind is not None and kind.code[0].islower()
    return [{"required": [spelt]} for spelt in ((name, f"_{name}") if primitive else (name,))]


def _at_least_two(present: Sequence[list[Schema]]) -> list[Schema]:
    """Alternatives that cover every way in which two types are there; n·log n in size, not n²."""
    if len(present) == 1:
        return []
    left, right = present[: len(present) // 2], present[len(present) // 2 :]
    return [{"allOf": [_any_of(left), _any_of(right)]}, *_at_least_two(left), *_at_least_two(right)]


def _any_of(present: Sequence[list[Schema]]) -> Schema:
    return _alternatives([schema for schemas in present for schema in schemas])


def _alternatives(schemas: list[Schema]) -> Schema:
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
