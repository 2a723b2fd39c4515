"""The types that a profile leaves to an element, and what references may point at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.element_rules import listed
from service.fhir.profile.finding import Finding
from service.fhir.reference_rules import target_type

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.fhir.element_rules import Frame
    from service.fhir.profile.finding import Check, Findings, Item
    from service.fhir.profile.node import Kind, Node

_CONTAINED: Final = "contained"
_REFERENCED: Final = "referenced"


def choice_finding(node: Node) -> Callable[[Item], Finding | None] | None:
    """What is wrong with the type that a choice has; None where all of R4's types are left."""
    if not node.choice or node.element is None or len(node.kinds) == len(node.element.types) or not node.max:
        return None
    keys = frozenset(node.key_of(kind) for kind in node.kinds)
    text = f"{node.name} must be of type {' or '.join(kind.code for kind in node.kinds)}: {listed(sorted(keys))}."
    return lambda item: None if item.key in keys else Finding(text=text, kind="structure", at=item.at)


def resource_check(node: Node) -> Check | None:
    """The check of an element that holds a resource of one of some types."""
    element = node.element
    if element is None or [each.code for each in element.types] != ["Resource"]:
        return None
    names = frozenset(kind.code for kind in node.kinds)
    if names & {"Resource", "DomainResource"}:
        return None
    found = (Finding(text=f"{node.name} must be a {listed(sorted(names))}.", kind="structure", at=("resourceType",)),)

    def check(value: Any, _twin: Any, _frame: Frame) -> Findings | None:
        return None if value["resourceType"] in names else found

    return check


def target_check(node: Node, kind: Kind) -> Check | None:
    """The check of a reference whose targets are fewer than R4's, or that has to be contained, or must not be."""
    of_r4 = [each for each in (node.element.types if node.element else ()) if each.code == kind.code]
    allowed = frozenset(kind.targets)
    narrowed = bool(allowed) and not (of_r4 and set(of_r4[0].targets) <= allowed and "Resource" not in of_r4[0].targets)
    aggregated = _aggregation(node, kind)
    if not narrowed:
        return aggregated
    found = (Finding(text=f"{node.name} must refer to a {listed(kind.targets)}.", kind="value"),)

    def check(value: Any, twin: Any, frame: Frame) -> Findings | None:
        target = _target(value, frame)
        if target is not None and target not in allowed:
            return found
        return aggregated(value, twin, frame) if aggregated else None

    return check


def _aggregation(node: Node, kind: Kind) -> Check | None:
    """A reference is ``#id`` where only contained ones are allowed; which are bundled cannot be seen here."""
    ways = set(kind.aggregation)
    if not ways or ways >= {_CONTAINED, _REFERENCED}:
        return None
    inside = _CONTAINED in ways
    how = "to a contained resource, as #id" if inside else "to a resource that is not contained"
    found = (Finding(text=f"{node.name} must refer {how}.", kind="value"),)

    def check(value: Any, _twin: Any, _frame: Frame) -> Findings | None:
        reference = value.get("reference")
        return found if reference and reference.startswith("#") is not inside else None

    return check


def _target(reference: dict[str, Any], frame: Frame) -> str | None:
    """The type that a reference says to point at; None where it does not say."""
    literal = reference.get("reference")
    if literal:
        if literal.startswith("#"):
            found = frame.contained.get(literal[1:]) if literal != "#" else frame.root["resourceType"]
            return found if isinstance(found, str) else None
        if (named := target_type(literal)) is not None:
            return named
    named = reference.get("type")
    return named if isinstance(named, str) and ":" not in named else None
