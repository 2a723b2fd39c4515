"""What a code comes to by ConceptMaps, for $translate: https://hl7.org/fhir/R4/conceptmap-operation-translate.html

Reversed, the equivalence is turned around with the mapping: what was wider is narrower.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.terminology.needed import canonical
from service.fhir.terminology.parameters import group, parameters, value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from service.fhir.resource import Content
    from service.fhir.terminology.needed import Needed

    Json = Mapping[str, Any]
    LookUp = Callable[[Needed], Content]

_NO_MATCH: Final = frozenset({"unmatched", "disjoint"})
_REVERSED: Final[Mapping[str, str]] = {
    "wider": "narrower",
    "narrower": "wider",
    "subsumes": "specializes",
    "specializes": "subsumes",
}
_FARTHEST: Final = 5
"""Maps that are asked one after the other, by ``unmapped.url``."""


class Match(Struct, frozen=True, kw_only=True):
    """A code that another is mapped to; no `concept` where the map says that there is none.

    `source` is the map, None for one that was sent along and has no name.
    """

    equivalence: str
    concept: Any
    source: str | None
    products: Sequence[Any] = ()

    def as_part(self) -> dict[str, Any]:
        """The parameter of the answer."""
        return group(
            "match",
            [
                value("equivalence", "Code", self.equivalence),
                value("concept", "Coding", self.concept),
                *(_product(each) for each in self.products),
                value("source", "Uri", self.source),
            ],
        )


class Asked(Struct, frozen=True, kw_only=True):
    """What to translate by: `given` are elements that mappings may depend on, as pairs of a URI and a code.

    `source` and `target` are value sets, `target_system` is a code system; all of them turned around by `reverse`.
    """

    target_system: str | None = None
    target: str | None = None
    source: str | None = None
    given: frozenset[tuple[str, str]] = frozenset()
    reverse: bool = False


def following(content: Content) -> Iterator[Needed]:
    """The maps that a map passes on what it does not have."""
    for part in content.get("group", ()):
        unmapped = part.get("unmapped", {})
        if unmapped.get("mode") == "other-map" and "url" in unmapped:
            yield canonical("ConceptMap", unmapped["url"])


def translate(maps: Sequence[Content], codings: Sequence[Json], asked: Asked, look_up: LookUp) -> Content:
    """The Parameters of the answer: every match of every code in every map, and whether there is one.

    `look_up` gives the maps that are passed on to, or raises CannotExpandError.
    """
    matches: dict[tuple[Any, ...], Match] = {}
    for content in maps:
        for coding in codings if _is_between(content, asked) else ():
            found = _reverse(content, coding, asked) if asked.reverse else _forward(content, coding, asked, look_up)
            for each in found:
                concept = each.concept or {}
                matches[each.source, each.equivalence, concept.get("system"), concept.get("code")] = each
    result = any(each.equivalence not in _NO_MATCH for each in matches.values())
    told = None if result else "No map here has a counterpart of the code."
    parts = [each.as_part() for each in matches.values()]
    return parameters([value("result", "Boolean", result), value("message", "String", told), *parts])


def _is_between(content: Content, asked: Asked) -> bool:
    """Whether a map is between the value sets that were named, as far as it says between which it is."""
    first, second = ("target", "source") if asked.reverse else ("source", "target")
    for element, named in ((first, asked.source), (second, asked.target)):
        told = content.get(f"{element}Canonical") or content.get(f"{element}Uri")
        if named and told and told.partition("|")[0] != named.partition("|")[0]:
            return False
    return True


def _forward(content: Content, coding: Json, asked: Asked, look_up: LookUp, depth: int = 0) -> Iterator[Match]:
    for part in content.get("group", ()):
        if not _may_be(part, "source", coding.get("system")) or not _may_be(part, "target", asked.target_system):
            continue
        found = [each for each in part["element"] if each.get("code") == coding["code"]]
        for target in (target for element in found for target in element.get("target", ())):
            if _holds(target, asked):
                yield _match(content, target["equivalence"], _coding(part, "target", target), target)
        unmapped = part.get("unmapped", {}) if not found else {}
        match unmapped.get("mode"):
            case "provided":
                yield _match(content, "equal", _coding(part, "target", coding))
            case "fixed":
                yield _match(content, "inexact", _coding(part, "target", unmapped))
            case "other-map" if depth < _FARTHEST and "url" in unmapped:
                other = look_up(canonical("ConceptMap", unmapped["url"]))
                yield from _forward(other, coding, asked, look_up, depth + 1)


def _reverse(content: Content, coding: Json, asked: Asked) -> Iterator[Match]:
    for part in content.get("group", ()):
        if not _may_be(part, "target", coding.get("system")) or not _may_be(part, "source", asked.target_system):
            continue
        for element in part["element"]:
            for target in element.get("target", ()):
                if target.get("code") == coding["code"] and _holds(target, asked):
                    told = target["equivalence"]
                    yield _match(content, _REVERSED.get(told, told), _coding(part, "source", element))


def _may_be(part: Json, side: str, system: str | None) -> bool:
    """Whether a side of a group is of the system: groups that name none are of any."""
    return system is None or part.get(side) in (None, system)


def _holds(target: Json, asked: Asked) -> bool:
    return all((each["property"], each["value"]) in asked.given for each in target.get("dependsOn", ()))


def _match(content: Content, equivalence: str, concept: Any, target: Json | None = None) -> Match:
    products = target.get("product", ()) if target else ()
    return Match(equivalence=equivalence, concept=concept, source=_name(content), products=products)


def _name(content: Content) -> str | None:
    """The canonical URL of a map with its version, or where it is stored."""
    url, version = content.get("url"), content.get("version")
    if url:
        return f"{url}|{version}" if version else str(url)
    return f"ConceptMap/{content['id']}" if "id" in content else None


def _coding(part: Json, side: str, told: Json) -> dict[str, Any] | None:
    if "code" not in told:
        return None
    named = {"system": part.get(side), "version": part.get(f"{side}Version"), "code": told["code"]}
    named["display"] = told.get("display")
    return {name: each for name, each in named.items() if each is not None}


def _product(content: Json) -> dict[str, Any]:
    coding = {"system": content.get("system"), "code": content["value"], "display": content.get("display")}
    found = {name: each for name, each in coding.items() if each is not None}
    return group("product", [value("element", "Uri", content["property"]), value("concept", "Coding", found)])
