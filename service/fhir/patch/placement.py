"""Changes to content at the place of a node: objects, arrays, and the `_` twins of primitives that go with them.

An array of primitives and its twin array are kept aligned, and both are dropped once they hold nothing; what becomes
empty by a removal is removed as well, because FHIR knows no empty objects and arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from service.fhir.path import Node

Content = dict[str, Any]


def depth_of(node: Node) -> int:
    """How many objects and arrays a node's value lies in."""
    depth = 0
    current: Node | None = node
    while current is not None:
        depth += 1 if current.index is None else 2
        current = current.parent
    return depth


def remove(node: Node) -> None:
    """Take a node's value and twin out of the content; the root has no place to be taken from."""
    if node.parent is None:
        return
    container = node.parent.value
    if node.index is None:
        container.pop(node.key, None)
        container.pop("_" + node.key, None)
    elif node.key.startswith("_"):
        container[node.key][node.index] = None
        _tidy(container, node.key.removeprefix("_"))
    else:
        values, twins = aligned(container, node.key)
        del values[node.index], twins[node.index]
        _tidy(container, node.key)
    if not container:
        remove(node.parent)


def put(container: Content, key: str, value: Any, twin: Any) -> None:
    """Set an element that does not repeat."""
    for name, part in ((key, value), ("_" + key, twin)):
        if part is None:
            container.pop(name, None)
        else:
            container[name] = part


def put_at(container: Content, key: str, index: int, value: Any, twin: Any) -> None:
    """Set one of the values of an element that repeats."""
    values, twins = aligned(container, key)
    values[index], twins[index] = value, twin
    _tidy(container, key)


def insert(container: Content, key: str, index: int, value: Any, twin: Any) -> None:
    """Insert a value before the one at `index`, or at the end, of an element that repeats."""
    values, twins = aligned(container, key)
    values.insert(index, value)
    twins.insert(index, twin)
    _tidy(container, key)


def move(container: Content, key: str, source: int, destination: int) -> None:
    """Move a value of an element that repeats, so that it ends up at `destination`."""
    values, twins = aligned(container, key)
    for items in (values, twins):
        items.insert(destination, items.pop(source))
    _tidy(container, key)


def aligned(container: Content, key: str) -> tuple[list[Any], list[Any]]:
    """The array of an element and its twin array, made and filled up to the same length."""
    values, twins = container.get(key), container.get("_" + key)
    values = container[key] = values if isinstance(values, list) else [] if values is None else [values]
    twins = container["_" + key] = twins if isinstance(twins, list) else [] if twins is None else [twins]
    longest = max(len(values), len(twins))
    values += [None] * (longest - len(values))
    twins += [None] * (longest - len(twins))
    return values, twins


def _tidy(container: Content, key: str) -> None:
    """Drop arrays that hold nothing, and the trailing places of a pair of arrays that hold nothing in both."""
    values, twins = aligned(container, key)
    while values and values[-1] is None and twins[-1] is None:
        del values[-1], twins[-1]
    for name in (key, "_" + key):
        if all(item is None for item in container[name]):
            del container[name]
