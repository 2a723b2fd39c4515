"""How often an element occurs, and where its occurrences are in the JSON object that holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.fhir.profile.finding import NONE, Finding, Item, below
from service.fhir.profile.statement import UNBOUNDED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from service.fhir.element_rules import Frame
    from service.fhir.profile.finding import Check, Findings, Member
    from service.fhir.profile.node import Node

    Fetch = Callable[[dict[str, Any]], Sequence[Item]]


def fetch_of(node: Node) -> Fetch:
    """Gives the occurrences of an element; of a choice, whatever the type."""
    keys = node.keys
    if len(keys) == 1:
        return _repeated(keys[0]) if node.repeats else _single(keys[0])
    fetches = [_single(key) for key in keys]
    names = frozenset(name for key in keys for name in (key, f"_{key}"))

    def fetch(holder: dict[str, Any]) -> Sequence[Item]:
        if names.isdisjoint(holder):
            return NONE
        return [item for each in fetches for item in each(holder)]

    return fetch


def _single(key: str) -> Fetch:
    twin_key, at = f"_{key}", (key,)

    def fetch(holder: dict[str, Any]) -> Sequence[Item]:
        value, twin = holder.get(key), holder.get(twin_key)
        return NONE if value is None and twin is None else (Item(value, twin, at, key),)

    return fetch


def _repeated(key: str) -> Fetch:
    twin_key = f"_{key}"

    def fetch(holder: dict[str, Any]) -> Sequence[Item]:
        values = holder.get(key)
        if twin_key in holder:
            twins = holder[twin_key]
            values = [None] * len(twins) if values is None else values
            return [Item(value, twins[at], (key, at), key) for at, value in enumerate(values)]
        return NONE if values is None else [Item(value, None, (key, at), key) for at, value in enumerate(values)]

    return fetch


def single_member(node: Node, accepted: str, check: Check | None) -> Member | None:
    """What is asked of an element that occurs once and has one type: the shortest way; None for nothing."""
    element = node.element
    if element is None or element.repeats or node.choice or node.slices:
        return None
    key, twin_key, at = element.name, f"_{element.name}", (element.name,)
    counted = count_finding(node, accepted)
    missing = counted(()) if counted else None
    absent = (missing,) if missing else None
    forbidden = counted((Item(None, None, at, key),)) if counted else None
    present = (forbidden,) if forbidden else None

    def member(holder: dict[str, Any], frame: Frame) -> Findings | None:
        value = holder.get(key)
        if value is None and twin_key not in holder:
            return absent
        if present or check is None:
            return present
        found = check(value, holder.get(twin_key), frame)
        return below(found, at) if found else None

    return member


def count_finding(node: Node, accepted: str) -> Callable[[Sequence[Item]], Finding | None] | None:
    """What is wrong with the number of occurrences; None where R4 sees to it already. `accepted` is said in words."""
    element = node.element
    if element is None:
        return None
    r4_most = UNBOUNDED if element.max is None else element.max
    if node.min <= element.min and node.max >= r4_most:
        return None
    least, most, key = node.min, node.max, element.name
    often = "" if least == 1 else f" at least {least} times"
    missing = Finding(text=f"{node.name} is required{often}{accepted}.", kind="required", at=(key,))
    if not most:
        forbidden = Finding(text=f"{node.name} is not allowed.", kind="structure", at=(key,))
        return lambda items: forbidden if items else None

    def finding(items: Sequence[Item]) -> Finding | None:
        count = len(items)
        if count < least:
            return missing
        if count > most:
            text = f"{node.name} may occur {most} times at most; it occurs {count} times."
            return Finding(text=text, kind="structure", at=(key,))
        return None

    return finding
