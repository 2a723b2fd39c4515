"""Parts of a resource: ``_summary`` and ``_elements``, with the tag that says that parts are missing.

https://hl7.org/fhir/R4/search.html#summary, https://hl7.org/fhir/R4/search.html#elements
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, cast, get_args

from msgspec import Struct

from service.fhir.outcome import failure

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from service.fhir.definitions import Definitions, Element
    from service.fhir.resource import Content

SummaryMode = Literal["true", "text", "data", "count", "false"]

SUBSETTED: Final[Mapping[str, str]] = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
}
"""The tag of an incomplete resource: it must not be stored back as it is."""

_ALWAYS: Final = ("resourceType", "id", "meta")
_MODES: Final = get_args(SummaryMode)


class Subset(Struct, frozen=True, kw_only=True):
    """Which part of a resource is asked for: a mode of ``_summary``, or the names of ``_elements``, or (empty) all."""

    summary: SummaryMode = "false"
    elements: tuple[str, ...] = ()


EVERYTHING: Final = Subset()


def parse_subset(parameters: Iterable[tuple[str, str]]) -> Subset:
    """The subset that ``_summary`` and ``_elements`` ask for, other parameters ignored.

    FhirError parameter-value for an unknown mode, a repeated ``_summary``, no names, or both parameters at once: R4
    does not say which of them would win.
    """
    modes: list[str] = []
    names: list[str] = []
    listed = False
    for name, value in parameters:
        if name == "_summary":
            modes.append(value)
        elif name == "_elements":
            listed = True
            names.extend(part.strip() for part in value.split(",") if part.strip())
    if len(modes) > 1 or not set(modes) <= set(_MODES):
        raise failure("parameter-value", f"_summary is one of {', '.join(_MODES)}.", "http._summary")
    if listed and not names:
        raise failure("parameter-value", "_elements lists element names, such as status,subject.", "http._elements")
    if names and modes and modes[0] != "false":
        raise failure("parameter-value", "_elements and _summary cannot be combined.", "http._elements")
    return Subset(summary=cast("SummaryMode", modes[0]) if modes else "false", elements=tuple(dict.fromkeys(names)))


def check_elements(elements: Sequence[str], types: Collection[str], definitions: Definitions) -> None:
    """Refuse names of ``_elements`` that none of the types has; FhirError parameter-value lists those there are."""
    known = {element.name for name in types for element in definitions.type(name).elements}
    known |= {f"{name}.{element.name}" for name in types for element in definitions.type(name).elements}
    unknown = [name for name in elements if name not in known and name not in _ALWAYS]
    if unknown:
        listed = ", ".join(sorted(name for name in known if "." not in name)) if len(types) == 1 else "its elements"
        raise failure("parameter-value", f"_elements names what {' or '.join(types)} has: {listed}.", "http._elements")


def subset(
    content: Content,
    resource_type: str,
    *,
    summary: SummaryMode | None = None,
    elements: Sequence[str] = (),
    definitions: Definitions,
) -> Content:
    """The part of a resource that was asked for, tagged SUBSETTED; the resource itself where that is everything.

    Mandatory elements, id, meta and modifier elements stay: without them the rest would be invalid or misread.
    ``_summary=count`` is a matter of the Bundle and leaves the resource as it is.
    """
    definition = definitions.type(resource_type)
    match summary:
        case "true":
            kept = _summarised(content, definition.elements)
        case "text":
            kept = _only(content, definition.elements, lambda element: _needed(element) or element.name == "text")
        case "data":
            kept = {name: value for name, value in content.items() if name not in ("text", "_text")}
        case _ if elements:
            names = _own_names(elements, resource_type)
            kept = _only(
                content,
                definition.elements,
                lambda element: _needed(element) or element.name in names,
            )
        case _:
            return content
    return _tagged(kept)


def _needed(element: Element) -> bool:
    return element.min > 0 or element.modifier


def _own_names(elements: Sequence[str], resource_type: str) -> frozenset[str]:
    """The names that apply to a type: the bare ones, and those that it is named with, as in ``Patient.name``."""
    return frozenset(name.removeprefix(f"{resource_type}.") for name in elements)


def _only(content: Content, elements: Sequence[Element], wanted: Callable[[Element], bool]) -> Content:
    names = {name for element in elements if wanted(element) for name, _ in element.json_names()}
    return {name: value for name, value in content.items() if name in _ALWAYS or name.removeprefix("_") in names}


def _summarised(content: Content, elements: Sequence[Element]) -> Content:
    """The elements that R4 marks as summary, backbone elements by the same rule; data types stay whole."""
    kept: Content = {}
    by_name = {name: element for element in elements for name, _ in element.json_names()}
    for name, value in content.items():
        element = by_name.get(name.removeprefix("_"))
        if name in _ALWAYS:
            kept[name] = value
        elif element and (element.summary or _needed(element)):
            part = _summarised_value(value, element)
            if part not in ({}, []):
                kept[name] = part
    return kept


def _summarised_value(value: Any, element: Element) -> Any:
    if not element.children:
        return value
    if isinstance(value, list):
        return [part for item in value if (part := _summarised_value(item, element))]
    return _summarised(value, element.children) if isinstance(value, dict) else value


def _tagged(content: Content) -> Content:
    meta = content.get("meta") or {}
    others = [tag for tag in meta.get("tag", ()) if tag.get("code") != SUBSETTED["code"]]
    return {
        **{name: value for name, value in content.items() if name in ("resourceType", "id")},
        "meta": {**meta, "tag": [*others, dict(SUBSETTED)]},
        **{name: value for name, value in content.items() if name not in _ALWAYS},
    }
