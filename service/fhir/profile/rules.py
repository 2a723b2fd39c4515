"""The tree of a profile → checks: closures for what the profile asks beyond R4, nothing for the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.fhir.profile import binding
from service.fhir.profile.counting import count_finding, fetch_of, single_member
from service.fhir.profile.discriminator import Discriminators
from service.fhir.profile.finding import Finding, all_of, below
from service.fhir.profile.invariant import invariant_checks
from service.fhir.profile.kind_rules import choice_finding, resource_check, target_check
from service.fhir.profile.slicing import Slice, slice_rule
from service.fhir.profile.value import equal_to, like, shown, within

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from service.fhir.definitions import Definitions
    from service.fhir.element_rules import Frame
    from service.fhir.profile.binding import Codes
    from service.fhir.profile.finding import Check, Findings, Member
    from service.fhir.profile.node import Kind, Node
    from service.fhir.profile.problem import Report
    from service.fhir.profile.slicing import OfItems

    Test = Callable[[Any], bool]


class Rules:
    """Compiles the nodes of one tree.

    `codes` gives the codes of a value set for an element, None (noted) where they are not known; `other` the check of
    another profile that an element's value must meet, None (noted) where that is not held. Without `warnings` nothing
    is looked at that could come to no more.
    """

    def __init__(
        self,
        definitions: Definitions,
        *,
        codes: Callable[[str, str], Codes | None],
        other: Callable[[str, str], Check | None],
        report: Report,
        warnings: bool,
    ) -> None:
        self._definitions = definitions
        self._codes = codes
        self._other = other
        self._report = report
        self._warnings = warnings
        self._discriminators = Discriminators(codes, report)
        self._of_path: dict[str, Check | None] = {}

    def check(self, node: Node) -> Check | None:
        """What the profile asks of one occurrence of the element; None for nothing."""
        checks = [
            *self._of_value(node),
            *self._of_kinds(node),
            *self._bindings(node),
            *self._members(node),
            *invariant_checks(node, self._definitions, self._report, warnings=self._warnings),
        ]
        found = all_of(checks)
        if node.element is not None and not node.slice_of:
            self._of_path[node.element.path] = found
        return found

    def _members(self, node: Node) -> list[Check]:
        members = [member for child in node.children.values() if (member := self._member(child))]
        members += self._recursive(node)
        if not members:
            return []
        primitive = all(kind.code[:1].islower() for kind in node.kinds) and bool(node.kinds)

        def check(value: Any, twin: Any, frame: Frame) -> Findings | None:
            holder = (twin or {}) if primitive else value
            found: list[Finding] | None = None
            for member in members:
                if some := member(holder, frame):
                    found = [*(found or ()), *some]
            return found

        return [check]

    def _recursive(self, node: Node) -> list[Member]:
        """Elements that share the content of another one (Questionnaire.item.item), of which the profile says more."""
        path = node.element.path if node.element else None
        if path is None or node.slice_of or not node.element or not node.element.children:
            return []
        return [
            self._again(element.name, path)
            for element in node.element.children
            if element.content == path and element.name not in node.children
        ]

    def _again(self, name: str, path: str) -> Member:
        of_path = self._of_path

        def member(holder: dict[str, Any], frame: Frame) -> Findings | None:
            check = of_path.get(path)
            if check is None or name not in holder:
                return None
            found: list[Finding] = []
            for at, value in enumerate(holder[name]):
                if some := check(value, None, frame):
                    found += below(some, (name, at))
            return found or None

        return member

    def _member(self, node: Node) -> Member | None:
        """What the profile asks of an element of an object: how often, of which type, in which slices, what in each."""
        fetch = fetch_of(node)
        accepted = self._accepted(node)
        counted = count_finding(node, accepted)
        typed = choice_finding(node)
        check = self.check(node) if node.max else None
        by_key = self._by_key(node) if node.max else {}
        sliced = self._sliced(node) if node.slices and node.max else None
        if not (counted or typed or check or sliced or by_key):
            return None
        if single := single_member(node, accepted, check):
            return single

        def member(holder: dict[str, Any], frame: Frame) -> Findings | None:
            items = fetch(holder)
            found: list[Finding] = []
            if counted and (finding := counted(items)):
                found.append(finding)
            for item in items:
                if typed and (finding := typed(item)):
                    found.append(finding)
                    continue
                if check and (some := check(item.value, item.twin, frame)):
                    found += below(some, item.at)
                if by_key and (one := by_key.get(item.key)) and (some := one(item.value, item.twin, frame)):
                    found += below(some, item.at)
            if sliced and (more := sliced(items, frame)):
                found += more
            return found or None

        return member

    def _sliced(self, node: Node) -> OfItems | None:
        slices = []
        for name, each in node.slices.items():
            told = self._discriminators.told(node, each)
            if told is not None:
                check = self.check(each)
                slices.append(Slice(name=name, told=told, min=each.min, max=each.max, check=check))
        return slice_rule(node, slices) if len(slices) == len(node.slices) else None

    def _of_value(self, node: Node) -> list[Check]:
        """Fixed values, patterns, limits and length."""
        found = [_tested(equal_to(each.value), f"{node.name} must be {shown(each.value)}.") for each in node.fixed]
        found += [_tested(like(each.value), f"{node.name} must have {shown(each.value)}.") for each in node.patterns]
        for limits, sign, words in ((node.least, -1, "at least"), (node.most, 1, "at most")):
            found += [
                _tested(within(each, sign), f"{node.name} must be {words} {shown(each.value)}.", unless_none=True)
                for each in limits
            ]
        if (limit := node.max_length) is not None:
            text = f"{node.name} must not have more than {limit} characters."
            found.append(_tested(lambda value: not isinstance(value, str) or len(value) <= limit, text))
        return found

    def _of_kinds(self, node: Node) -> list[Check]:
        """What is asked by the type; of a choice between several, `_by_key` tells them apart."""
        found = [check] if (check := resource_check(node)) else []
        if node.choice and len(node.kinds) > 1:
            return found
        known = [(kind.code, check) for kind in node.kinds if (check := self._of_kind(node, kind))]
        return [*found, *(_only_for(check, code) if len(node.kinds) > 1 else check for code, check in known)]

    def _by_key(self, node: Node) -> dict[str, Check]:
        """JSON property of a choice between several types → what is asked of that type."""
        if not node.choice or len(node.kinds) < 2:
            return {}
        return {node.key_of(kind): check for kind in node.kinds if (check := self._of_kind(node, kind))}

    def _of_kind(self, node: Node, kind: Kind) -> Check | None:
        checks: list[Check] = []
        if kind.code == "Reference" and (check := target_check(node, kind)):
            checks.append(check)
        if kind.code == "canonical" and kind.targets and kind.targets not in _targets(node, kind.code):
            self._report.note(node.id, "the type of what a canonical names is not checked")
        if kind.profiles and (check := self._any_profile(node, kind.profiles)):
            checks.append(check)
        return all_of(checks)

    def _any_profile(self, node: Node, profiles: Sequence[str]) -> Check | None:
        """The check of a value that must meet one of some profiles; None where one of them is not held."""
        checks = [self._other(canonical, node.id) for canonical in profiles]
        known = [check for check in checks if check]
        if len(known) < len(checks):
            return None
        if len(known) == 1:
            return known[0]
        text = f"{node.name} must meet one of the profiles {', '.join(profiles)}."

        def check(value: Any, twin: Any, frame: Frame) -> Findings | None:
            for each in known:
                broken = each(value, twin, frame)
                if not broken or all(finding.severity != "error" for finding in broken):
                    return None
            return (Finding(text=text, kind="structure"),)

        return check

    def _bindings(self, node: Node) -> list[Check]:
        found: list[Check] = []
        for each in node.bindings:
            if (
                each.required
                and not self._of_r4(node, each.required)
                and (codes := self._codes(each.required, node.id))
            ):
                found.append(binding.required(node.name, codes))
            if self._warnings and each.extensible and (codes := self._codes(each.extensible, node.id)):
                found.append(binding.extensible(node.name, codes))
        return found

    def _of_r4(self, node: Node, value_set: str) -> bool:
        """Whether R4 binds the element to the value set already."""
        return node.element is not None and node.element.binding == value_set.partition("|")[0].rpartition("/")[2]

    def _accepted(self, node: Node) -> str:
        """What a missing element has to be, for its message."""
        if node.fixed:
            return f", as {shown(node.fixed[0].value)}"
        if node.patterns:
            return f", with {shown(node.patterns[0].value)}"
        told = [
            f"{kind.code} to a {' or '.join(kind.targets)}" if kind.targets and kind.code == "Reference" else kind.code
            for kind in node.kinds
        ]
        return f", as a {' or '.join(told)}" if told and told != ["BackboneElement"] else ""


def _targets(node: Node, code: str) -> list[tuple[str, ...]]:
    of_r4 = [each.targets for each in (node.element.types if node.element else ()) if each.code == code]
    return [*of_r4, ()]


def _tested(test: Test, text: str, *, unless_none: bool = False) -> Check:
    found = (Finding(text=text, kind="value"),)

    def check(value: Any, _twin: Any, _frame: Frame) -> Findings | None:
        if value is None and unless_none:
            return None
        return None if test(value) else found

    return check


def _only_for(check: Check, code: str) -> Check:
    """The check of resources of one type, where there may be others."""

    def of_kind(value: Any, twin: Any, frame: Frame) -> Findings | None:
        if isinstance(value, dict) and value.get("resourceType", code) == code:
            return check(value, twin, frame)
        return None

    return of_kind
