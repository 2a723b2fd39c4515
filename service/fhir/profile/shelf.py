"""The profiles at hand: found by canonical, compiled when first needed, and held against what claims them.

https://hl7.org/fhir/R4/resource.html#Meta (profile). A shelf is made of resources and never changes; where they come
from, and when another shelf takes its place, is for others to say.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from service.fhir.element_rules import Frame
from service.fhir.outcome import Issue
from service.fhir.profile.problem import ProfileError
from service.fhir.profile.profile import Profile, canonical_of, compile_profile
from service.fhir.profile.tree import CORE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from service.fhir.definitions import Definitions
    from service.fhir.resource import Content

_PRECEDENCE: Final = {"active": 3, "draft": 2, "unknown": 1, "retired": 0}
_NUMBER: Final = re.compile(r"(\d+)")

_BUDGET: Final = 5_000_000
"""Items that the invariants of all profiles may visit in one resource; they may come from anybody."""


class Shelf:
    """StructureDefinitions, valid by R4, and the codes of value sets (canonical → system → codes)."""

    def __init__(
        self,
        definitions: Definitions,
        structures: Iterable[Content] = (),
        codes: Mapping[str, Mapping[str, frozenset[str]]] | None = None,
    ) -> None:
        self._definitions = definitions
        self._codes = codes or {}
        self._structures: dict[str, list[Content]] = {}
        self._chosen: dict[str, Content] = {}
        self._profiles: dict[str, Profile | ProfileError] = {}
        for structure in structures:
            self._structures.setdefault(structure["url"], []).append(structure)

    def structure(self, canonical: str) -> Content | None:
        """The StructureDefinition of a canonical; without a version, the latest of the best status."""
        if canonical not in self._chosen:
            url, _, version = canonical.partition("|")
            found = latest(self._structures.get(url.partition("#")[0], ()), version)
            if found is None:
                return None  # and not remembered: anybody may ask for anything
            self._chosen[canonical] = found
        return self._chosen[canonical]

    def codes(self, value_set: str) -> Mapping[str, frozenset[str]] | None:
        """The codes of a value set by system, None if they are not known."""
        return self._codes.get(value_set)

    def profile(self, canonical: str) -> Profile | ProfileError | None:
        """The profile, or why it cannot be enforced; None if it is not held."""
        structure = self.structure(canonical)
        if structure is None:
            return None
        key = canonical_of(structure)
        if key not in self._profiles:
            try:
                self._profiles[key] = compile_profile(structure, self, self._definitions)
            except ProfileError as error:
                self._profiles[key] = error
        return self._profiles[key]

    def issues(
        self, content: Content, canonical: str, where: str, frame: Frame | None = None, *, warnings: bool = False
    ) -> Iterator[Issue]:
        """What valid content breaks of a profile; one that is not held, or cannot be enforced, asks nothing.

        With `warnings` also: that it is not, what of it is not enforced, and what should be otherwise. `where` is the
        FHIRPath of what asks for the profile.
        """
        name = content["resourceType"]
        known = self._type_of(canonical)
        if known is not None and known not in (name, "Resource", "DomainResource"):
            text = f"The profile {canonical} is one of {known}; this is {_article(name)}."
            yield Issue(code="profile", issue_type="value", diagnostics=text, expression=(where,))
            return
        if is_core(canonical, self._definitions):
            return
        profile = self.profile(canonical)
        if isinstance(profile, Profile):
            yield from profile.issues(content, frame or frame_of(content), warnings=warnings)
        if warnings:
            yield from _told(canonical, profile, where)

    def _type_of(self, canonical: str) -> str | None:
        if is_core(canonical, self._definitions):
            return canonical.partition("|")[0].removeprefix(CORE)
        structure = self.structure(canonical)
        return structure["type"] if structure else None


def frame_of(content: Content) -> Frame:
    """A frame for all profiles that content is held against; their invariants visit a bounded number of items."""
    frame = Frame(resource=content, root=content)
    frame.scope.budget = _BUDGET
    return frame


def claims(content: Any) -> tuple[str, ...]:
    """The canonicals in ``meta.profile`` of content of which nothing is known yet; empty for most."""
    meta = content.get("meta") if isinstance(content, dict) else None
    found = meta.get("profile") if isinstance(meta, dict) else None
    return tuple(each for each in found if isinstance(each, str)) if isinstance(found, list) else ()


def latest(resources: Iterable[Content], version: str = "") -> Content | None:
    """Of conformance resources with the same URL the one of a version; by default the last of the best status."""
    found = [each for each in resources if not version or each.get("version") == version]
    return max(found, key=_rank, default=None)


def is_core(canonical: str, definitions: Definitions) -> bool:
    """Whether a canonical names a resource type of R4 itself."""
    url = canonical.partition("|")[0]
    name = url.removeprefix(CORE)
    return url.startswith(CORE) and (name in definitions.all_type_names or name in ("Resource", "DomainResource"))


def needs(structure: Content) -> Iterator[tuple[str, str]]:
    """(resource type, canonical) of what a StructureDefinition refers to, R4's own types included."""
    if "baseDefinition" in structure:
        yield "StructureDefinition", structure["baseDefinition"]
    view = structure.get("differential") or structure.get("snapshot") or {}
    for element in view.get("element", ()):
        for kind in element.get("type", ()):
            for canonical in (*kind.get("profile", ()), *kind.get("targetProfile", ())):
                yield "StructureDefinition", canonical
        yield from (("ValueSet", canonical) for canonical in _value_sets(element.get("binding", {})))


def _value_sets(binding: Mapping[str, Any]) -> Iterator[str]:
    if binding.get("strength") in ("required", "extensible") and "valueSet" in binding:
        yield binding["valueSet"]
    for extension in binding.get("extension", ()):
        if "valueCanonical" in extension:
            yield extension["valueCanonical"]


def _told(canonical: str, profile: Profile | ProfileError | None, where: str) -> Iterator[Issue]:
    """What of a profile is not enforced."""
    if profile is None:
        texts = [f"The service does not hold the profile {canonical}; nothing was checked against it."]
    elif isinstance(profile, ProfileError):
        texts = [f"The profile {canonical} cannot be enforced. {problem}" for problem in profile.problems]
    else:
        texts = [f"Of the profile {canonical} this is not checked. {problem}" for problem in profile.notes]
    for text in texts:
        severity: Any = "information" if isinstance(profile, Profile) else "warning"
        yield Issue(code="profile-unknown", severity=severity, diagnostics=text, expression=(where,))


def _rank(structure: Content) -> tuple[int, tuple[tuple[int, str], ...]]:
    parts = _NUMBER.split(structure.get("version", ""))
    version = tuple((int(part), "") if part.isdigit() else (-1, part) for part in parts)
    return _PRECEDENCE.get(structure.get("status", ""), 0), version


def _article(name: str) -> str:
    return f"a{'n' if name[0] in 'AEIO' else ''} {name}"
