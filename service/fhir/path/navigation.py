"""Steps from an item to its children: the most frequent part of a path, and the one that has to be fast.

A run of members whose JSON property is known is one closure that walks nested objects, and falls back to collections
when it meets an array. A choice element is looked for among the properties that its types can give it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.fhir.path.code import NOTHING, Code, as_truth, constant, only
from service.fhir.path.error import PathError
from service.fhir.path.item import Items, Node, Target, is_of, named_children
from service.fhir.path.shape import Wanted, shapes_of

if TYPE_CHECKING:
    from service.fhir.path.code import Exists, Fetch, Narrow, Scalar, Scope, Shapes
    from service.fhir.path.shape import Shape, Slot

Key = tuple[str, str | None]
"""A JSON property and its `_` twin (None for an element that cannot be primitive)."""


def this_code(shapes: Shapes, *, typed: bool = False) -> Code:
    """The code of ``$this``: the item that the path stands on, or nothing (None)."""

    def items(this: Any, _scope: Scope) -> Items:
        return NOTHING if this is None else [this]

    def scalar(this: Any, _scope: Scope) -> Any:
        return this

    def exists(this: Any, _scope: Scope) -> bool:
        return this is not None

    truth = as_truth(scalar)
    return Code(items=items, scalar=scalar, truth=truth, exists=exists, shapes=shapes, typed=typed, rooted=True)


def of_type_name(name: str) -> Fetch:
    """``Patient`` at the start of a path: the item itself if it is of that type."""
    wanted = Wanted(name, exact=False)

    def items(this: Any, _scope: Scope) -> Items:
        if type(this) is dict and this.get("resourceType") == name:
            return [this]
        return [this] if this is not None and is_of(this, wanted) else NOTHING

    return items


def member(operand: Code, name: str, unknown: Shape) -> Code | None:
    """``operand.name``; None if the definitions know that there is no such element."""
    slots: dict[str, Slot] = {}
    for shape in operand.shapes or (_any_resource(name, unknown) if operand.typed else unknown,):
        slots.update({slot.key: slot for slot in shape.find(name)})
    if not slots:
        return None
    found = tuple(slots.values())
    if len(found) == 1:
        return _plain(operand, found[0])
    return _choice(operand, name, found)


def _any_resource(name: str, unknown: Shape) -> Shape:
    """Where to look for an element of a resource of any type: all of them have the same id, meta, text ..."""
    shared = unknown.shapes.at("DomainResource")
    return unknown if shared.open or not shared.find(name) else shared


def _plain(operand: Code, slot: Slot) -> Code:
    keys: tuple[Key, ...] = ((slot.key, slot.twin),)
    origin: Code | None = operand
    if operand.keys or operand.rooted:
        origin, keys = operand.origin, operand.keys + keys
    shape = slot.shape
    typed = slot.type == "Resource"
    shapes = None if shape.open else (shape,)

    def narrow(wanted: Wanted) -> Code | None:
        if slot.type is None or typed:
            return None
        return code if wanted.accepts(slot.type) else constant(NOTHING)

    code = _chain(origin, keys, shapes, narrow, typed=typed)
    return code


def _chain(origin: Code | None, keys: tuple[Key, ...], shapes: Shapes, narrow: Narrow, *, typed: bool) -> Code:
    if len(keys) == 1:
        items, scalar, exists = _step(*keys[0])
    else:
        items, scalar, exists = _walk(keys)
    if origin is not None:
        items, scalar, exists = _after(origin, items)
    return Code(
        items=items,
        scalar=scalar,
        truth=as_truth(scalar),
        exists=exists,
        shapes=shapes,
        typed=typed,
        narrow=narrow,
        keys=keys,
        origin=origin,
    )


def _step(key: str, twin: str | None) -> tuple[Fetch, Scalar, Exists]:
    items = _step_items(key, twin)
    return items, _step_scalar(key, twin, only(items)), _step_exists(key, twin)


def _step_items(key: str, twin: str | None) -> Fetch:
    def items(this: Any, scope: Scope) -> Items:
        if type(this) is not dict:
            return _elsewhere(this, key)
        value = this.get(key)
        if value is None:
            return _valueless(this, key) if twin in this else NOTHING
        if type(value) is list:
            scope.spend(len(value))
            return _valueless(this, key) if twin is not None and None in value else value
        return [value]

    return items


def _step_scalar(key: str, twin: str | None, otherwise: Scalar) -> Scalar:
    def scalar(this: Any, scope: Scope) -> Any:
        if type(this) is dict:
            value = this.get(key)
            if value is not None and type(value) is not list:
                return value
            if value is None and twin not in this:
                return None
        return otherwise(this, scope)

    return scalar


def _step_exists(key: str, twin: str | None) -> Exists:
    def exists(this: Any, _scope: Scope) -> bool:
        if type(this) is not dict:
            return len(_elsewhere(this, key)) > 0
        value = this.get(key)
        if value is None:
            return twin in this
        return type(value) is not list or len(value) > 0

    return exists


def _walk(keys: tuple[Key, ...]) -> tuple[Fetch, Scalar, Exists]:
    spread = _spread(keys)
    items = _walk_items(keys, spread)

    first, twin = keys[0]

    def exists(this: Any, scope: Scope) -> bool:
        if type(this) is dict and first not in this and twin not in this:
            return False
        return len(items(this, scope)) > 0

    return items, _walk_scalar(keys, only(spread)), exists


def _spread(keys: tuple[Key, ...]) -> Fetch:
    """The members one after the other, from collection to collection."""
    steps = [_step_items(*key) for key in keys]

    def items(this: Any, scope: Scope) -> Items:
        current: Items = [this]
        for step in steps:
            following: Items = []
            for item in current:
                following += step(item, scope)
            current = following
            scope.spend(len(current))
        return current

    return items


def _walk_items(keys: tuple[Key, ...], spread: Fetch) -> Fetch:
    def items(this: Any, scope: Scope) -> Items:
        value = this
        for key, twin in keys:
            if type(value) is not dict:
                return spread(this, scope)
            found = value.get(key)
            if found is None:
                return spread(this, scope) if twin in value else NOTHING
            value = found
        return spread(this, scope) if type(value) is list else [value]

    return items


def _walk_scalar(keys: tuple[Key, ...], otherwise: Scalar) -> Scalar:
    def scalar(this: Any, scope: Scope) -> Any:
        value = this
        for key, twin in keys:
            if type(value) is not dict:
                return otherwise(this, scope)
            found = value.get(key)
            if found is None:
                return otherwise(this, scope) if twin in value else None
            value = found
        return otherwise(this, scope) if type(value) is list else value

    return scalar


def _after(origin: Code, step: Fetch) -> tuple[Fetch, Scalar, Exists]:
    before = origin.items

    def items(this: Any, scope: Scope) -> Items:
        starts = before(this, scope)
        if len(starts) == 1:
            return step(starts[0], scope)
        found: Items = []
        for start in starts:
            following = step(start, scope)
            scope.spend(len(following))
            found += following
        return found

    def exists(this: Any, scope: Scope) -> bool:
        starts = before(this, scope)
        return len(starts) > 0 and any(step(start, scope) for start in starts)

    return items, only(items), exists


def _choice(operand: Code, name: str, slots: tuple[Slot, ...]) -> Code:
    known = all(slot.type is not None for slot in slots)
    fetch = _any_of(name, frozenset(key for slot in slots for key in (slot.key, slot.twin) if key))
    if operand.rooted:
        items, scalar, exists = fetch, only(fetch), _any_exists(fetch)
    else:
        items, scalar, exists = _after(operand, fetch)

    def narrow(wanted: Wanted) -> Code | None:
        if not known:
            return None
        found = tuple(slot for slot in slots if slot.type is not None and wanted.accepts(slot.type))
        if len(found) > 1:
            return _choice(operand, name, found)
        return _plain(operand, found[0]) if found else constant(NOTHING)

    return Code(
        items=items,
        scalar=scalar,
        truth=as_truth(scalar),
        exists=exists,
        shapes=tuple(slot.shape for slot in slots) if known else None,
        narrow=narrow,
    )


def _any_of(name: str, keys: frozenset[str]) -> Fetch:
    def items(this: Any, _scope: Scope) -> Items:
        if type(this) is not dict:
            return _elsewhere(this, name)
        if keys.isdisjoint(this):
            return NOTHING
        found: Items = []
        for key, value in this.items():
            if key not in keys:
                continue
            if key[0] == "_":
                if key[1:] not in this:
                    found += _valueless(this, key[1:])
            elif type(value) is list:
                found += _valueless(this, key) if None in value else value
            elif value is not None:
                found.append(value)
        return found

    return items


def _any_exists(fetch: Fetch) -> Exists:
    def exists(this: Any, scope: Scope) -> bool:
        return len(fetch(this, scope)) > 0

    return exists


def _elsewhere(this: Any, name: str) -> Items:
    """The children of what is no JSON object: a node has some, a plain primitive has none."""
    if type(this) is Node:
        return named_children(this, name)
    if type(this) is Target:
        raise PathError("resolve() answers with the type of a reference only; its elements are not at hand.")
    return NOTHING


def _valueless(content: dict[str, Any], key: str) -> Items:
    """The items of a primitive element that is a part of them without a value, as nodes."""
    return named_children(Node(content, None, shapes_of(None).unknown), key)
