"""A CodeSystem resource as what is asked of it: its concepts, those above and below one, those of a filter.

https://hl7.org/fhir/R4/codesystem.html. A concept is below those that it is nested in, those that its properties call
``parent`` or ``subsumedBy``, and those whose property ``child`` names it. What the resource does not hold is refused
with `CannotExpandError`, never answered with fewer codes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, field

from service.fhir.path.pattern import is_linear, matcher
from service.fhir.terminology.error import CannotExpandError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from service.fhir.resource import Content

_PROPERTY: Final = "http://hl7.org/fhir/concept-properties#"
_PARENT: Final = frozenset({"parent", "subsumedBy", f"{_PROPERTY}parent"})
_CHILD: Final = frozenset({"child", f"{_PROPERTY}child"})
_ITSELF: Final = frozenset({"concept", "code"})
"""What filters call the concept itself."""
_RETIRED: Final = frozenset({"retired", "inactive"})
_ABSTRACT: Final = frozenset({"notSelectable", "abstract", f"{_PROPERTY}notSelectable"})


class Concept(Struct):
    """A concept: what the resource says of it (`content`), and where it stands."""

    code: str
    content: Mapping[str, Any] = field(default_factory=dict)
    parents: dict[str, None] = field(default_factory=dict)
    children: dict[str, None] = field(default_factory=dict)
    properties: dict[str, set[str]] = field(default_factory=dict)
    inactive: bool = False
    abstract: bool = False

    @property
    def display(self) -> str | None:
        """What the code system calls it, None where it gives no name."""
        return self.content.get("display")


class CodeSystem:
    """The concepts of a CodeSystem resource and their hierarchy.

    Of one that is not `complete` only single concepts are told: all else is CannotExpandError.
    """

    def __init__(self, content: Content) -> None:
        self.url: Final[str] = content.get("url", "")
        self.version: Final[str | None] = content.get("version")
        self.content: Final = content
        self._is_complete: Final = content.get("content") == "complete"
        self._is_compositional: Final = bool(content.get("compositional"))
        self._hierarchy: Final[str] = content.get("hierarchyMeaning", "is-a")
        self.properties: Final = _declared(content)
        self._concepts: Final[dict[str, Concept]] = {}
        for concept, parent in _nested(content.get("concept", ()), None):
            self._add(concept, parent)
        for code, found in list(self._concepts.items()):
            self._link(code, found)
        self._folded: Final = (
            {code.casefold(): code for code in self._concepts} if content.get("caseSensitive") is False else {}
        )

    def __len__(self) -> int:
        return len(self._concepts)

    def require_complete(self) -> None:
        """CannotExpandError unless all of the codes are here."""
        if not self._is_complete:
            raise CannotExpandError(f"the CodeSystem {self.url} is here without all of its codes")
        if self._is_compositional:
            raise CannotExpandError(f"the codes of the CodeSystem {self.url} cannot be listed, they can be composed")

    def concept(self, code: str) -> Concept | None:
        """The concept of a code, in any case where the code system says that case does not matter; None without one."""
        return self._concepts.get(code) or self._concepts.get(self._folded.get(code.casefold(), ""))

    def codes(self, *, inactive: bool = True) -> dict[str, None]:
        """All codes in their order; without those that are retired unless `inactive`."""
        self.require_complete()
        return {code: None for code, each in self._concepts.items() if inactive or not each.inactive}

    def below(self, code: str) -> frozenset[str]:
        """The code and everything that it subsumes."""
        return self._reached(code, lambda concept: concept.children)

    def above(self, code: str) -> frozenset[str]:
        """The code and everything that subsumes it."""
        return self._reached(code, lambda concept: concept.parents)

    def filtered(self, name: str, operator: str, value: str) -> frozenset[str]:
        """The codes that a filter of a value set selects: https://hl7.org/fhir/R4/valueset-filter-operator.html."""
        self.require_complete()
        if operator == "regex":
            return self._matching(name, value)
        if name in _ITSELF:
            return self._of_concept(operator, value)
        self._require_property(name)
        match operator:
            case "=":
                return self._with_value(name, {value})
            case "in":
                return self._with_value(name, set(value.split(",")))
            case "not-in":
                return self._all() - self._with_value(name, set(value.split(",")))
            case "exists":
                return frozenset(code for code in self._concepts if bool(self._values(code, name)) == (value == "true"))
        raise CannotExpandError(f"filters with {operator} on the property {name} are not evaluated")

    def _all(self) -> frozenset[str]:
        return frozenset(self._concepts)

    def _of_concept(self, operator: str, value: str) -> frozenset[str]:
        match operator:
            case "is-a":
                return self.below(value)
            case "descendent-of":
                return self.below(value) - {value}
            case "is-not-a":
                return self._all() - self.below(value)
            case "generalizes":
                return self.above(value)
            case "=":
                return self._all() & {value}
            case "in":
                return self._all() & set(value.split(","))
            case "not-in":
                return self._all() - set(value.split(","))
        raise CannotExpandError(f"filters with {operator} are not evaluated")

    def _matching(self, name: str, pattern: str) -> frozenset[str]:
        """The codes that a regular expression matches as a whole, or those with such a value of a property."""
        if not is_linear(pattern):
            raise CannotExpandError("a filter has a regular expression that is not evaluated")
        matches = matcher(pattern, whole=True)
        if name in _ITSELF:
            return frozenset(code for code in self._concepts if matches(code))
        self._require_property(name)
        return frozenset(code for code in self._concepts if any(map(matches, self._values(code, name))))

    def _require_property(self, name: str) -> None:
        if name not in self.properties and name not in {"parent", "child", "display"}:
            raise CannotExpandError(f"the CodeSystem {self.url} does not declare the property {name}")

    def _with_value(self, name: str, values: set[str]) -> frozenset[str]:
        return frozenset(code for code in self._concepts if not values.isdisjoint(self._values(code, name)))

    def _values(self, code: str, name: str) -> Iterable[str]:
        concept = self._concepts[code]
        match name:
            case "parent":
                return concept.parents
            case "child":
                return concept.children
            case "display":
                return [concept.display] if concept.display else []
        return concept.properties.get(name, set())

    def _reached(self, code: str, following: Callable[[Concept], Iterable[str]]) -> frozenset[str]:
        self.require_complete()
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
        concept = self._concepts.setdefault(content["code"], Concept(code=content["code"], content=content))
        if parent is not None:
            concept.parents[parent] = None
        for each in content.get("property", ()):
            name, value = each["code"], _text(each)
            concept.properties.setdefault(name, set()).add(value)
            uri = self.properties.get(name, "")
            concept.inactive |= (name == "inactive" and value == "true") or (
                (name == "status" or uri == f"{_PROPERTY}status") and value in _RETIRED
            )
            concept.abstract |= bool({name, uri} & _ABSTRACT) and value == "true"

    def _link(self, code: str, concept: Concept) -> None:
        """Make parents and children agree, whichever of the two the resource names."""
        for name, values in concept.properties.items():
            if {name, self.properties.get(name)} & _PARENT:
                concept.parents |= dict.fromkeys(sorted(values))
            if {name, self.properties.get(name)} & _CHILD:
                for value in sorted(values):
                    self._known(value).parents[code] = None
                    concept.children[value] = None
        for parent in concept.parents:
            self._known(parent).children[code] = None

    def _known(self, code: str) -> Concept:
        found = self._concepts.get(code)
        if found is not None:
            return found
        if self._is_complete:
            raise CannotExpandError(f"the CodeSystem {self.url} lacks a code that its hierarchy names")
        return Concept(code=code)


def _declared(content: Content) -> dict[str, str]:
    """The properties that a code system declares, with their URIs."""
    return {each["code"]: each.get("uri", "") for each in content.get("property", ())}


def _nested(
    concepts: Iterable[Mapping[str, Any]], parent: str | None
) -> Iterator[tuple[Mapping[str, Any], str | None]]:
    """Every concept with the code of the one that it is nested in, in the order of the resource."""
    waiting = [(concept, parent) for concept in reversed([*concepts])]
    while waiting:
        concept, above = waiting.pop()
        yield concept, above
        waiting.extend((inner, concept["code"]) for inner in reversed(concept.get("concept", ())))


def _text(value: Mapping[str, Any]) -> str:
    """The value of a property as filters write it."""
    found = next((each for name, each in value.items() if name.startswith("value")), "")
    if isinstance(found, dict):
        return str(found.get("code", ""))
    if isinstance(found, bool):
        return "true" if found else "false"
    return str(found)
