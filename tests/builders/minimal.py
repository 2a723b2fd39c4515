"""The smallest valid content of any R4 type, made from the definitions alone."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from service.fhir.definitions import Definitions, Element, ElementType

Json = dict[str, Any]

PRIMITIVES: Final[Json] = {
    "base64Binary": "aGVsbG8=",
    "boolean": True,
    "canonical": "http://example.org/canonical",
    "code": "code",
    "date": "2026-01-09",
    "dateTime": "2026-01-09T10:00:00+01:00",
    "decimal": Decimal("1.50"),
    "id": "a-1",
    "instant": "2026-01-09T10:00:00.000Z",
    "integer": -1,
    "markdown": "*text*",
    "oid": "urn:oid:1.2.3",
    "positiveInt": 1,
    "string": "text",
    "time": "10:00:00",
    "unsignedInt": 0,
    "uri": "urn:example:uri",
    "url": "http://example.org/url",
    "uuid": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0",
    "xhtml": '<div xmlns="http://www.w3.org/1999/xhtml">text</div>',
}
"""A value of each primitive type."""

RULES: Final = {"language": "en", "media-type": "text/plain"}

NEEDED: Final[dict[str, Json]] = {
    "AllergyIntolerance": {
        "clinicalStatus": {
            "coding": [
                {"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active"}
            ]
        }
    },
    "Appointment": {
        "status": "proposed",
        "participant": [{"status": "accepted", "type": [{"text": "a"}]}],
    },
    "AppointmentResponse": {"participantType": [{"text": "a"}]},
    "Bundle": {"type": "collection"},
    "CapabilityStatement": {"kind": "requirements", "description": "text", "rest": [{"mode": "server"}]},
    "Consent": {"policyRule": {"text": "text"}},
    "Organization": {"name": "text"},
    "SearchParameter": {"status": "draft"},  # an active one would have to make sense
    "StructureDefinition": {
        "kind": "resource",
        "type": "Patient",
        "abstract": True,
        "differential": {"element": [{"id": "Patient", "path": "Patient"}]},
    },
    "Expression": {"language": "text/fhirpath", "expression": "true"},
    "TriggerDefinition": {"type": "named-event", "name": "text"},
}
"""What invariants demand beyond the required elements."""


_TIME: Final[Json] = {"value": 1, "unit": "a", "system": "http://unitsofmeasure.org", "code": "a"}

SAMPLES: Final[dict[str, Json]] = {
    "Age": _TIME,
    "ContactPoint": {"use": "home"},
    "Count": {"unit": "sessions"},
    "Distance": {"value": 1, "unit": "m", "system": "http://unitsofmeasure.org", "code": "m"},
    "Duration": _TIME,
    "Ratio": {"numerator": {"value": 1}, "denominator": {"value": 2}},
}
"""Data types whose first element does not stand alone."""


def minimal(definitions: Definitions, resource_type: str) -> Json:
    """A valid resource with its required elements."""
    return {"resourceType": resource_type, **minimal_type(definitions, resource_type)}


def minimal_type(definitions: Definitions, name: str) -> Any:
    """A valid value of a data type, or the elements of a resource."""
    definition = definitions.type(name)
    if definition.kind == "primitive-type":
        return PRIMITIVES[name]
    content = _required(definitions, definition.elements) | NEEDED.get(name, {})
    return content or _any(definitions, name)


def _any(definitions: Definitions, name: str) -> Json:
    """Of a data type without required elements one element; of a resource nothing."""
    definition = definitions.type(name)
    if definition.kind == "resource":
        return {}
    if name in SAMPLES:
        return SAMPLES[name]
    own = [item for item in definition.elements if item.name not in {"id", "extension", "modifierExtension"}]
    return _element(definitions, own[0])


def _required(definitions: Definitions, elements: tuple[Element, ...]) -> Json:
    content: Json = {}
    for element in elements:
        if element.min > 0:
            content |= _element(definitions, element)
    return content


def _element(definitions: Definitions, element: Element) -> Json:
    name, kind = element.json_names()[0]
    value = _required(definitions, element.children) if element.children else _value(definitions, element, kind)
    return {name: [value] if element.repeats else value}


def _value(definitions: Definitions, element: Element, kind: ElementType | None) -> Any:
    if kind is None:
        raise NotImplementedError(element.path)
    if kind.code == "Reference":
        target = kind.targets[0] if kind.targets else "Patient"
        return {"reference": f"{'Patient' if target == 'Resource' else target}/1"}
    if element.binding:
        rule = definitions.code_rule(element.binding)
        if rule:
            return RULES[rule]
        system, codes = next(iter(definitions.codings(element.binding).items()))
        code = min(codes)
        return {"coding": [{"system": system, "code": code}]} if kind.code == "CodeableConcept" else code
    return minimal_type(definitions, kind.code)
