"""`:in`, `:not-in`, `:above` and `:below` of tokens: https://hl7.org/fhir/R4/search.html#token

Value sets are expanded (https://hl7.org/fhir/R4/valueset.html#expansion) as far as they list codes, name whole code
systems or other value sets; a code subsumes those below it in the hierarchy of its CodeSystem, "and this includes the
coding itself" (https://hl7.org/fhir/R4/codesystem.html#subsumption). Only resources of this server are known; what
depends on others is a LookupError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.search.evaluator.separators import split, unescape
from tests.search.evaluator.tokens import tokens_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tests.search.evaluator.values import Resource, Value

Coded = tuple[str | None, str | None]
"""A system and a code."""


class Terminology:
    """The value sets and code systems among the resources. `base` is the server's own."""

    def __init__(self, resources: Sequence[Resource], base: str) -> None:
        self._value_sets = [each for each in resources if each["resourceType"] == "ValueSet"]
        self._systems = [each for each in resources if each["resourceType"] == "CodeSystem"]
        self._base = base

    def is_in(self, text: str, value: Value, implied: str | None) -> bool:
        """`:in`: whether one of the codings is in the value set."""
        codes = self.expansion(unescape(text))
        return any((token.system, token.code) in codes for token in tokens_of(value, implied))

    def is_below(self, text: str, value: Value, implied: str | None) -> bool:
        """`:below`: whether one of the codings "is subsumed by the specified search code"."""
        system, code = (unescape(part) for part in split(text, "|"))
        return any(
            token.system == system and code in self._lineage(system, token.code)
            for token in tokens_of(value, implied)
            if token.code is not None
        )

    def is_above(self, text: str, value: Value, implied: str | None) -> bool:
        """`:above`: whether one of the codings "subsumes the specified search code"."""
        system, code = (unescape(part) for part in split(text, "|"))
        lineage = self._lineage(system, code)
        return any(token.system == system and token.code in lineage for token in tokens_of(value, implied))

    def expansion(self, url: str) -> set[Coded]:
        """The codes of a value set, by its canonical URL or by its address on this server."""
        for each in self._value_sets:
            if url in {each.get("url"), f"ValueSet/{each['id']}", f"{self._base}/ValueSet/{each['id']}"}:
                return self._composed(each["compose"])
        raise LookupError(url)

    def _composed(self, compose: dict[str, Any]) -> set[Coded]:
        included = {code for part in compose.get("include", ()) for code in self._selected(part)}
        excluded = {code for part in compose.get("exclude", ()) for code in self._selected(part)}
        return included - excluded

    def _selected(self, part: dict[str, Any]) -> set[Coded]:
        """What one include or exclude selects: codes of a system that are in all of the value sets it names."""
        selections = [self.expansion(url) for url in part.get("valueSet", ())]
        if "system" in part:
            listed: Iterable[dict[str, Any]] = part.get("concept") or self._concepts(part["system"])
            selections.append({(part["system"], each["code"]) for each in listed})
        return set.intersection(*selections)

    def _concepts(self, system: str) -> list[dict[str, Any]]:
        return [each for each, _ in _walk(self._hierarchy(system), ())]

    def _lineage(self, system: str, code: str | None) -> set[str | None]:
        """A code and all codes that it stands below."""
        for concept, ancestors in _walk(self._hierarchy(system), ()):
            if concept["code"] == code:
                return {code, *ancestors}
        return {code}

    def _hierarchy(self, system: str) -> list[dict[str, Any]]:
        for each in self._systems:
            if each.get("url") == system:
                return list(each.get("concept", ()))
        raise LookupError(system)


def _walk(concepts: list[dict[str, Any]], above: tuple[str, ...]) -> Iterator[tuple[dict[str, Any], tuple[str, ...]]]:
    """Each concept of a hierarchy with the codes above it."""
    for each in concepts:
        yield each, above
        yield from _walk(each.get("concept", []), (*above, each["code"]))
