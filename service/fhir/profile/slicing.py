"""The items of an element, told apart into slices: https://hl7.org/fhir/R4/profiling.html#slicing"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.fhir.element_rules import listed
from service.fhir.profile.finding import Finding, below
from service.fhir.profile.statement import UNBOUNDED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from service.fhir.element_rules import Frame
    from service.fhir.profile.discriminator import Told
    from service.fhir.profile.finding import Check, Findings, Item
    from service.fhir.profile.node import Node

    OfItems = Callable[[Sequence[Item], "Frame"], Findings | None]

_REST: Final = -1


class Slice(Struct, frozen=True, kw_only=True):
    """A slice, compiled: how its items are told, how many there are, what is asked of each."""

    name: str
    told: Told
    min: int
    max: int
    check: Check | None


def slice_rule(node: Node, slices: Sequence[Slice]) -> OfItems:
    """The rule of an element with slices: each item belongs to the first slice that it is told to belong to."""
    rules = node.slicing.rules if node.slicing else "open"
    ordered = bool(node.slicing and node.slicing.ordered)
    first_key = node.element.name if node.element else ""
    place = _Place(node, slices, rules)
    least, most = [each.min for each in slices], [each.max for each in slices]
    limited = any(least) or any(each < UNBOUNDED for each in most)
    tests = [each.told.test for each in slices]

    def rule(items: Sequence[Item], frame: Frame) -> Findings | None:
        found: list[Finding] = []
        counts = [0] * len(tests)
        reached, rest_began = 0, False
        for item in items:
            number = next((number for number, test in enumerate(tests) if test(item)), _REST)
            if number == _REST:
                rest_began = True
                if rules == "closed":
                    found.append(place.not_among(item))
                continue
            counts[number] += 1
            if (rest_began and rules == "openAtEnd") or (ordered and number < reached):
                found.append(place.out_of_order(item))
            reached = max(reached, number)
            check = slices[number].check
            if check and (broken := check(item.value, item.twin, frame)):
                found += below(broken, item.at)
        if limited:
            for number, count in enumerate(counts):
                if not least[number] <= count <= most[number]:
                    found.append(place.counted(number, count, first_key))
        return found or None

    return rule


class _Place:
    """The sentences of one slicing, made before any is needed."""

    def __init__(self, node: Node, slices: Sequence[Slice], rules: str) -> None:
        self._node = node
        self._slices = slices
        accepted = listed([f"{each.name} ({each.told.words})" for each in slices])
        self._closed = f"{node.name} takes nothing but its slices here: {accepted}."
        self._order = f"{node.name} is ordered: its slices come as {accepted}"
        self._order += ", and anything else after them." if rules == "openAtEnd" else "."

    def not_among(self, item: Item) -> Finding:
        return Finding(text=self._closed, kind="structure", at=item.at)

    def out_of_order(self, item: Item) -> Finding:
        return Finding(text=self._order, kind="structure", at=item.at)

    def counted(self, number: int, count: int, key: str) -> Finding:
        wanted = self._slices[number]
        name = f"{self._node.name}:{wanted.name}"
        if count < wanted.min:
            often = "" if wanted.min == 1 else f" {wanted.min} times"
            text = f"{name} is required{often}: {self._node.name} with {wanted.told.words}."
            return Finding(text=text, kind="required", at=(key,))
        if not wanted.max:
            return Finding(text=f"{name} is not allowed: {wanted.told.words}.", kind="structure", at=(key,))
        text = f"{name} may occur {wanted.max} times at most ({wanted.told.words}); it occurs {count} times."
        return Finding(text=text, kind="structure", at=(key,))
