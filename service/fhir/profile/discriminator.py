"""Which slice an item belongs to: https://hl7.org/fhir/R4/profiling.html#discriminator

A discriminator is a kind and a path. What a slice demands at the path (a value, a pattern, a required value set, a
type, presence) becomes a test; a slice that demands nothing there, and a path that leaves the item (``resolve()``), are
refused, because then nobody could tell what belongs to it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.path.shape import CHOICE_TYPES
from service.fhir.profile.value import equal_to, like, parts_of, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from service.fhir.profile.binding import Codes
    from service.fhir.profile.finding import Item
    from service.fhir.profile.node import Node
    from service.fhir.profile.problem import Report

    Belongs = Callable[[Item], bool]

_STEP: Final = re.compile(r"\$this|extension\('([^']+)'\)|extension\(\"([^\"]+)\"\)|ofType\((\w+)\)|\w+")
_BY_URL: Final = "extension "
"""Before the URL of an extension, in the place of a name."""
_TYPES: Final = frozenset(name[0].upper() + name[1:] for name in CHOICE_TYPES)
_UNSUPPORTED: Final = {
    "profile": "slicing by the profile that an item meets is not supported",
    "resolve": "slicing by what a reference points at (resolve()) is not supported",
}


class Criterion(Struct, frozen=True, kw_only=True):
    """What a slice demands at the path of a discriminator: a test of one value, and the demand in words."""

    test: Callable[[Any], bool]
    words: str


class Told(Struct, frozen=True):
    """How the items of a slice are told: a test, and the same in words."""

    test: Belongs
    words: str


class Discriminators:
    """Makes the tests of one slicing after the other; `codes` gives the codes of a value set, if it is held."""

    def __init__(self, codes: Callable[[str, str], Codes | None], report: Report) -> None:
        self._codes = codes
        self._report = report

    def told(self, sliced: Node, slice_node: Node) -> Told | None:
        """How the items of a slice are told from others; None when it cannot be told, which is reported."""
        if sliced.slicing is None or not sliced.slicing.discriminators:
            self._report.refuse(sliced.id, "slices without a discriminator cannot be told apart")
            return None
        tests: list[Belongs] = []
        words: list[str] = []
        for kind, path in sliced.slicing.discriminators:
            found = self._test(slice_node, kind, path)
            if found is None:
                return None
            tests.append(found.test)
            words.append(found.words)
        if len(tests) == 1:
            return Told(tests[0], words[0])
        return Told(lambda item: all(test(item) for test in tests), " and ".join(words))

    def _test(self, node: Node, kind: str, path: str) -> Told | None:
        if kind == "profile" or "resolve()" in path:
            self._report.refuse(node.id, _UNSUPPORTED["profile" if kind == "profile" else "resolve"])
            return None
        steps = self._steps(node, path)
        if steps is None:
            return None
        match kind:
            case "value" | "pattern":
                return self._by_value(node, steps, path)
            case "exists":
                return self._by_presence(node, steps, path)
        return self._by_type(node, steps, path)

    def _steps(self, node: Node, path: str) -> tuple[str, ...] | None:
        """The names in a path; an extension is written as the URL that its name has instead."""
        found: list[str] = []
        at = 0
        while at < len(path):
            match = _STEP.match(path, at)
            if match is None or (match.end() < len(path) and path[match.end()] != "."):
                self._report.refuse(node.id, f"a discriminator's path of this form is not supported: {path}")
                return None
            if match[3]:
                self._report.refuse(node.id, f"ofType() is not supported in a discriminator's path: {path}")
                return None
            if url := match[1] or match[2]:
                found.append(f"{_BY_URL}{url}")
            elif match[0] != "$this":
                found.append(match[0])
            at = match.end() + 1
        return tuple(found)

    def _by_value(self, node: Node, steps: tuple[str, ...], path: str) -> Told | None:
        criterion = self._criterion(node, steps)
        if criterion is None:
            self._report.refuse(
                node.id, f"the slice gives no value, no pattern and no value set with known codes for {path}"
            )
            return None
        find, test = finder(steps), criterion.test
        return Told(
            lambda item: any(test(value) for value in find(item.value)),
            f"{path if steps else 'the value'} {criterion.words}",
        )

    def _criterion(self, node: Node, steps: Sequence[str]) -> Criterion | None:
        for given, equals in ((node.fixed, equal_to), (node.patterns, like)):
            for value in given:
                if given_there := list(parts_of(value.value, steps)):
                    return Criterion(test=equals(given_there[0]), words=shown(given_there[0]))
        if not steps:
            return self._in_value_set(node)
        if steps[0] == "url" and len(steps) == 1 and (urls := _urls(node)):
            return Criterion(test=lambda value: value in urls, words=" or ".join(urls))
        child = _child(node, steps[0])
        if child is None:
            return None
        inner = [child, *(each for each in child.slices.values() if each.min)]
        return next((found for each in inner if (found := self._criterion(each, steps[1:]))), None)

    def _in_value_set(self, node: Node) -> Criterion | None:
        for binding in node.bindings:
            codes = self._codes(binding.required, node.id) if binding.required else None
            if codes is not None:
                return Criterion(test=codes.holds, words=f"is in {binding.required}")
        return None

    def _by_presence(self, node: Node, steps: tuple[str, ...], path: str) -> Told | None:
        child = _descendant(node, steps)
        if child is None or (child.max and not child.min):
            self._report.refuse(node.id, f"the slice neither demands nor forbids {path}")
            return None
        find, absent = finder(steps), child.max == 0
        return Told(lambda item: (not find(item.value)) is absent, f"{path} {'missing' if absent else 'present'}")

    def _by_type(self, node: Node, steps: tuple[str, ...], path: str) -> Told | None:
        child = _descendant(node, steps)
        if child is None:
            self._report.refuse(node.id, f"the slice gives no type for {path}")
            return None
        names = frozenset(kind.code for kind in child.kinds)
        words = f"of type {' or '.join(sorted(names))}"
        if child.choice:
            keys = frozenset(key for kind in child.kinds for key in (child.key_of(kind), f"_{child.key_of(kind)}"))
            if not steps:
                return Told(lambda item: item.key in keys, words)
            find = finder(steps[:-1])
            return Told(lambda item: any(not keys.isdisjoint(held) for held in find(item.value)), f"{path} {words}")
        if child.element is None or [each.code for each in child.element.types] != ["Resource"]:
            self._report.refuse(node.id, f"a slicing by type needs a choice of types at {path}")
            return None
        find = finder(steps)
        return Told(lambda item: any(each.get("resourceType") in names for each in find(item.value)), f"{path} {words}")


def _descendant(node: Node, steps: Sequence[str]) -> Node | None:
    """The element at a path below a node, None where the profile says nothing of it."""
    found: Node | None = node
    for step in steps:
        found = _child(found, step) if found else None
    return found


def _child(node: Node, step: str) -> Node | None:
    """What the profile says of a step from a node; of an extension, the slice with that URL."""
    if not step.startswith(_BY_URL):
        return node.children.get(step)
    extensions = node.children.get("extension")
    url = step.removeprefix(_BY_URL)
    return next((each for each in (extensions.slices.values() if extensions else ()) if url in _urls(each)), None)


def _urls(node: Node) -> list[str]:
    """The URLs that an extension may have: that of its definition, or one that is fixed."""
    if [kind.code for kind in node.kinds] != ["Extension"]:
        return []
    given = node.children["url"].fixed if "url" in node.children else []
    return [each.partition("|")[0] for each in node.kinds[0].profiles] or [each.value for each in given]


def finder(steps: Sequence[str]) -> Callable[[Any], list[Any]]:
    """What stands at a path of element names below a value; a choice is found by any of its types."""
    if not steps:
        return lambda value: [value]
    first, rest = steps[0], finder(steps[1:])
    url = first.removeprefix(_BY_URL) if first.startswith(_BY_URL) else None
    name = "extension" if url else first

    def find(value: Any) -> list[Any]:
        if not isinstance(value, dict):
            return []
        held = value.get(name)
        if held is None:
            held = next((part for key, part in value.items() if _is_choice(key, name)), None)
        items = held if isinstance(held, list) else [] if held is None else [held]
        if url:
            items = [item for item in items if item.get("url") == url]
        if len(steps) == 1:
            return items
        return [found for item in items for found in rest(item)]

    return find


def _is_choice(key: str, name: str) -> bool:
    return key.startswith(name) and key[len(name) :] in _TYPES
