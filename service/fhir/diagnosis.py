"""What pydantic-core found wrong, said to the integrator: where (a FHIRPath), what, and what would be accepted.

The sentences name elements, types and codes of R4, and of the client's content no more than the names of elements.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from service.fhir.element_rules import listed
from service.fhir.outcome import ERROR_CODES, Issue
from service.fhir.primitive import ACCEPTED, LENGTHY, MAX_STRING_LENGTH

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic_core import ErrorDetails

    from service.fhir.definitions import Definitions, Element, ElementType

MAX_ISSUES: Final = 50
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*")

Location = Sequence[str | int]
Finding = tuple[str, str]
"""An error code and a sentence."""

_STRUCTURE: Final[dict[str, Finding]] = {
    "too_short": ("element-empty", "{name} must not be an empty array; leave the element out if it has no values."),
    "too_long": ("cardinality", "{name} repeats more often than R4 allows."),
    "recursion_loop": ("nesting-too-deep", "{name} nests deeper than the service reads."),
    "list_type": ("cardinality", "{name} may repeat, so its value must be a JSON array, even of one item."),
}
"""pydantic-core's type of error → what it means in R4."""


class Diagnosis:
    """Turns validation errors into issues."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions

    def issues(self, errors: Sequence[ErrorDetails], content: Any, resource_type: str) -> list[Issue]:
        """One issue per error, each place and sentence once, no more than `MAX_ISSUES`."""
        found: dict[Issue, None] = {}
        for number, error in enumerate(errors):
            if len(found) == MAX_ISSUES:
                rest = f"{len(errors) - number} more errors were found; mend these first."
                return [*found, Issue(code=None, severity="information", diagnostics=rest)]
            code, text = self._finding(error, content, resource_type)
            where = expression(resource_type, error["loc"])
            found[Issue(code=code, diagnostics=text, expression=(where,))] = None
        return list(found)

    def _finding(self, error: ErrorDetails, content: Any, resource_type: str) -> Finding:
        kind, location, value = error["type"], error["loc"], error["input"]
        name = next((part for part in reversed(location) if isinstance(part, str)), resource_type).removeprefix("_")
        accepted = error.get("ctx", {}).get("accepted")
        if kind == "extra_forbidden":
            return "element-unknown", self._unknown_element(location, content, resource_type)
        if kind == "missing":
            return "element-missing", self._missing_element(location, content, resource_type)
        if value is None and (accepted or kind not in ERROR_CODES):
            return "element-empty", f"{name} must not be null; leave the element out if it has no value."
        if kind == "dict_type":
            return _wrong_shape(name, value, "a JSON object")
        if accepted:
            return self._refused(kind, name, value, accepted)
        if kind in ERROR_CODES:
            return kind, error["msg"]
        code, text = _STRUCTURE.get(kind, ("value-invalid", "{name} does not have the form that R4 gives it."))
        return code, text.format(name=name)

    def _refused(self, code: str, name: str, value: Any, accepted: str) -> Finding:
        """A primitive with a wrong value, or a code that is not in the value set `accepted`."""
        if isinstance(value, list | dict):
            return _wrong_shape(name, value, "a single value")
        if isinstance(value, str) and not value.strip():
            return "element-empty", f"{name} must not be an empty string; leave the element out if it has no value."
        if code == "code-invalid" and not self._definitions.code_rule(accepted):
            return code, f"{name} must be one of the codes {listed(sorted(self._definitions.codes(accepted)))}."
        if accepted == "id" and name == "id":
            code = "id-invalid"
        if isinstance(value, str) and len(value) > MAX_STRING_LENGTH and accepted in LENGTHY:
            return code, f"{name} must not have more than {MAX_STRING_LENGTH} characters."
        return code, f"{name} must be {ACCEPTED[accepted]}."

    def _missing_element(self, location: Location, content: Any, resource_type: str) -> str:
        name = str(location[-1])
        if name == "resourceType":
            return "resourceType is required; send the name of an R4 resource type."
        _, elements = self._elements(location[:-1], content, resource_type)
        element, kind = _named(elements, name)
        return f"{name} is required, as {self._described(element, kind)}."

    def _described(self, element: Element, kind: ElementType | None) -> str:
        """What an element takes, in words."""
        some = "an array of " if element.repeats else ""
        if kind is None or element.children:
            return f"{some}{element.path}"
        if element.binding and (codes := self._definitions.codes(element.binding)):
            return f"{some}{kind.code} out of {listed(sorted(codes))}"
        targets = f" to {listed(kind.targets)}" if kind.targets else ""
        return f"{some}{kind.code}{targets}"

    def _unknown_element(self, location: Location, content: Any, resource_type: str) -> str:
        name = str(location[-1])
        owner, elements = self._elements(location[:-1], content, resource_type)
        names = [found for element in elements for found, _ in element.json_names()]
        shown = name[:64] if _NAME.fullmatch(name.removeprefix("_")) else "of this name"
        text = f"{owner} has no element {shown}"
        if name.startswith("_") and name[1:] in names:
            return f"{text}; only primitive elements have an underscored property for their extensions."
        if close := get_close_matches(name[:64], names, n=1, cutoff=0.7):
            return f"{text}; did you mean {close[0]}?"
        return f"{text}; it has {listed(names)}."

    def _elements(self, location: Location, content: Any, resource_type: str) -> tuple[str, tuple[Element, ...]]:
        """The type or backbone element at a place, and the elements that it has."""
        owner, elements = resource_type, self._definitions.type(resource_type).elements
        value = content
        for part in location:
            value = value[part]
            if isinstance(part, str):
                owner, elements = self._inside(elements, part)
            if owner == "Resource" and isinstance(value, dict):
                owner = value["resourceType"]
                elements = self._definitions.type(owner).elements
        return owner, elements

    def _inside(self, elements: Iterable[Element], name: str) -> tuple[str, tuple[Element, ...]]:
        if name.startswith("_"):
            return "Element", self._definitions.type("Element").elements
        element, kind = _named(elements, name)
        if element.children:
            return element.path, element.children
        if kind is None:
            return self._content(str(element.content))
        return kind.code, self._definitions.type(kind.code).elements

    def _content(self, path: str) -> tuple[str, tuple[Element, ...]]:
        """The element that a content reference names."""
        owner, *names = path.split(".")
        elements = self._definitions.type(owner).elements
        for name in names:
            elements = next(element.children for element in elements if element.name == name)
        return path, elements


def _named(elements: Iterable[Element], name: str) -> tuple[Element, ElementType | None]:
    """The element that has the JSON property, and the type that it has there."""
    return next((element, kind) for element in elements for found, kind in element.json_names() if found == name)


def _wrong_shape(name: str, value: Any, wanted: str) -> Finding:
    if isinstance(value, list):
        return "cardinality", f"{name} may not repeat; send {wanted} instead of an array."
    return "value-invalid", f"{name} must be {wanted}."


def expression(resource_type: str, location: Location) -> str:
    """The FHIRPath of a place in the JSON of a resource."""
    path = resource_type
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            name = part.removeprefix("_")
            path += f".{name}" if _NAME.fullmatch(name) else ".`" + re.sub(r"[^\w .-]", "?", name)[:64] + "`"
    return path
