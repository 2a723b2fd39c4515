"""A ValueSet resource → the codes that it stands for, when the resources at hand suffice to tell all of them.

https://hl7.org/fhir/R4/valueset.html#compositions. What cannot be expanded is refused with `CannotExpandError`, never
answered with fewer codes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.search.code_system import CannotExpandError, CodeSystem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from service.fhir.resource import Content

Coded = tuple[str | None, str]
"""A code with its system."""

_INCOMPLETE: Final = frozenset(
    {
        "http://hl7.org/fhir/StructureDefinition/valueset-unclosed",
        "http://hl7.org/fhir/StructureDefinition/valueset-toocostly",
    }
)
_LIMITED: Final = "limitedExpansion"


class Needed(Struct, frozen=True, kw_only=True):
    """A resource that codes depend on: by canonical URL and version, or by logical id (`url` is then ``Type/id``)."""

    type: str
    url: str
    version: str = ""

    @property
    def id(self) -> str | None:
        """The logical id, None when the resource is named by its canonical URL."""
        return self.url.removeprefix(f"{self.type}/") if self.url.startswith(f"{self.type}/") else None

    def __str__(self) -> str:
        return f"{self.type} {self.url}{'|' if self.version else ''}{self.version}"


def canonical(type: str, text: str, version: str = "") -> Needed:
    """What a canonical names, ``url`` or ``url|version``."""
    url, _, named = text.partition("|")
    return Needed(type=type, url=url.partition("#")[0], version=named or version)


def dependencies(content: Content) -> Iterator[Needed]:
    """The resources that the expansion of a value set needs besides the value set itself."""
    if is_expanded(content):
        return
    compose = content.get("compose", {})
    for part in (*compose.get("include", ()), *compose.get("exclude", ())):
        if "system" in part and "concept" not in part:
            yield canonical("CodeSystem", part["system"], part.get("version", ""))
        for imported in part.get("valueSet", ()):
            yield canonical("ValueSet", imported)


def is_expanded(content: Content) -> bool:
    """Whether the resource carries an expansion that says to be all of it."""
    expansion = content.get("expansion")
    if expansion is None or expansion.get("offset") or not expansion.get("contains"):
        return False
    if any(
        each.get("url") in _INCOMPLETE and each.get("valueBoolean", True) for each in expansion.get("extension", ())
    ):
        return False
    if any(each.get("name") == _LIMITED and each.get("valueBoolean") for each in expansion.get("parameter", ())):
        return False
    listed = sum(1 for _ in _contained(expansion["contains"]))
    return int(expansion.get("total", listed)) <= listed


class Expander:
    """Expands value sets; `look_up` gives a needed resource or raises CannotExpandError."""

    def __init__(self, look_up: Callable[[Needed], Content], *, limit: int) -> None:
        self._look_up: Final = look_up
        self._limit: Final = limit
        self._systems: Final[dict[Needed, CodeSystem]] = {}
        self._sets: Final[dict[Needed, frozenset[Coded]]] = {}
        self._open: Final[list[Needed]] = []

    def code_system(self, needed: Needed) -> CodeSystem:
        """The code system, compiled once."""
        if needed not in self._systems:
            self._systems[needed] = CodeSystem(self._look_up(needed))
        return self._systems[needed]

    def value_set(self, needed: Needed) -> frozenset[Coded]:
        """The codes of a value set, worked out once however many others import it."""
        if needed in self._sets:
            return self._sets[needed]
        if needed in self._open:
            raise CannotExpandError(f"the {needed} includes itself")
        self._open.append(needed)
        found = self._expanded(self._look_up(needed), needed)
        self._open.pop()
        if len(found) > self._limit:
            raise CannotExpandError(f"the {needed} has more than {self._limit} codes")
        self._sets[needed] = found
        return found

    def _expanded(self, content: Content, needed: Needed) -> frozenset[Coded]:
        if is_expanded(content):
            listed = _contained(content["expansion"]["contains"])
            return frozenset(
                (each.get("system"), each["code"]) for each in listed if "code" in each and not each.get("abstract")
            )
        compose = content.get("compose")
        if compose is None:
            raise CannotExpandError(f"the {needed} is here without its codes")
        if "lockedDate" in compose:
            raise CannotExpandError(f"the {needed} is locked to a date, whose versions are not kept")
        inactive = compose.get("inactive", True)
        included = frozenset().union(*(self._part(each, inactive=inactive) for each in compose["include"]))
        excluded: frozenset[Coded] = frozenset().union(
            *(self._part(each, inactive=True) for each in compose.get("exclude", ()))
        )
        return included - excluded

    def _part(self, part: Mapping[str, Any], *, inactive: bool) -> frozenset[Coded]:
        """What all of the conditions of an include or exclude hold for."""
        sets = [self.value_set(canonical("ValueSet", each)) for each in part.get("valueSet", ())]
        if "system" in part:
            sets.append(self._of_system(part, inactive=inactive))
        if not sets:
            raise CannotExpandError("a part of a value set names neither a system nor a value set")
        return frozenset.intersection(*sets)

    def _of_system(self, part: Mapping[str, Any], *, inactive: bool) -> frozenset[Coded]:
        system = part["system"]
        if "concept" in part:
            return frozenset((system, each["code"]) for each in part["concept"])
        code_system = self.code_system(canonical("CodeSystem", system, part.get("version", "")))
        codes = code_system.codes(inactive=inactive)
        for each in part.get("filter", ()):
            codes &= code_system.filtered(each["property"], each["op"], each["value"])
        return frozenset((system, code) for code in codes)


def _contained(contains: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Every entry of an expansion, nested ones included."""
    waiting = list(contains)
    while waiting:
        entry = waiting.pop()
        yield entry
        waiting.extend(entry.get("contains", ()))
