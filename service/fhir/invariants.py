"""The invariants of the definitions, as rules that run where their element occurs.

https://hl7.org/fhir/R4/conformance-rules.html#constraints. An invariant holds when its FHIRPath gives true. The paths
are compiled when the validator of their type is. `ENFORCED_ELSEWHERE` names those that the schema itself is a better
judge of; a test compares the tables with the definitions, so none is forgotten.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from service.fhir.codec import canonical
from service.fhir.concept import codings
from service.fhir.element_rules import Breach, Breaches, Frame, Rule
from service.fhir.path import Path, PathError, Scope, compile_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from service.fhir.definitions import Constraint, Definitions, Element

    _Unless = tuple[str, str]
    """A property and its twin: where neither is there, the invariant holds."""

ENFORCED_ELSEWHERE: Final = {
    "ele-1": "element_rules.presence: an element has more than an id",
    "ext-1": "element_rules.extension_rule: an extension has a value or extensions",
    "ref-1": "reference_rules: a reference to #id finds a contained resource",
    "txt-1": "narrative: only basic formatting",
    "txt-2": "narrative: some content",
}
"""Invariant → what enforces it instead of its FHIRPath."""

UNDECIDED_HOLDS: Final = {
    "bdl-8": "an entry without fullUrl has no version in it",
    "ras-2": "a prediction without a decimal probability has none above 100",
    "per-1": "moments of different precision may be in order",
    "inv-1": "moments of different precision may be in order",
    "rng-2": "quantities in units that cannot be compared may be in order",
}
"""Invariants whose FHIRPath may give nothing although the rule in words is kept; for all others nothing is not true."""


def _keeps_component_codes_apart(value: Any, frame: Frame) -> bool:
    """obs-7: an observation with a value has no component with its own code."""
    components = [coding for component in value.get("component", ()) for coding in codings(component["code"])]
    if not components or not any(name.startswith(("value", "_value")) for name in value):
        return True
    own = {canonical(coding) for coding in codings(frame.resource["code"])}
    return not any(canonical(coding) in own for coding in components)


NATIVE: Final[dict[str, Callable[[Any, Frame], bool]]] = {
    "obs-7": _keeps_component_codes_apart,  # its FHIRPath compares each coding with each, in quadratic time
}
"""Invariant → a function that takes the place of its FHIRPath."""

ABOUT_CONTAINED: Final = frozenset({"dom-2", "dom-3", "dom-4", "dom-5"})
"""The invariants of every resource that hold where nothing is contained, as is usual: it takes no path to see that."""


_ABOUT_ONE: Final = re.compile(r"([a-z]\w*)\.(?:empty\(\) or|exists\(\) implies) (?!.*\b(?:implies|xor)\b)")
"""An invariant about an element that may be absent, and mostly is: it takes no path to see that."""


class Invariants:
    """Compiles constraints into rules."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions

    def rule(self, constraints: Iterable[Constraint], path: str) -> Rule | None:
        """The error invariants among the constraints of the type or element at `path`; None when there are none."""
        wanted = [item for item in constraints if item.severity == "error" and item.key not in ENFORCED_ELSEWHERE]
        return self._rule(wanted, path)

    def warnings(self, constraints: Iterable[Constraint], path: str) -> Rule | None:
        """The same for the warning invariants."""
        wanted = [item for item in constraints if item.severity == "warning"]
        return self._rule(wanted, path)

    def _rule(self, wanted: list[Constraint], path: str) -> Rule | None:
        compiled = [
            (item, self._compile(item, path), self._unless_absent(item, path))
            for item in wanted
            if item.key not in NATIVE
        ]
        native = [(item, NATIVE[item.key]) for item in wanted if item.key in NATIVE]
        return _rule(compiled, native) if wanted else None

    def _compile(self, constraint: Constraint, path: str) -> Path:
        # R4 was written for engines whose matches() takes the whole text; FHIRPath has since called that matchesFull()
        expression = constraint.expression.replace(".matches(", ".matchesFull(")
        return compile_path(expression, definitions=self._definitions, type_name=path)

    def _unless_absent(self, constraint: Constraint, path: str) -> _Unless | None:
        """What an invariant is about; None for any that has to be looked at in any case."""
        match = _ABOUT_ONE.match(constraint.expression)
        if match is None:
            return None
        found = next((each for each in self._elements(path) if each.name == match[1]), None)
        return None if found is None or found.choice else (found.name, f"_{found.name}")

    def _elements(self, path: str) -> tuple[Element, ...]:
        """The elements of a type, or those inside of an element."""
        type_name, *steps = path.split(".")
        elements = self._definitions.type(type_name).elements
        for step in steps:
            elements = next((each.children for each in elements if each.name == step), ())
        return elements


def _rule(
    compiled: list[tuple[Constraint, Path, _Unless | None]],
    native: list[tuple[Constraint, Callable[[Any, Frame], bool]]],
) -> Rule:
    def rule(value: Any, frame: Frame) -> Breaches | None:
        scope = frame.scope
        broken = [
            item
            for item, path, about in compiled
            if (about is None or about[0] in value or about[1] in value) and not _holds(item.key, path, value, scope)
        ]
        broken += [item for item, holds in native if not holds(value, frame)]
        return [Breach(code="invariant", text=f"{item.human} ({item.key})") for item in broken] or None

    usual = [each for each in compiled if each[0].key not in ABOUT_CONTAINED]
    if len(usual) == len(compiled):
        return rule
    rule_without_contained = _rule(usual, native) if usual or native else None

    def rule_of_resource(value: Any, frame: Frame) -> Breaches | None:
        if "contained" in value:
            return rule(value, frame)
        return rule_without_contained(value, frame) if rule_without_contained else None

    return rule_of_resource


def _holds(key: str, path: Path, value: Any, scope: Scope) -> bool:
    """A path that has no meaning for the content, such as several items where one is expected, does not hold."""
    try:
        return path.affirms(value, scope) or (key in UNDECIDED_HOLDS and path.holds(value, scope))
    except PathError:
        return False
