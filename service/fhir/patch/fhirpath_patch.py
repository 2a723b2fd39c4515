"""FHIRPath Patch on decoded content. https://hl7.org/fhir/R4/fhirpatch.html"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from service.fhir.outcome import failure
from service.fhir.patch import placement
from service.fhir.patch.bounds import Copies, keep_identity
from service.fhir.patch.construction import Builder, slot_for
from service.fhir.patch.parameters import Operation, Value, read_operations
from service.fhir.path import PathError, Scope, compile_path, parent_path, twin_node

if TYPE_CHECKING:
    from service.fhir.definitions import Definitions
    from service.fhir.outcome import FhirError
    from service.fhir.path import Node, Slot
    from service.fhir.resource import Content

MAX_VISITS: Final = 200_000
"""Items that the paths of one patch may visit together; a large resource has some thousands."""


def apply_fhirpath_patch(content: Content, parameters: Any, definitions: Definitions) -> Content:
    """The content after all operations of a FHIRPath Patch.

    Raises FhirError: patch-invalid, patch-failed, id-mismatch.
    """
    operations = read_operations(parameters)
    copies = Copies()
    target = _Target(content=copies.of(content, 0), definitions=definitions, builder=Builder(copies=copies))
    for operation in operations:
        target.apply(operation)
    return keep_identity(content, target.content)


@dataclass(slots=True, kw_only=True)
class _Target:
    """The copy of the content that the operations change."""

    content: Content
    definitions: Definitions
    builder: Builder
    visits: int = field(default=MAX_VISITS)

    def apply(self, operation: Operation) -> None:
        match operation.type:
            case "add":
                self._add(operation)
            case "delete":
                self._delete(operation)
            case "replace":
                self._replace(operation)
            case "insert":
                container, key, count, slot, depth = self._list(operation)
                if not 0 <= operation.index <= count:
                    raise _failed(operation, f"the index is not between 0 and {count}")
                value, twin = self._build(operation, slot, depth)
                placement.insert(container, key, operation.index, value, twin)
            case _:
                container, key, count, _, _ = self._list(operation)
                if not (0 <= operation.source < count and 0 <= operation.destination < count):
                    raise _failed(operation, f"source and destination are not both between 0 and {count - 1}")
                placement.move(container, key, operation.source, operation.destination)

    def _add(self, operation: Operation) -> None:
        node = self._one(operation)
        if type(node.value) is not dict:
            node = _with_twin(node, operation)
        container, value = node.value, _value(operation)
        slots = node.shape.find(operation.name)
        slot = slot_for(slots, value)
        if slot is None:
            raise _failed(operation, "the element that the path finds has no element of this name and type")
        depth = placement.depth_of(node) + 1
        built, twin = self.builder.build(value, slot, depth)
        present = any(key in container for other in slots for key in (other.key, other.twin) if key)
        if slot.repeats or isinstance(container.get(slot.key), list):
            count = len(placement.aligned(container, slot.key)[0])
            placement.insert(container, slot.key, count, built, twin)
        elif present:
            raise _failed(operation, "the element does not repeat and is already there; use replace")
        else:
            placement.put(container, slot.key, built, twin)

    def _delete(self, operation: Operation) -> None:
        found = self._find(operation, operation.path)
        if len(found) > 1:
            raise _failed(operation, "the path finds several elements")
        for node in found:
            _not_root(node, operation)
            placement.remove(node)

    def _replace(self, operation: Operation) -> None:
        node = self._one(operation)
        parent = _not_root(node, operation)
        slot = _same_element(node, parent, operation)
        value, twin = self._build(operation, slot, placement.depth_of(node))
        if node.index is not None:
            placement.put_at(parent.value, node.key, node.index, value, twin)
            return
        if slot.key != node.key:
            placement.put(parent.value, node.key, None, None)
        placement.put(parent.value, slot.key, value, twin)

    def _list(self, operation: Operation) -> tuple[Content, str, int, Slot, int]:
        """The object and property of the whole list that a path finds, its length, slot and depth."""
        parent_text, name = self._split(operation)
        parents = self._find(operation, parent_text)
        if len(parents) != 1 or type(parents[0].value) is not dict:
            raise _failed(operation, "the path does not end in the list of a single element")
        parent = parents[0]
        slots = parent.shape.find(name)
        slot = next((slot for slot in slots if slot.key in parent.value), slots[0] if slots else None)
        values = parent.value.get(slot.key) if slot else None
        if slot is None or not (slot.repeats or isinstance(values, list)):
            raise _failed(operation, "the path does not end in an element that repeats")
        twins = parent.value.get(slot.twin) if slot.twin else None
        count = max(len(items) if isinstance(items, list) else 0 for items in (values, twins))
        return parent.value, slot.key, count, slot, placement.depth_of(parent) + 2

    def _split(self, operation: Operation) -> tuple[str, str]:
        try:
            return parent_path(operation.path)
        except PathError as error:
            raise failure("patch-invalid", f"The path of an insert or move: {error}", operation.where) from None

    def _build(self, operation: Operation, slot: Slot, depth: int) -> tuple[Any, Any]:
        return self.builder.build(_value(operation), slot, depth)

    def _one(self, operation: Operation) -> Node:
        found = self._find(operation, operation.path)
        if len(found) != 1:
            raise _failed(operation, f"the path finds {'several elements' if found else 'no element'}")
        return found[0]

    def _find(self, operation: Operation, path: str) -> list[Node]:
        kind = self.content.get("resourceType")
        known = isinstance(kind, str) and kind in self.definitions.all_type_names
        scope = Scope(budget=self.visits)
        try:
            compiled = compile_path(
                path, definitions=self.definitions, type_name=str(kind) if known else None, untrusted=True
            )
        except PathError as error:
            raise failure("patch-invalid", f"The path cannot be read: {error}", operation.where) from None
        try:
            return compiled.places(self.content, scope)
        except PathError as error:
            raise failure("patch-failed", f"The path does not apply: {error}", operation.where) from None
        finally:
            self.visits = scope.budget


def _value(operation: Operation) -> Value:
    if operation.value is None:
        raise _failed(operation, "it has no value")
    return operation.value


def _not_root(node: Node, operation: Operation) -> Node:
    if node.parent is None:
        raise _failed(operation, "the whole resource cannot be patched; send an update or a delete")
    return node.parent


def _same_element(node: Node, parent: Node, operation: Operation) -> Slot:
    """Where the new value of an element goes: a choice may change its type, and with it its JSON property."""
    own = parent.shape.find(node.key)
    slots = parent.shape.find(own[0].name) if own else ()
    slot = slot_for(slots, _value(operation)) or next((slot for slot in own if len(slots) == 1), None)
    if slot is None:
        raise _failed(operation, "the element cannot have a value of this type")
    return slot


def _with_twin(node: Node, operation: Operation) -> Node:
    """A primitive's node as that of its twin, which is made if it is not there: the place of its extensions."""
    if node.parent is None or node.key.startswith("_"):
        raise _failed(operation, "the path does not find an element that has elements")
    if node.twin is None:
        node.twin = {}
        if node.index is None:
            node.parent.value["_" + node.key] = node.twin
        else:
            placement.put_at(node.parent.value, node.key, node.index, node.value, node.twin)
    return twin_node(node)


def _failed(operation: Operation, reason: str) -> FhirError:
    return failure("patch-failed", f"The operation {operation.type} does not apply: {reason}.", operation.where)
