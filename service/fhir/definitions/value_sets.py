"""Value sets, expanded over whole code systems, hierarchies included.

https://hl7.org/fhir/R4/valueset.html#compositions. Only what the required bindings of R4 use is understood (whole
systems, listed concepts, other value sets); anything else stops the compilation, it is never skipped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from service.fhir.definitions.definition import CodeRule
    from service.fhir.definitions.package import Json, Package

Coding = tuple[str, str]
"""(code system, code)"""

RULES: Final[dict[str, CodeRule]] = {
    "http://hl7.org/fhir/ValueSet/all-languages": "language",
    "http://hl7.org/fhir/ValueSet/mimetypes": "media-type",
    "http://www.rfc-editor.org/bcp/bcp13.txt": "media-type",
}
"""Open-ended value sets that are checked by the form of their codes."""

UNCHECKED: Final = {
    "http://hl7.org/fhir/ValueSet/ucum-units": "UCUM is a grammar; no served type is bound to it",
    "http://hl7.org/fhir/ValueSet/all-time-units": "UCUM units of time; age-1 and drt-1 check what R4 demands",
    "http://hl7.org/fhir/ValueSet/all-distance-units": "UCUM units of length; dis-1 checks what R4 demands",
    "http://loinc.org/vs/LL379-9": "a LOINC answer list that HL7 does not publish; no served type is bound to it",
}
"""Value sets that the facts leave out, with the reason."""

CURRENCIES: Final = "urn:iso:std:iso:4217"
CURRENCIES_SINCE: Final = ("MRU", "SLE", "STN", "UYW", "VED", "VES", "XCG", "ZWG")
"""ISO 4217 codes younger than the expansion that HL7 publishes (December 2018); the value set names no version."""


class ValueSetExpander:
    """Turns the URL of a value set into its codings."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._expanded: dict[str, frozenset[Coding]] = {}

    def expand(self, canonical: str) -> frozenset[Coding]:
        """All codings of a value set, named by its URL with or without ``|version``."""
        url = canonical.partition("|")[0]
        if url not in self._expanded:
            compose = self._package.value_sets[url]["compose"]
            included = set[Coding]().union(*(self._part(url, part) for part in compose["include"]))
            excluded = set[Coding]().union(*(self._part(url, part) for part in compose.get("exclude", ())))
            self._expanded[url] = frozenset(included - excluded)
        return self._expanded[url]

    def _part(self, url: str, part: Json) -> frozenset[Coding]:
        if part.get("filter"):
            message = f"{url} filters a code system, which the compiler does not understand"
            raise NotImplementedError(message)
        found: list[frozenset[Coding]] = [self.expand(other) for other in part.get("valueSet", ())]
        system = part.get("system")
        if system and part.get("concept"):
            found.append(frozenset((system, concept["code"]) for concept in part["concept"]))
        elif system:
            found.append(self._whole_system(url, system))
        return frozenset.intersection(*found)

    def _whole_system(self, url: str, system: str) -> frozenset[Coding]:
        if system == CURRENCIES:
            published = self._package.expansions[url]["expansion"]["contains"]
            return frozenset((system, code) for code in (*(item["code"] for item in published), *CURRENCIES_SINCE))
        code_system = self._package.code_systems[system]
        if code_system["content"] != "complete":
            message = f"{url} includes {system}, whose content is {code_system['content']}"
            raise NotImplementedError(message)
        return frozenset((system, code) for code in _codes(code_system.get("concept", ())))


def _codes(concepts: Iterable[Json]) -> Iterator[str]:
    for concept in concepts:
        if not _is_abstract(concept):
            yield concept["code"]
        yield from _codes(concept.get("concept", ()))


def _is_abstract(concept: Json) -> bool:
    return any(
        item["code"] in {"notSelectable", "abstract"} and item.get("valueBoolean") is True
        for item in concept.get("property", ())
    )
