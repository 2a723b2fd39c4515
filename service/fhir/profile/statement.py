"""What a StructureDefinition asks of instances: one statement per ElementDefinition.

https://hl7.org/fhir/R4/elementdefinition.html. Definitions, mappings, examples, mustSupport, isSummary and the like ask
nothing of an instance. The id of an element tells its place; R4's own Validator has seen to it that there is one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from service.fhir.definitions import Definitions
    from service.fhir.profile.problem import Report

_MAX_VALUE_SET: Final = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet"
_PROFILE_ELEMENT: Final = "http://hl7.org/fhir/StructureDefinition/elementdefinition-profile-element"
_SYSTEM_TYPE: Final = "http://hl7.org/fhirpath/"
UNBOUNDED: Final = 1 << 31


class Segment(Struct, frozen=True):
    """One step of an element's id: the name in its path (``value[x]``), and the slice or an empty text."""

    name: str
    slice: str = ""


class Value(Struct, frozen=True):
    """A value of the definition and the data type that its property names."""

    type: str
    value: Any


class StatedType(Struct, frozen=True, kw_only=True):
    """A type that the element may have; `targets` are canonicals, None where none are named."""

    code: str
    profiles: tuple[str, ...] = ()
    targets: tuple[str, ...] | None = None
    aggregation: tuple[str, ...] = ()


class StatedBinding(Struct, frozen=True, kw_only=True):
    """A value set that codes have to come from (required), or should (extensible); both may be said at once."""

    required: str | None = None
    extensible: str | None = None


class StatedConstraint(Struct, frozen=True, kw_only=True):
    """An invariant; `source` is the definition that it was first said in, if that is told."""

    key: str
    severity: str
    human: str
    expression: str | None
    source: str | None


class StatedSlicing(Struct, frozen=True, kw_only=True):
    """How the items of an element are told apart: pairs of kind and path."""

    discriminators: tuple[tuple[str, str], ...]
    rules: str
    ordered: bool


class Statement(Struct, frozen=True, kw_only=True):
    """What is said of one element; None and empty where nothing is."""

    id: str
    place: tuple[Segment, ...]
    min: int | None = None
    max: int | None = None
    types: tuple[StatedType, ...] | None = None
    fixed: Value | None = None
    pattern: Value | None = None
    least: Value | None = None
    most: Value | None = None
    max_length: int | None = None
    binding: StatedBinding | None = None
    constraints: tuple[StatedConstraint, ...] = ()
    slicing: StatedSlicing | None = None


def statements(
    structure: Mapping[str, Any], view: str, definitions: Definitions, report: Report
) -> Iterator[Statement]:
    """The statements of the ``differential`` or ``snapshot`` of a valid StructureDefinition, in its order."""
    for item in structure[view]["element"]:
        place = _place(item["id"])
        if ".".join([structure["type"], *(each.name for each in place)]) != item["path"]:
            report.refuse(item["id"], f"the id of an element is its path with slice names, here {item['path']}")
            continue
        if any("/" in each.slice or each.slice.startswith("@") for each in place):
            report.refuse(item["id"], "slices of slices (a/b) and @default slices are not supported")
            continue
        if place and "sliceName" in item and not place[-1].slice:
            # published ids may differ from the name in their case; it is the id that tells what belongs together
            report.refuse(item["id"], f"the id of the slice {item['sliceName']} must end in :{item['sliceName']}")
            continue
        yield _statement(item, place, definitions, report)


def _place(element_id: str) -> tuple[Segment, ...]:
    _, *steps = element_id.split(".")
    found = []
    for step in steps:
        name, _, slice_name = step.partition(":")
        found.append(Segment(name, slice_name))
    return tuple(found)


def _statement(
    item: Mapping[str, Any], place: tuple[Segment, ...], definitions: Definitions, report: Report
) -> Statement:
    types = tuple(_type(kind, item["id"], report) for kind in item.get("type", ()))
    return Statement(
        id=item["id"],
        place=place,
        min=item.get("min"),
        max=_maximum(item.get("max")),
        types=tuple(kind for kind in types if not kind.code.startswith(_SYSTEM_TYPE)) or None,
        fixed=_value(item, "fixed", definitions),
        pattern=_value(item, "pattern", definitions),
        least=_value(item, "minValue", definitions),
        most=_value(item, "maxValue", definitions),
        max_length=item.get("maxLength"),
        binding=_binding(item.get("binding")),
        constraints=tuple(_constraint(each) for each in item.get("constraint", ())),
        slicing=_slicing(item.get("slicing")),
    )


def _maximum(text: str | None) -> int | None:
    if text is None:
        return None
    return UNBOUNDED if text == "*" else int(text)


def _type(kind: Mapping[str, Any], element: str, report: Report) -> StatedType:
    twins = [twin for twin in kind.get("_profile", ()) if twin]
    if any(each.get("url") == _PROFILE_ELEMENT for twin in twins for each in twin.get("extension", ())):
        report.refuse(element, "a profile on an element inside of another profile is not supported")
    if kind.get("versioning", "either") != "either":
        report.note(element, "whether references name versions is not checked")
    return StatedType(
        code=kind["code"],
        profiles=tuple(kind.get("profile", ())),
        targets=tuple(kind["targetProfile"]) if "targetProfile" in kind else None,
        aggregation=tuple(kind.get("aggregation", ())),
    )


def _value(item: Mapping[str, Any], prefix: str, definitions: Definitions) -> Value | None:
    for name, value in item.items():
        if name.startswith(prefix) and name != prefix:
            suffix = name.removeprefix(prefix)
            lower = suffix[0].lower() + suffix[1:]
            return Value(lower if lower in definitions.data_type_names else suffix, value)
    return None


def _binding(binding: Mapping[str, Any] | None) -> StatedBinding | None:
    if binding is None:
        return None
    limits = [each["valueCanonical"] for each in binding.get("extension", ()) if each["url"] == _MAX_VALUE_SET]
    value_set, strength = binding.get("valueSet"), binding["strength"]
    if strength == "required" and value_set is not None:
        return StatedBinding(required=value_set)
    found = StatedBinding(
        required=limits[0] if limits else None, extensible=value_set if strength == "extensible" else None
    )
    return found if found.required or found.extensible else None


def _constraint(rule: Mapping[str, Any]) -> StatedConstraint:
    return StatedConstraint(
        key=rule["key"],
        severity=rule["severity"],
        human=rule["human"],
        expression=rule.get("expression"),
        source=rule.get("source"),
    )


def _slicing(slicing: Mapping[str, Any] | None) -> StatedSlicing | None:
    if slicing is None:
        return None
    return StatedSlicing(
        discriminators=tuple((each["type"], each["path"]) for each in slicing.get("discriminator", ())),
        rules=slicing["rules"],
        ordered=slicing.get("ordered", False),
    )
