"""Links inside a transaction Bundle: temporary and conditional references become literal ones.

https://hl7.org/fhir/R4/http.html#trules: a link equal to an entry's fullUrl is replaced wherever R4 says it is a link:
`Reference.reference`, uri and url elements, href and src of the narrative; never in canonicals or strings. R4 also
names oid and uuid elements, but no literal reference is a valid value of those, so they stay. A Bundle that is itself
stored resolves its links within itself and is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from operator import is_
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir import codec
from service.fhir.link_map import TWIN
from service.fhir.outcome import failure
from service.fhir.reference import parse_local

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from service.fhir.link_map import LinkMap, Place
    from service.fhir.reference import LocalReference
    from service.fhir.resource import Content

_RESTFUL: Final = re.compile(r"(?P<root>https?://.+/)(?P<relative>[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})")
_CONDITIONAL: Final = re.compile(r"(?P<type>[A-Z][A-Za-z]+)\?(?P<query>.+)", re.DOTALL)
_NARRATIVE_LINK: Final = re.compile(r"""(?<=\s)((?:href|src)\s*=\s*)(["'])(.*?)\2""")

_OF_A_VERSION: Final = "/_history/"
_UUID: Final = "urn:uuid:"
_NESTED: Final = frozenset({dict, list})

Replace = Callable[["Place | None", str, object], str]
"""What a link at a place becomes; the third argument is what `Reference.type` says beside it."""
Places = Callable[[str], "Mapping[str, Place]"]


class Links(Struct, frozen=True, kw_only=True, dict=True):
    """What every link of a Bundle leads to.

    `targets`: fullUrl → ``Type/id``. `made`: of these, the version ids of what the Bundle creates, or finds instead.
    `conditional`: ``Type?criteria`` → ``Type/id``. `places`: where links are.
    """

    targets: Mapping[str, str]
    made: Mapping[str, int]
    conditional: Mapping[str, str]
    places: LinkMap

    def resolved(self, content: Content, full_url: str | None, where: str) -> Content:
        """The content with its links replaced.

        FhirError reference-invalid for a ``urn:`` that leads nowhere, reference-type where it leads to a wrong type.
        """
        if content["resourceType"] == "Bundle":
            return content
        places = self._places_of_links(content)
        if places is None:
            return content
        root = full_url and (match := _RESTFUL.fullmatch(full_url)) and match["root"]
        known = {**self.conditional, **self.targets} if self.conditional else self.targets

        def replace(place: Place | None, link: str, named: object = None) -> str:
            target = known.get(link)
            if target is None and root:
                target = self.targets.get(f"{root}{link}")
            if target is None and _OF_A_VERSION in link:
                target = self._of_a_version(link, root)
            if target is None:
                if place and link.startswith((_UUID, "urn:oid:")):
                    told = "A urn: reference does not equal the fullUrl of any entry of the Bundle."
                    raise failure("reference-invalid", told, _place_of(content, link, where))
                return link
            if place and not place.allows(target.partition("/")[0]):
                told = f"A reference leads to an entry of the wrong type; it may be {', '.join(sorted(place.targets))}."
                raise failure("reference-type", told, _place_of(content, link, where))
            if isinstance(named, str) and named.isalpha() and named != target.partition("/")[0]:
                told = f"Reference.type says {named}, but the reference leads to a {target.partition('/')[0]}."
                raise failure("reference-type", told, _place_of(content, link, where))
            return target

        return _Rewriting(places, replace).object(content, content["resourceType"])

    @cached_property
    def _are_urns(self) -> bool:
        """Whether all links that lead somewhere are UUIDs, as those of nearly all Bundles are."""
        return not self.conditional and all(link.startswith(_UUID) for link in self.targets)

    def _places_of_links(self, content: Content) -> Places | None:
        """Where to look for the links of a content, None for nowhere: its text tells, at a tenth of the cost."""
        if not self._are_urns:
            return self.places.places
        text = codec.encode(content)
        if b"urn:oid:" in text:
            return self.places.places
        links = text.count(b"urn:uuid:")
        if not links:
            return None
        in_references = text.count(b'"reference":"urn:uuid:') == links and b'xtension":' not in text
        return self.places.places_of_references if in_references else self.places.places

    def _of_a_version(self, link: str, root: str | None) -> str | None:
        """The version that there is of what the Bundle creates; which one the link names means nothing, says R4."""
        unversioned = link.partition(_OF_A_VERSION)[0]
        for full_url in (unversioned, f"{root}{unversioned}"):
            if full_url in self.made:
                return f"{self.targets[full_url]}{_OF_A_VERSION}{self.made[full_url]}"
        return None


def restful_target(full_url: str) -> str | None:
    """The ``Type/id`` that a RESTful fullUrl ends with, None for any other."""
    match = _RESTFUL.fullmatch(full_url)
    return match["relative"] if match else None


class ConditionalReference(Struct, frozen=True, kw_only=True):
    """A reference of the form ``Patient?identifier=system|value``; `path` is that of its element in the resource."""

    text: str
    type: str
    query: str
    path: str


def conditional_references(content: Content, base: str) -> Iterator[ConditionalReference]:
    """Each reference by criteria; one that is absolute on `base` is meant, too."""
    if not may_refer_by_criteria(content):
        return
    for path, reference in references(content):
        match = _CONDITIONAL.fullmatch(reference.removeprefix(f"{base}/"))
        if match:
            yield ConditionalReference(text=reference, type=match["type"], query=match["query"], path=path)


def may_refer_by_criteria(contents: Content | Sequence[Content]) -> bool:
    """Whether there may be references by criteria in one or in several contents, at a tenth of the cost of a walk."""
    return b"?" in codec.encode(contents)


def references(content: Content) -> Iterator[tuple[str, str]]:
    """(path, text) of every `Reference.reference`; none of a Bundle, whose links are its own."""
    if content.get("resourceType") != "Bundle":
        yield from every_reference(content)


def every_reference(value: Any, path: str = "") -> Sequence[tuple[str, str]]:
    """The same for any part of a resource at `path`, those of a Bundle included."""
    found: list[tuple[str, str]] = []
    _collect(value, path, found)
    return found


def _collect(value: Any, path: str, found: list[tuple[str, str]]) -> None:
    """Add the references of a part: a list that is filled costs half of generators within generators."""
    if type(value) is dict:
        for name, child in value.items():
            if type(child) is str:
                if name == "reference":
                    found.append((path, child))
            elif type(child) in _NESTED:
                _collect(child, f"{path}.{name}" if path else name, found)
    elif type(value) is list:
        for index, child in enumerate(value):
            if type(child) in _NESTED:
                _collect(child, f"{path}[{index}]", found)


def local_references(content: Any, base: str, types: Container[str]) -> Iterator[tuple[str, LocalReference]]:
    """(path, target) of every literal reference to a resource of one of the types here, also by an absolute URL."""
    for path, reference in every_reference(content):
        target = parse_local(reference, base, types)
        if target is not None:
            yield path, target


def _place_of(content: Content, link: str, where: str) -> str:
    """The FHIRPath of the reference that holds the link, for the refusal of it."""
    path = next((path for path, reference in references(content) if reference == link), "")
    return f"{where}.resource.{path}" if path else f"{where}.resource"


class _Rewriting(Struct, frozen=True):
    """One walk over a content; what has other links in it is copied, everything else stays as it is."""

    places: Places
    replace: Replace

    def object(self, value: Content, inside: str) -> Content:
        places = self.places(inside)
        result = value
        for name, child in value.items():
            place = places.get(name)
            if place is None:
                if type(child) is str or not name.startswith("_"):
                    continue
                place = TWIN
            if type(child) is dict:
                new: Any = self._element(child, place)
            elif type(child) is str:
                new = self._text(child, place)
            elif type(child) is list:
                new = [self._part(part, place) for part in child]
                if all(map(is_, new, child)):
                    continue
            else:
                continue
            if new is not child:
                if result is value:
                    result = value.copy()
                result[name] = new
        return result

    def _part(self, value: Any, place: Place) -> Any:
        if type(value) is dict:
            return self._element(value, place)
        return self._text(value, place) if type(value) is str else value

    def _element(self, value: Content, place: Place) -> Content:
        if place.kind == "resource":
            resource_type = value["resourceType"]
            return value if resource_type == "Bundle" else self.object(value, resource_type)
        result = self.object(value, place.inside)
        if place.kind == "reference" and isinstance(link := value.get("reference"), str):
            target = self.replace(place, link, value.get("type"))
            if target is not link:
                return {**result, "reference": target}
        return result

    def _text(self, text: str, place: Place) -> str:
        if place.kind == "link":
            return self.replace(None, text, None)
        return _NARRATIVE_LINK.sub(self._narrative_link, text) if place.kind == "narrative" else text

    def _narrative_link(self, match: re.Match[str]) -> str:
        attribute, quote, link = match.groups()
        return f"{attribute}{quote}{self.replace(None, link, None)}{quote}"
