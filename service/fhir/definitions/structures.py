"""StructureDefinitions, boiled down to facts: what an element is called, how often it occurs, what it may hold.

https://hl7.org/fhir/R4/structuredefinition.html. A type's facts leave out what it inherits unchanged: the loader puts
the elements of the parent (of BackboneElement or Element for nested elements) in front again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.definitions.package import STRUCTURE
from service.fhir.definitions.value_sets import RULES, UNCHECKED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.fhir.definitions.package import Json, Package

_FHIR_TYPE: Final = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"
_REGEX: Final = "http://hl7.org/fhir/StructureDefinition/regex"
_MAX_VALUE_SET: Final = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet"
_NESTING: Final = ("BackboneElement", "Element")

Facts = dict[str, Any]


class StructureCompiler:
    """Turns the package's structure definitions into facts; `bindings` collects the value sets that they require."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self.bindings: dict[str, str] = {}

    def compile(self, name: str) -> Facts:
        """The facts of one type."""
        structure = self._package.structures[name]
        snapshot = structure["snapshot"]["element"]
        root = snapshot[0]
        parent = structure.get("baseDefinition", "").removeprefix(STRUCTURE)
        elements = [] if structure["kind"] == "primitive-type" else self._children(name, snapshot, name)
        if parent:
            elements = _without_inherited(elements, self._all_elements(parent))
        return _compact(
            name=name,
            kind=structure["kind"],
            parent=parent,
            short=root["short"],
            pattern=_pattern(snapshot),
            constraints=self._constraints(root, name),
            elements=elements,
        )

    def _all_elements(self, name: str) -> list[Facts]:
        return self._children(name, self._package.structures[name]["snapshot"]["element"], name)

    def _children(self, owner: str, snapshot: list[Json], path: str) -> list[Facts]:
        depth = path.count(".") + 1
        inside = [item for item in snapshot if item["path"].startswith(f"{path}.")]
        direct = [item for item in inside if item["path"].count(".") == depth and item["max"] != "0"]
        return [self._element(owner, inside, item) for item in direct]

    def _element(self, owner: str, snapshot: list[Json], item: Json) -> Facts:
        types = item.get("type", ())
        nested = self._children(owner, snapshot, item["path"])
        if nested:
            nested = _without_inherited(nested, self._all_elements(_nesting_type(types)))
        name = item["path"].rpartition(".")[2]
        return _compact(
            name=name.removesuffix("[x]"),
            min=item["min"],
            max=None if item["max"] == "1" else "*" if item["max"] == "*" else int(item["max"]),
            choice=name.endswith("[x]"),
            types=[_type_text(kind, logical_id=item["base"]["path"] == "Resource.id") for kind in types],
            content=item.get("contentReference", "").removeprefix("#"),
            binding=self._binding(item),
            summary=item.get("isSummary", False),
            modifier=item.get("isModifier", False),
            short=item["short"],
            constraints=[*self._constraints(item, owner), *self._profile_constraints(types)],
            children=nested,
        )

    def _binding(self, item: Json) -> str | None:
        """The key of the value set that the codes of the element must come from, its last path segment."""
        binding = item.get("binding", {})
        limits = [e["valueCanonical"] for e in binding.get("extension", ()) if e["url"] == _MAX_VALUE_SET]
        if binding.get("strength") == "required":
            limits.append(binding["valueSet"])
        for canonical in limits:
            url = canonical.partition("|")[0]
            if url not in UNCHECKED:
                key = RULES.get(url) or url.rpartition("/")[2]
                if self.bindings.setdefault(key, url) != url and url not in RULES:
                    message = f"{url} and {self.bindings[key]} share the key {key}"
                    raise ValueError(message)
                return key
        return None

    def _constraints(self, item: Json, owner: str) -> list[Facts]:
        """The constraints that `owner` itself declares here; the snapshot repeats inherited ones on every element."""
        source = f"{STRUCTURE}{owner}"
        declared = [rule for rule in item.get("constraint", ()) if rule.get("source", source) == source]
        root = self._package.structures[owner]["snapshot"]["element"][0]
        at_root = set[str]() if item["path"] == owner else {rule["key"] for rule in root.get("constraint", ())}
        return [_constraint(rule) for rule in declared if rule["key"] not in at_root]

    def _profile_constraints(self, types: Iterable[Json]) -> list[Facts]:
        """What a constrained data type (SimpleQuantity) adds to the type that it constrains."""
        profiles = {url for kind in types for url in kind.get("profile", ())}
        roots = [self._package.profiles[url]["snapshot"]["element"][0] for url in sorted(profiles)]
        rules = [rule for root in roots for rule in root["constraint"]]
        return [_constraint(rule) for rule in rules if rule.get("source") in {None, *profiles}]


def _nesting_type(types: Iterable[Json]) -> str:
    codes: list[str] = [kind["code"] for kind in types]
    return next(code for code in codes if code in _NESTING)


def _without_inherited(elements: list[Facts], inherited: list[Facts]) -> list[Facts]:
    return [element for element in elements if element not in inherited]


def _type_text(kind: Json, *, logical_id: bool) -> str:
    """A type with its targets, such as ``Reference(Patient|Group)``."""
    code = kind["code"]
    if logical_id:
        # Published as a string; https://hl7.org/fhir/R4/resource.html#id defines it as an id.
        code = "id"
    elif code.startswith("http://hl7.org/fhirpath/"):
        code = next((e["valueUrl"] for e in kind.get("extension", ()) if e["url"] == _FHIR_TYPE), "string")
    targets = [url.removeprefix(STRUCTURE) for url in kind.get("targetProfile", ())]
    return f"{code}({'|'.join(targets)})" if targets else code


def _pattern(snapshot: Iterable[Json]) -> str | None:
    """The regular expression of a primitive type."""
    values = [kind for item in snapshot if item["path"].endswith(".value") for kind in item.get("type", ())]
    found = [e["valueString"] for kind in values for e in kind.get("extension", ()) if e["url"] == _REGEX]
    return found[0] if found else None


def _constraint(rule: Json) -> Facts:
    return _compact(
        key=rule["key"],
        severity=None if rule["severity"] == "error" else rule["severity"],
        human=rule["human"],
        expression=rule["expression"],
    )


def _compact(**facts: object) -> Facts:
    """Facts without what is empty; the loader supplies it again."""
    return {name: value for name, value in facts.items() if value not in (None, "", False, [], 0)}
