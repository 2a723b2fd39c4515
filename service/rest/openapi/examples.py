"""Example bodies: synthetic resources kept as files, and the smallest valid resource of every other type."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from service.fhir.codec import decode

if TYPE_CHECKING:
    from service.fhir.definitions import Definitions
    from service.fhir.definitions.definition import Element, ElementType

STORED_META: Final = {"versionId": "1", "lastUpdated": "2026-01-09T09:00:00.000Z"}

_PRIMITIVES: Final[dict[str, Any]] = {
    "base64Binary": "TWFzc2FnZQ==",
    "boolean": True,
    "canonical": "https://clinic.example.org/fhir/Questionnaire/intake",
    "code": "example",
    "date": "2026-01-12",
    "dateTime": "2026-01-12",
    "decimal": 1,
    "id": "example",
    "instant": "2026-01-12T09:00:00Z",
    "integer": 1,
    "markdown": "Example",
    "oid": "urn:oid:1.2.36.146.595.217.0.1",
    "positiveInt": 1,
    "string": "Example",
    "time": "09:00:00",
    "unsignedInt": 1,
    "uri": "https://clinic.example.org/example",
    "url": "https://clinic.example.org/example",
    "uuid": "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7",
}

_COMPLEX: Final[dict[str, Any]] = {
    "Attachment": {"contentType": "application/pdf", "url": "https://clinic.example.org/report.pdf"},
    "CodeableConcept": {"text": "Example"},
    "Coding": {"system": "https://clinic.example.org/codes", "code": "example"},
}
"""Data types in which R4 requires no element, and yet something."""


@cache
def example_files() -> dict[str, bytes]:
    """File name without ``.json`` → content, of every example that is kept as a file."""
    folder = files(__package__).joinpath("examples")
    found = {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.name.endswith(".json")}
    return {name.removesuffix(".json"): found[name] for name in sorted(found)}


def example_of(resource_type: str, definitions: Definitions) -> dict[str, Any]:
    """An example of a resource as a client would send it: out of a file, else its required elements only."""
    kept = example_files().get(resource_type)
    content: dict[str, Any] = decode(kept) if kept else smallest(resource_type, definitions)
    return content


def stored(content: dict[str, Any]) -> dict[str, Any]:
    """The example as the service would give it back: with an id and a version."""
    first = {"resourceType": content["resourceType"], "id": "1", "meta": STORED_META}
    return first | {name: value for name, value in content.items() if name not in first}


def smallest(resource_type: str, definitions: Definitions) -> dict[str, Any]:
    """The resource with its required elements only, each in the first form that R4 lists."""
    elements = definitions.type(resource_type).elements
    return {"resourceType": resource_type} | _required(elements, definitions)


def _required(elements: tuple[Element, ...], definitions: Definitions) -> dict[str, Any]:
    values = {}
    for element in elements:
        if element.min:
            name, kind = element.json_names()[0]
            value = _value(element, kind, definitions)
            values[name] = [value] if element.repeats else value
    return values


def _value(element: Element, kind: ElementType | None, definitions: Definitions) -> Any:
    if element.children:
        return _required(element.children, definitions)
    code = kind.code if kind else "string"
    if code == "code" and element.binding and (codes := definitions.codes(element.binding)):
        return "active" if "active" in codes else min(codes)
    if element.binding and definitions.code_rule(element.binding) == "media-type":
        return "application/pdf"
    if code in _PRIMITIVES:
        return _PRIMITIVES[code]
    if code == "Reference":
        target = kind.targets[0] if kind and kind.targets else "Patient"
        return {"reference": f"{'Patient' if target == 'Resource' else target}/1"}
    return _COMPLEX.get(code) or _required(definitions.type(code).elements, definitions)
