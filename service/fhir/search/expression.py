"""The FHIRPath of search parameters, resolved against the definitions into JSON paths that can be walked directly.

https://hl7.org/fhir/R4/searchparameter-definitions.html#SearchParameter.expression. What R4's own parameters use is
member access, ``ofType(T)``, ``where(element = 'code')`` and ``where(resolve() is T)``; `resolve_expression` raises
`UnresolvableError` for the rest. Choice elements become their JSON names, one path per type.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from service.fhir.definitions import Definitions, Element

_STEP: Final = re.compile(
    r"\.(?:ofType\((?P<of_type>\w+)\)"
    r"|where\(resolve\(\) is (?P<target>\w+)\)"
    r"|where\((?P<field>\w+)\s*=\s*'(?P<literal>[^'\\]*)'\)"
    r"|(?P<member>\w+)(?![\w(]))"
)
_ROOT: Final = re.compile(r"[A-Z]\w*")
_INLINE: Final = frozenset({"BackboneElement", "Element"})


class UnresolvableError(ValueError):
    """An expression outside of the subset, or one that names an element that R4 does not have."""


@dataclass(frozen=True, slots=True)
class Where:
    """Keeps the objects whose `field` is `value`."""

    field: str
    value: str


Step = str | Where
"""A JSON property to enter, or a filter on the objects reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """The properties that lead from a resource to values of one data type.

    `binding` is that of a code element; `repeats` tells whether there may be several of them in one resource.
    """

    steps: tuple[Step, ...]
    type: str
    binding: str | None = None
    repeats: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """The paths of an expression. `text` is its normal form; `target` the type that ``resolve()`` restricts it to."""

    text: str
    paths: tuple[Path, ...]
    target: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reached:
    """A position in the definitions: the path so far, and the element whose value it reaches (None at the root)."""

    path: Path
    children: tuple[Element, ...] | None = None


def resolve_expression(definitions: Definitions, expression: str) -> Resolved:
    """The JSON paths of one operand of a search parameter's expression; raises `UnresolvableError`."""
    root = _ROOT.match(expression)
    if root is None:
        raise UnresolvableError(expression)
    reached = [_Reached(path=Path(steps=(), type=root[0]))]
    text, target, position = root[0], None, root.end()
    while position < len(expression):
        step = _STEP.match(expression, position)
        if step is None or target is not None:
            raise UnresolvableError(expression)
        position = step.end()
        if step["target"]:
            target = step["target"]
            continue
        reached = list(_apply(definitions, step, reached))
        text += f".ofType({reached[0].path.type})" if step["of_type"] and reached else step[0]
    if not reached:
        raise UnresolvableError(expression)
    return Resolved(text=text, paths=tuple(each.path for each in reached), target=target)


def _apply(definitions: Definitions, step: re.Match[str], reached: Iterable[_Reached]) -> Iterator[_Reached]:
    for each in reached:
        if step["member"]:
            yield from _enter(definitions, each, step["member"])
        elif step["of_type"]:
            # R4's code-value-date says DateTime, a type that is spelled dateTime
            if each.path.type.casefold() == step["of_type"].casefold():
                yield each
        else:
            where = Where(step["field"], step["literal"])
            yield replace(each, path=replace(each.path, steps=(*each.path.steps, where)))


def _enter(definitions: Definitions, reached: _Reached, name: str) -> Iterator[_Reached]:
    element = next((child for child in _children(definitions, reached) if child.name == name), None)
    if element is None:
        return
    if element.content is not None:
        shared = _element_at(definitions, element.content)
        yield _Reached(path=_extended(reached, element.name, shared), children=shared.children)
        return
    for property_name, element_type in element.json_names():
        if element_type is not None:
            path = Path(
                steps=(*reached.path.steps, property_name),
                type=element_type.code,
                binding=element.binding if element_type.code == "code" else None,
                repeats=reached.path.repeats or element.repeats,
            )
            yield _Reached(path=path, children=element.children if element_type.code in _INLINE else None)


def _extended(reached: _Reached, name: str, element: Element) -> Path:
    return Path(steps=(*reached.path.steps, name), type=element.types[0].code, repeats=True)


def _children(definitions: Definitions, reached: _Reached) -> tuple[Element, ...]:
    if reached.children is not None:
        return reached.children
    try:
        return definitions.type(reached.path.type).elements
    except KeyError:
        return ()


def _element_at(definitions: Definitions, path: str) -> Element:
    root, *names = path.split(".")
    elements, found = definitions.type(root).elements, None
    for name in names:
        found = next((element for element in elements if element.name == name), None)
        if found is None:
            raise UnresolvableError(path)
        elements = found.children
    if found is None:
        raise UnresolvableError(path)
    return found
