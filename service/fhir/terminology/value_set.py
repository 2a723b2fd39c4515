"""A ValueSet resource → the codes that it stands for, when the resources at hand suffice to tell all of them.

https://hl7.org/fhir/R4/valueset.html#compositions. What cannot be expanded is refused with `CannotExpandError`, never
answered with fewer codes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.terminology.code_system import CodeSystem
from service.fhir.terminology.error import CannotExpandError, TooManyError
from service.fhir.terminology.needed import AS_NAMED, Needed, canonical, contained, is_expanded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from service.fhir.resource import Content
    from service.fhir.terminology.needed import Versions

Coded = tuple[str | None, str]
"""A code with its system."""


class Entry(Struct, frozen=True, kw_only=True):
    """A code of an expansion, with what is known of it. `version` is that of the code system it was taken from."""

    system: str | None
    code: str
    version: str | None = None
    display: str | None = None
    designations: tuple[Mapping[str, Any], ...] = ()
    inactive: bool = False
    abstract: bool = False


Expansion = dict[Coded, Entry]
"""In the order of the value set, and within it of the code system."""


class Expander:
    """Expands value sets; `look_up` gives a needed resource or raises CannotExpandError.

    `compile` makes a code system of its resource; whoever keeps what it made saves time.
    """

    def __init__(
        self,
        look_up: Callable[[Needed], Content],
        *,
        limit: int,
        versions: Versions = AS_NAMED,
        compile: Callable[[Content], CodeSystem] = CodeSystem,
    ) -> None:
        self._look_up: Final = look_up
        self._limit: Final = limit
        self._versions: Final = versions
        self._compile: Final = compile
        self._systems: Final[dict[Needed, CodeSystem]] = {}
        self._sets: Final[dict[Needed, Expansion]] = {}
        self._open: Final[list[Needed]] = []

    def code_system(self, needed: Needed) -> CodeSystem:
        """The code system, compiled once."""
        if needed not in self._systems:
            self._systems[needed] = self._compile(self._look_up(needed))
        return self._systems[needed]

    def value_set(self, needed: Needed) -> Expansion:
        """The codes of a value set, worked out once however many others import it."""
        if needed in self._sets:
            return self._sets[needed]
        if needed in self._open:
            raise CannotExpandError(f"the {needed} includes itself")
        self._open.append(needed)
        found = self.expanded(self._look_up(needed), str(needed))
        self._open.pop()
        if len(found) > self._limit:
            raise TooManyError(f"the {needed} has more than {self._limit} codes")
        self._sets[needed] = found
        return found

    def expanded(self, content: Content, name: str) -> Expansion:
        """The codes of a ValueSet resource, which is called `name` in what is told of it."""
        if is_expanded(content):
            return _listed(content["expansion"]["contains"])
        compose = content.get("compose")
        if compose is None:
            raise CannotExpandError(f"the {name} is here without its codes")
        if "lockedDate" in compose:
            raise CannotExpandError(f"the {name} is locked to a date, whose versions are not kept")
        inactive = compose.get("inactive", True)
        found: Expansion = {}
        for part in compose["include"]:
            for coded, entry in self._part(part, inactive=inactive).items():
                found.setdefault(coded, entry)
        for part in compose.get("exclude", ()):
            for coded in self._part(part, inactive=True):
                found.pop(coded, None)
        return found

    def _part(self, part: Mapping[str, Any], *, inactive: bool) -> Expansion:
        """What all of the conditions of an include or exclude hold for."""
        sets = [self._of_system(part, inactive=inactive)] if "system" in part else []
        sets += [self.value_set(canonical("ValueSet", each)) for each in part.get("valueSet", ())]
        if not sets:
            raise CannotExpandError("a part of a value set names neither a system nor a value set")
        first, *others = sets
        return {coded: entry for coded, entry in first.items() if all(coded in each for each in others)}

    def _of_system(self, part: Mapping[str, Any], *, inactive: bool) -> Expansion:
        system = part["system"]
        needed = self._versions.of(part)
        if "concept" in part:
            return self._enumerated(part["concept"], system, needed, inactive=inactive)
        code_system = self.code_system(needed)
        codes: Iterable[str] = code_system.codes(inactive=inactive)
        for each in part.get("filter", ()):
            selected = code_system.filtered(each["property"], each["op"], each["value"])
            codes = [code for code in codes if code in selected]
        return {(system, code): entry_of(code_system, code, system=system) for code in codes}

    def _enumerated(
        self, concepts: Iterable[Mapping[str, Any]], system: str, needed: Needed, *, inactive: bool
    ) -> Expansion:
        """Codes that a value set lists, with what the code system says of them where it is at hand."""
        try:
            code_system: CodeSystem | None = self.code_system(needed)
        except CannotExpandError:
            code_system = None
        found: Expansion = {}
        for each in concepts:
            code = each["code"]
            known = entry_of(code_system, code, system=system) if code_system else Entry(system=system, code=code)
            if inactive or not known.inactive:
                found[system, code] = Entry(
                    system=system,
                    code=code,
                    version=known.version or needed.version or None,
                    display=each.get("display") or known.display,
                    designations=(*each.get("designation", ()), *known.designations),
                    inactive=known.inactive,
                    abstract=known.abstract,
                )
        return found


def _listed(contains: Iterable[Mapping[str, Any]]) -> Expansion:
    """The codes of an expansion that the resource carries, without those that only group others."""
    found: Expansion = {}
    for each in contained(contains):
        if "code" in each and not each.get("abstract"):
            entry = Entry(
                system=each.get("system"),
                code=each["code"],
                version=each.get("version"),
                display=each.get("display"),
                designations=tuple(each.get("designation", ())),
                inactive=each.get("inactive", False),
            )
            found.setdefault((entry.system, entry.code), entry)
    return found


def entry_of(code_system: CodeSystem, code: str, *, system: str) -> Entry:
    """What a code system says of a code, little where it does not have it."""
    concept = code_system.concept(code)
    if concept is None:
        return Entry(system=system, code=code, version=code_system.version)
    return Entry(
        system=system,
        code=code,
        version=code_system.version,
        display=concept.display,
        designations=tuple(concept.content.get("designation", ())),
        inactive=concept.inactive,
        abstract=concept.abstract,
    )
