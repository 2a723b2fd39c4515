"""A CodeSystem resource as what searches ask of it: all of its codes, those above and below one, those of a filter.

https://hl7.org/fhir/R4/codesystem.html. A concept is below those that it is nested in, those that its properties call
``parent`` or ``subsumedBy``, and those whose property ``child`` names it. What the resource does not hold is refused
with `CannotExpandError`, never answered with fewer codes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from service.fhir.resource import Content

_PROPERTY: Final = "http://hl7.org/fhir/concept-properties#"
_PARENT: Final = frozenset({"parent", "subsumedBy", f"{_PROPERTY}parent"})
_CHILD: Final = frozenset({"child", f"{_PROPERTY}child"})
_ITSELF: Final = frozenset({"concept", "code"})
"""What filters call the concept itself."""
_RETIRED: Final = frozenset({"retired", "inactive"})


class CannotExpandError(ValueError):
    """Why codes cannot be told, for the message to the client: it names canonical URLs, never what a client sent."""


class _Concept(Struct):
    parents: set[str] = field(default_factory=set)
    children: set[str] = field(default_factory=set)
    properties: dict[str, set[str]] = field(default_factory=dict)
    inactive: bool = False


class CodeSystem:
    """The codes of a CodeSystem resource and their hierarchy; CannotExpandError where it does not hold all of them."""

    def __init__(self, content: Content) -> None:
        self.url: Final[str] = content.get("url", "")
        if content.get("content") != "complete":
            raise CannotExpandError(f"the CodeSystem {self.url} is here without all of its codes")
        if content.get("compositional"):
            raise CannotExpandError(f"the codes of the CodeSystem {self.url} cannot be listed, they can be composed")
        self._hierarchy: Final[str] = content.get("hierarchyMeaning", "is-a")
        self._names: Final = _declared(content)
        self._concepts: Final[dict[str, _Concept]] = {}
        for concept, parent in _nested(content.get("concept", ()), None):
            self._add(concept, parent)
        for code, found in list(self._concepts.items()):
            self._link(code, found)

    def codes(self, *, inactive: bool = True) -> frozenset[str]:
        """All codes; without those that are retired unless `inactive`."""
        return frozenset(code for code, each in self._concepts.items() if inactive or not each.inactive)

    def below(self, code: str) -> frozenset[str]:
        """The code and everything that it subsumes."""
        return self._reached(code, lambda concept: concept.children)

    def above(self, code: str) -> frozenset[str]:
        """The code and everything that subsumes it."""
        return self._reached(code, lambda concept: concept.parents)

    def filtered(self, name: str, operator: str, value: str) -> frozenset[str]:
        """The codes that a filter of a value set selects: https://hl7.org/fhir/R4/valueset-filter-operator.html."""
        if name in _ITSELF:
            return self._of_concept(operator, value)
        if name not in self._names and name not in {"parent", "child"}:
            raise CannotExpandError(f"the CodeSystem {self.url} does not declare the property {name}")
        match operator:
            case "=":
                return self._with_value(name, {value})
            case "in":
                return self._with_value(name, set(value.split(",")))
            case "not-in":
                return self.codes() - self._with_value(name, set(value.split(",")))
            case "exists":
                return frozenset(code for code in self._concepts if bool(self._values(code, name)) == (value == "true"))
        raise CannotExpandError(f"filters with {operator} on the property {name} are not evaluated")

    def _of_concept(self, operator: str, value: str) -> frozenset[str]:
        match operator:
            case "is-a":
                return self.below(value)
            case "descendent-of":
                return self.below(value) - {value}
            case "is-not-a":
                return self.codes() - self.below(value)
            case "generalizes":
                return self.above(value)
            case "=":
                return self.codes() & {value}
            case "in":
                return self.codes() & set(value.split(","))
            case "not-in":
                return self.codes() - set(value.split(","))
        raise CannotExpandError(f"filters with {operator} are not evaluated")

    def _with_value(self, name: str, values: set[str]) -> frozenset[str]:
        return frozenset(code for code in self._concepts if self._values(code, name) & values)

    def _values(self, code: str, name: str) -> set[str]:
        concept = self._concepts[code]
        match name:
            case "parent":
                return concept.parents
            case "child":
                return concept.children
        return concept.properties.get(name, set())

    def _reached(self, code: str, following: Callable[[_Concept], Iterable[str]]) -> frozenset[str]:
        if self._hierarchy != "is-a":
            raise CannotExpandError(f"the hierarchy of the CodeSystem {self.url} means {self._hierarchy}, not is-a")
        if code not in self._concepts:
            raise CannotExpandError(f"the CodeSystem {self.url} does not have the code")
        found, waiting = {code}, [code]
        while waiting:
            for each in following(self._concepts[waiting.pop()]):
                if each not in found:
                    found.add(each)
                    waiting.append(each)
        return frozenset(found)

    def _add(self, content: Mapping[str, Any], parent: str | None) -> None:
        concept = self._concepts.setdefault(content["code"], _Concept())
        if parent is not None:
            concept.parents.add(parent)
        for each in content.get("property", ()):
            name, value = each["code"], _text(each)
            concept.properties.setdefault(name, set()).add(value)
            uri = self._names.get(name, "")
            concept.inactive |= (name == "inactive" and value == "true") or (
                (name == "status" or uri == f"{_PROPERTY}status") and value in _RETIRED
            )

    def _link(self, code: str, concept: _Concept) -> None:
        """Make parents and children agree, whichever of the two the resource names."""
        for name, values in concept.properties.items():
            if {name, self._names.get(name)} & _PARENT:
                concept.parents |= values
            if {name, self._names.get(name)} & _CHILD:
                for value in values:
                    self._known(value).parents.add(code)
                    concept.children.add(value)
        for parent in concept.parents:
            self._known(parent).children.add(code)

    def _known(self, code: str) -> _Concept:
        found = self._concepts.get(code)
        if found is None:
            raise CannotExpandError(f"the CodeSystem {self.url} lacks a code that its hierarchy names")
        return found


def _declared(content: Content) -> dict[str, str]:
    """The properties that a code system declares, with their URIs."""
    return {each["code"]: each.get("uri", "") for each in content.get("property", ())}


def _nested(
    concepts: Iterable[Mapping[str, Any]], parent: str | None
) -> Iterator[tuple[Mapping[str, Any], str | None]]:
    """Every concept with the code of the one that it is nested in."""
    waiting = [(concept, parent) for concept in concepts]
    while waiting:
        concept, above = waiting.pop()
        yield concept, above
        waiting.extend((inner, concept["code"]) for inner in concept.get("concept", ()))


def _text(value: Mapping[str, Any]) -> str:
    """The value of a property as filters write it."""
    found = next((each for name, each in value.items() if name.startswith("value")), "")
    if isinstance(found, dict):
        return str(found.get("code", ""))
    if isinstance(found, bool):
        return "true" if found else "false"
    return str(found)
