"""Where the links of a resource are: which JSON properties hold references, URIs, narratives, other resources.

Computed from the definitions, type by type, when a type is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from service.fhir.definitions import Definitions, Element, ElementType

_LINKS: Final = frozenset({"uri", "url"})
_EXTENSION: Final = "Extension"

PlaceKind = Literal["reference", "link", "narrative", "resource", "inside"]


class Place(Struct, frozen=True, kw_only=True):
    """What a property holds. `inside` names the properties of its objects; `targets` the types a reference may have."""

    kind: PlaceKind
    inside: str = ""
    targets: frozenset[str] = frozenset()

    def allows(self, resource_type: str) -> bool:
        """Whether a reference here may point at the type."""
        return not self.targets or resource_type in self.targets


TWIN: Final = Place(kind="inside", inside="Element")
"""What a `_name` property holds: the id and extensions of a primitive."""


class LinkMap:
    """JSON property → place, for the objects of a type (``Patient``, ``Period``) or of an element (``Task.input``)."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._places: dict[str, Mapping[str, Place]] = {}
        self._of_references: dict[str, Mapping[str, Place]] = {}

    def places(self, inside: str) -> Mapping[str, Place]:
        """The properties of the objects of a type or element that links can be found in."""
        found = self._places.get(inside)
        if found is None:
            self._add(inside.partition(".")[0])
            found = self._places[inside]
        return found

    def places_of_references(self, inside: str) -> Mapping[str, Place]:
        """Those of them that lead to a property ``reference``, extensions aside."""
        found = self._of_references.get(inside)
        if found is None:
            places = self.places(inside)
            found = {name: place for name, place in places.items() if self._leads_to_references(name, place)}
            self._of_references[inside] = found
        return found

    def _leads_to_references(self, name: str, place: Place) -> bool:
        known, ahead = {_EXTENSION}, [(name, place)]
        while ahead:
            name, place = ahead.pop()
            if place.kind in ("reference", "resource") or (place.kind == "link" and name == "reference"):
                return True
            if place.inside and place.inside not in known:
                known.add(place.inside)
                ahead += self.places(place.inside).items()
        return False

    def _add(self, type_name: str) -> None:
        self._add_elements(type_name, self._definitions.type(type_name).elements)

    def _add_elements(self, inside: str, elements: Sequence[Element]) -> None:
        places = {}
        for element in elements:
            if element.children:
                self._add_elements(element.path, element.children)
            for name, element_type in element.json_names():
                place = self._place(element, element_type)
                if place:
                    places[name] = place
        self._places[inside] = places

    def _place(self, element: Element, element_type: ElementType | None) -> Place | None:
        if element.content:
            return Place(kind="inside", inside=element.content)
        if element.children:
            return Place(kind="inside", inside=element.path)
        if element_type is None:
            return None
        code = element_type.code
        if code == "Reference":
            anything = "Resource" in element_type.targets
            targets = frozenset() if anything else frozenset(element_type.targets)
            return Place(kind="reference", inside=code, targets=targets)
        if code in _LINKS:
            return Place(kind="link")
        if code == "xhtml":
            return Place(kind="narrative")
        if code == "Resource":
            return Place(kind="resource")
        complex_type = self._definitions.type(code).kind == "complex-type"
        return Place(kind="inside", inside=code) if complex_type else None
