"""A resource as labelled values, element by element, by what R4 says of its type. https://hl7.org/fhir/R4/structuredefinition.html"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from service.pages import words
from service.pages.shown import Field, Group, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from service.fhir.definitions import Definitions, Element, ElementType
    from service.fhir.resource import Content
    from service.pages.values import Values

MOST_VALUES: Final = 1_500
"""Values of one resource that are shown; the JSON has the rest."""

_DEEPEST: Final = 16
_DEEPER: Final = "more in the JSON"
_APART: Final = frozenset({"resourceType", "id", "meta"})
"""What the head of a page shows."""
_ANYTHING: Final = "Element"

Known = dict[str, tuple[str, tuple[str, ...], "tuple[Element, ...]"]]
"""JSON name → the type, the types that a reference may lead to, and the elements of a part without a type's name."""


class Elements:
    """What R4 says of the elements of a type, looked up once."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self.of_type = lru_cache(maxsize=512)(self._of_type)
        self.of_part = lru_cache(maxsize=1024)(self._of_part)

    def _of_type(self, name: str) -> Known:
        """The elements of a resource type or data type; none of an unknown one."""
        try:
            definition = self._definitions.type(name)
        except KeyError:
            return {}
        return self._known(definition.elements, name)

    def _of_part(self, part: tuple[Element, ...], type: str) -> Known:
        """The elements of a part of a type."""
        return self._known(part, type)

    def _known(self, elements: Iterable[Element], type: str) -> Known:
        return {
            name: (kind.code if kind else _ANYTHING, kind.targets if kind else (), self._children(element, kind, type))
            for element in elements
            for name, kind in element.json_names()
        }

    def _children(self, element: Element, kind: ElementType | None, type: str) -> tuple[Element, ...]:
        if kind is None and element.content:
            return self._at(element.content, type)
        return element.children

    def _at(self, path: str, type: str) -> tuple[Element, ...]:
        """The parts of the element at a path, such as ``Questionnaire.item``."""
        found = self._definitions.type(type).elements
        for name in path.split(".")[1:]:
            found = next(
                (each.children for each in found if each.path.rpartition(".")[2].removesuffix("[x]") == name), ()
            )
        return found


class Reader:
    """Makes fields of one resource; counts what it has made."""

    def __init__(self, elements: Elements, values: Values) -> None:
        self._elements = elements
        self._values = values
        self._left = MOST_VALUES

    @property
    def is_complete(self) -> bool:
        """Whether everything was shown."""
        return self._left > 0

    def fields(self, content: Content) -> tuple[Field, ...]:
        """The elements of a resource but for its type, id and meta, in their order."""
        type = str(content.get("resourceType", ""))
        rest = {name: value for name, value in content.items() if name not in _APART}
        if type == "Parameters" and isinstance(rest.get("parameter"), list):
            return self._parameters(rest["parameter"], 0)
        return self._fields(rest, self._elements.of_type(type), type, 0)

    def _parameters(self, parameters: list[Any], depth: int) -> tuple[Field, ...]:
        """Parameters, or the parts of one, each under its own name: several of one name together."""
        found: dict[str, list[Text | Group]] = {}
        for each in parameters:
            if isinstance(each, dict) and self._take():
                found.setdefault(str(each.get("name", "")), []).append(self._parameter(each, depth))
        return tuple(Field(label=words.label(name), values=tuple(values)) for name, values in found.items())

    def _parameter(self, parameter: Content, depth: int) -> Text | Group:
        parts = parameter.get("part")
        if isinstance(parts, list):
            return Group(fields=self._parameters(parts, depth + 1)) if depth < _DEEPEST else Text(text=_DEEPER)
        name, value = next(((name, value) for name, value in parameter.items() if name != "name"), ("", ""))
        known = self._elements.of_type("Extension")  # it takes the same types
        kind, targets, children = known.get(name, (_ANYTHING, (), ()))
        return self._value(value, kind, targets, children, "Extension", depth + 1)

    def _fields(self, content: Mapping[str, Any], known: Known, type: str, depth: int) -> tuple[Field, ...]:
        found = []
        for name, value in content.items():
            kind, targets, children = known.get(name.removeprefix("_"), (_ANYTHING, (), ()))
            if name.startswith("_"):
                kind, children = _ANYTHING, ()
            shown = [
                self._value(each, kind, targets, children, type, depth)
                for each in (value if isinstance(value, list) else [value])
                if each is not None and self._take()
            ]
            if shown:
                label = words.label(name.removeprefix("_"))
                found.append(
                    Field(label=f"{label} (extensions)" if name.startswith("_") else label, values=tuple(shown))
                )
        return tuple(found)

    def _value(
        self, value: Any, kind: str, targets: Sequence[str], children: tuple[Element, ...], type: str, depth: int
    ) -> Text | Group:
        if not isinstance(value, dict):
            return self._values.primitive(value, kind, targets)
        if depth >= _DEEPEST:
            return Text(text=_DEEPER)
        if kind == "Extension":
            return self._extension(value, depth)
        if self._values.knows(kind):
            return self._values.text(value, kind, targets)
        if kind == "Resource" or "resourceType" in value:
            inner = str(value.get("resourceType", ""))
            return Group(fields=self._fields(value, self._elements.of_type(inner), inner, depth + 1))
        if kind == "Narrative":
            return self._values.primitive(value.get("div", ""), "xhtml")
        known = self._elements.of_part(children, type) if children else self._elements.of_type(kind)
        return Group(fields=self._fields(value, known, type if children else kind, depth + 1))

    def _extension(self, extension: Content, depth: int) -> Text | Group:
        """The value of an extension beside the last part of its URL, or its own extensions."""
        url = str(extension.get("url", ""))
        name = url.rpartition("/")[2] or url
        given = next(((key, value) for key, value in extension.items() if key.startswith("value")), None)
        known = self._elements.of_type("Extension")
        if given is None:
            rest = {key: value for key, value in extension.items() if key not in ("url", "id")}
            inner = Group(fields=self._fields(rest, known, "Extension", depth + 1))
            return Group(fields=(Field(label=words.label(name.replace("-", " ")), values=(inner,)),))
        kind, targets, children = known.get(given[0], (_ANYTHING, (), ()))
        value = self._value(given[1], kind, targets, children, "Extension", depth + 1)
        return Group(fields=(Field(label=words.label(name.replace("-", " ")), values=(value,)),))

    def _take(self) -> bool:
        self._left -= 1
        return self._left > 0
