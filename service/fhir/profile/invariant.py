"""The invariants that a profile adds: https://hl7.org/fhir/R4/conformance-rules.html#constraints

Those that R4 itself has are left to its own validator. As there, an invariant holds when its FHIRPath gives true.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from service.fhir.path import PathError, compile_path
from service.fhir.profile.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.fhir.definitions import Definitions
    from service.fhir.element_rules import Frame
    from service.fhir.path import Path
    from service.fhir.profile.finding import Check, Findings
    from service.fhir.profile.node import Node
    from service.fhir.profile.problem import Report
    from service.fhir.profile.statement import StatedConstraint

UNDECIDED_HOLDS: Final = {"vs-1": "HL7's expression gives nothing for a Period, of which the rule does not speak"}
"""Published invariants whose FHIRPath may give nothing although the rule in words is kept."""


def invariant_checks(node: Node, definitions: Definitions, report: Report, *, warnings: bool) -> list[Check]:
    """The checks of a node's invariants; what is no FHIRPath that can be run is refused."""
    known = _of_r4(node, definitions)
    found: list[Check] = []
    for constraint in node.constraints.values():
        if constraint.key in known or not (warnings or constraint.severity == "error"):
            continue
        if constraint.expression is None:
            report.note(node.id, f"{constraint.key} has no FHIRPath expression and is not checked")
            continue
        try:
            path = compile_path(
                constraint.expression.replace(".matches(", ".matchesFull("),
                definitions=definitions,
                type_name=_type_name(node),
                stored=True,
            )
        except PathError as error:
            report.refuse(node.id, f"{constraint.key} cannot be evaluated: {error}")
            continue
        found.append(_check(constraint, path))
    return found


def _check(constraint: StatedConstraint, path: Path) -> Check:
    severity: Literal["error", "warning"] = "error" if constraint.severity == "error" else "warning"
    found = (Finding(text=f"{constraint.human} ({constraint.key})", kind="invariant", severity=severity),)
    undecided = constraint.key in UNDECIDED_HOLDS

    def check(value: Any, _twin: Any, frame: Frame) -> Findings | None:
        if value is None:
            return None
        try:
            holds = path.affirms(value, frame.scope) or (undecided and path.holds(value, frame.scope))
        except PathError:
            holds = False
        return None if holds else found

    return check


def _of_r4(node: Node, definitions: Definitions) -> set[str]:
    """The keys of the invariants that R4 has for the element, repeated in every snapshot."""
    found = _keys(node.element.constraints if node.element else ())
    for name in ("Element", "DomainResource", "Extension", *(kind.code for kind in node.kinds)):
        found |= _keys(definitions.type(name).constraints)
    return found


def _keys(constraints: Iterable[Any]) -> set[str]:
    return {each.key for each in constraints}


def _type_name(node: Node) -> str | None:
    """What the paths of a node's invariants start from; None where that may be of several types."""
    if node.element is None:
        return node.kinds[0].code
    if node.element.children or node.element.content:
        return node.element.content or node.element.path
    return node.kinds[0].code if len(node.kinds) == 1 else None
