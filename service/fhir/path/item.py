"""The items of FHIRPath collections, and how to look into them.

An item is plain JSON as the codec decodes it (dict, str, int, Decimal, bool), a literal's `Moment` or `Quantity`, a
`Target` that resolve() answers with, or a `Node`: a value together with its type, its `_` twin and its place in the
content. Paths run on plain JSON; nodes appear where that does not suffice: for primitives that have extensions but no
value, in paths that ask for types that JSON does not show, and where the place of what was found matters (patches).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from service.fhir.path.moment import Moment, parse_moment
from service.fhir.path.quantity import Quantity
from service.fhir.path.shape import CHOICE_TYPES, ancestors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from service.fhir.path.shape import Shape, Slot, Wanted

Items = list[Any]
"""A FHIRPath collection; never altered once it was returned, because it may be a part of the content."""


_LITERAL_TYPES: Final[Mapping[type, str]] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    Decimal: "decimal",
    Quantity: "Quantity",
}


@dataclass(slots=True, eq=False)  # not frozen: setting frozen fields would take longer than finding the node
class Node:
    """A value in its place: `key` (and `index`, in an array) of the JSON object of `parent`.

    `value` is None for a primitive that has only an id or extensions; those are in `twin`. `type` is the FHIR type,
    None if unknown.
    """

    value: Any
    type: str | None
    shape: Shape
    twin: dict[str, Any] | None = None
    parent: Node | None = None
    key: str = ""
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """What resolve() answers with: of a resource that is not at hand only the type is known."""

    type: str


def root_node(content: Any, shape: Shape) -> Node:
    """The node from which a path starts."""
    kind = content.get("resourceType") if type(content) is dict else None
    return Node(content, kind if isinstance(kind, str) else shape.name, shape)


def named_children(node: Node, name: str) -> Items:
    """The children of a node that have an element's name (or, for a choice, the JSON name of one of its types)."""
    if type(node.value) is not dict:
        return [] if node.twin is None else named_children(twin_node(node), name)
    children: Items = []
    for slot in node.shape.find(name):
        children.extend(_held(node, slot))
    return children


def all_children(node: Node) -> Items:
    """All children of a node, in the order of the content."""
    value = node.value
    if type(value) is not dict:
        return [] if node.twin is None else all_children(twin_node(node))
    children: Items = []
    for key in value:
        plain = key.removeprefix("_")
        if key == "resourceType" or (plain != key and plain in value):
            continue
        for slot in node.shape.find(plain)[:1]:
            children.extend(_held(node, slot))
    return children


def twin_node(node: Node) -> Node:
    """The node of the JSON object that holds the id and extensions of a primitive."""
    shape = node.shape.shapes.unknown
    return Node(node.twin, "Element", shape, None, node.parent, "_" + node.key, node.index)


def _held(node: Node, slot: Slot) -> Iterator[Node]:
    content = node.value
    key = slot.key
    value = content.get(key)
    twin = content.get(slot.twin) if slot.twin else None
    if value is None and twin is None:
        return
    if not isinstance(value, list) and not isinstance(twin, list):
        yield _node(node, slot, value, twin, None)
        return
    values = value if isinstance(value, list) else []
    twins = twin if isinstance(twin, list) else []
    for index in range(max(len(values), len(twins))):
        one = values[index] if index < len(values) else None
        other = twins[index] if index < len(twins) else None
        if one is not None or other is not None:
            yield _node(node, slot, one, other, index)


def _node(parent: Node, slot: Slot, value: Any, twin: Any, index: int | None) -> Node:
    shape = slot.shape
    kind = slot.type
    if type(value) is dict and shape.open:
        shape = shape.shapes.of(value)
        kind = shape.name or kind
    return Node(value, kind, shape, twin if isinstance(twin, dict) else None, parent, slot.key, index)


def plain_children(content: Any, unknown: Shape) -> Items:
    """The children of plain content; primitives that have only extensions come as nodes."""
    if type(content) is Node:
        return all_children(content)
    if type(content) is not dict:
        return []
    children: Items = []
    for key, value in content.items():
        if key == "resourceType":
            continue
        if key[:1] == "_":
            if key[1:] not in content:
                children.extend(all_children(Node({key: value}, None, unknown)))
        elif type(value) is list:
            children.extend([item for item in value if item is not None])
        elif value is not None:
            children.append(value)
    return children


def value_of(item: Any) -> Any:
    """The plain value of an item; None for a primitive without one."""
    return item.value if type(item) is Node else item


def plain(item: Any) -> Any:
    """An item as plain JSON; None for a primitive without a value."""
    match item:
        case Node():
            return item.value
        case Moment():
            return item.text
        case Quantity():
            return {"value": item.value, "unit": item.unit}
        case Target():
            return {"resourceType": item.type}
        case _:
            return item


def moment_of(item: Any) -> Moment | None:
    """An item as a moment, if it is or writes one."""
    value = value_of(item)
    if type(value) is str:
        return parse_moment(value)
    return value if type(value) is Moment else None


def type_of(item: Any) -> str | None:
    """The FHIR type of an item; None where it is not known."""
    kind = type(item)
    if isinstance(item, Node | Target):
        return item.type
    if kind is dict:
        name = item.get("resourceType")
        return name if type(name) is str else None
    if isinstance(item, Moment):
        return item.kind
    return _LITERAL_TYPES.get(kind, "decimal" if isinstance(item, Decimal) else None)


def is_of(item: Any, wanted: Wanted) -> bool:
    """Whether an item has a type; where its type is unknown, whether its JSON could be of the type."""
    actual = type_of(item)
    return _could_be(value_of(item), wanted.name) if actual is None else wanted.accepts(actual)


def _could_be(value: Any, kind: str) -> bool:
    match value:
        case bool():
            return kind == "boolean"
        case int() | Decimal():
            return kind == "decimal" or (isinstance(value, int) and "integer" in ancestors(kind))
        case str():
            return kind[:1].islower() and kind in CHOICE_TYPES and kind not in ("boolean", "decimal", "integer")
        case dict():
            return kind[:1].isupper() and "Resource" not in ancestors(kind)
        case _:
            return False
