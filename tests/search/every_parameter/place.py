"""Where the FHIRPath of a search parameter leads to, and content that has a value there.

Walked here once more, from R4's definitions alone: what the service resolves wrongly, it must not build right.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from service.fhir.definitions import Definitions, Element

    Json = dict[str, Any]

_STEP = re.compile(
    r"where\(resolve\(\) is (?P<target>\w+)\)"
    r"|where\((?P<field>\w+) ?= ?'(?P<value>[^']*)'\)"
    r"|ofType\((?P<type>\w+)\)"
    r"|(?P<member>\w+)"
)
_INLINE = {"BackboneElement", "Element"}


class NowhereError(ValueError):
    """The expression does more than to lead from an element to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A JSON property to enter, whether it is an array, and what an object in it must have."""

    name: str
    repeats: bool
    fixed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The steps from a resource to a value of one data type; `target` is the type that a reference must be to."""

    steps: tuple[Step, ...] = ()
    type: str
    binding: str | None = None
    target: str | None = None
    elements: tuple[Element, ...] | None = None


def places(definitions: Definitions, expression: str) -> list[Place]:
    """The places of one operand of an expression, one for each type of a choice."""
    first, *steps = _steps(expression)
    reached = [Place(type=first["member"])]
    for step in steps:
        if step["member"]:
            reached = [entered for place in reached for entered in _entered(definitions, place, step["member"])]
        elif step["type"]:
            reached = [place for place in reached if place.type.lower() == step["type"].lower()]
        elif step["target"]:
            reached = [replace(place, target=step["target"]) for place in reached]
        else:
            reached = [_with_fixed(place, step["field"], step["value"]) for place in reached]
    return reached


def elsewhere(place: Place) -> list[Place]:
    """The place that the conditions on the way to a place leave out; none where there are no conditions."""
    steps = tuple(replace(step, fixed=tuple((field, "other") for field, _ in step.fixed)) for step in place.steps)
    return [] if steps == place.steps else [replace(place, steps=steps)]


def content_at(steps: Sequence[Step], *values: Any) -> Json:
    """The content that has the values at the end of the steps: in the innermost array where there are several."""
    found: list[Any] = list(values)
    for step in reversed(steps):
        objects = [{**dict(step.fixed), **each} if step.fixed else each for each in found]
        if step.repeats:
            found = [{step.name: objects}]
        else:
            (only,) = objects
            found = [{step.name: only}]
    (content,) = found
    return dict(content)


def _steps(expression: str) -> list[re.Match[str]]:
    found, position = [], 0
    while position < len(expression):
        step = _STEP.match(expression, position)
        if step is None or expression[step.end() : step.end() + 1] not in {"", "."}:
            raise NowhereError(expression)
        found.append(step)
        position = step.end() + 1
    return found


def _with_fixed(place: Place, field: str, value: str) -> Place:
    *before, last = place.steps
    return replace(place, steps=(*before, replace(last, fixed=((field, value),))))


def _entered(definitions: Definitions, place: Place, name: str) -> list[Place]:
    elements = place.elements if place.elements is not None else definitions.type(place.type).elements
    element = _named(elements, name)
    if element is None:
        return []
    if element.content is not None:
        root, *names = element.content.split(".")
        elements = definitions.type(root).elements
        for each in names:
            shared = _named(elements, each)
            elements = shared.children if shared else ()
        return [Place(steps=(*place.steps, Step(name=name, repeats=True)), type="BackboneElement", elements=elements)]
    return [
        Place(
            steps=(*place.steps, Step(name=json_name, repeats=element.repeats)),
            type=kind.code,
            binding=element.binding if kind.code == "code" else None,
            elements=element.children if kind.code in _INLINE else None,
        )
        for json_name, kind in element.json_names()
        if kind is not None
    ]


def _named(elements: Iterable[Element], name: str) -> Element | None:
    return next((each for each in elements if each.name == name), None)
