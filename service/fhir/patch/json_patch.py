"""JSON Patch on decoded content. https://www.rfc-editor.org/rfc/rfc6902"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from service.fhir.outcome import failure
from service.fhir.patch.bounds import MAX_OPERATIONS, Copies, keep_identity, too_many_operations
from service.fhir.patch.equality import same_json
from service.fhir.patch.pointer import array_index, as_expression, parse_pointer

if TYPE_CHECKING:
    from service.fhir.outcome import FhirError
    from service.fhir.patch.pointer import Pointer
    from service.fhir.resource import Content

_NEEDS: Final = {
    "add": ("value",),
    "remove": (),
    "replace": ("value",),
    "move": ("from",),
    "copy": ("from",),
    "test": ("value",),
}
"""The operations, and what each needs besides its path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Operation:
    number: int
    name: str
    path: Pointer
    source: Pointer
    value: Any


def apply_json_patch(content: Content, document: Any) -> Content:
    """The content after all operations of a JSON Patch.

    Raises FhirError: patch-invalid, patch-failed (also for a `test` that fails), id-mismatch.
    Objects and arrays that operations leave empty are removed with them, because FHIR knows no empty ones.
    """
    operations = _operations(document)
    target = _Target(content=Copies().of(content, 0), kind=str(content.get("resourceType", "Resource")))
    for operation in operations:
        target.apply(operation)
    return keep_identity(content, target.swept())


def _operations(document: Any) -> list[_Operation]:
    if not isinstance(document, list):
        raise failure("patch-invalid", "A JSON Patch is an array of operations.")
    if len(document) > MAX_OPERATIONS:
        raise too_many_operations()
    return [_operation(number, item) for number, item in enumerate(document)]


def _operation(number: int, item: Any) -> _Operation:
    where = f"[{number}]"
    if not isinstance(item, dict):
        raise failure("patch-invalid", f"Operation {number + 1} is not an object.", where)
    name = item.get("op")
    if not isinstance(name, str) or name not in _NEEDS:
        raise failure(
            "patch-invalid", f"Operation {number + 1} needs an op: one of {', '.join(_NEEDS)}.", f"{where}.op"
        )
    for needed in _NEEDS[name]:
        if needed not in item:
            raise failure("patch-invalid", f"Operation {number + 1} ({name}) needs {needed}.", where)
    path = _pointer(item.get("path"), number, "path")
    source = _pointer(item["from"], number, "from") if "from" in _NEEDS[name] else ()
    if name == "move" and len(source) < len(path) and path[: len(source)] == source:
        raise failure("patch-invalid", f"Operation {number + 1} moves a value into itself.", f"{where}.path")
    return _Operation(number=number, name=name, path=path, source=source, value=item.get("value"))


def _pointer(text: Any, number: int, name: str) -> Pointer:
    pointer = parse_pointer(text)
    if pointer is None:
        message = f"Operation {number + 1} needs a JSON Pointer as its {name}, such as /name/0/family."
        raise failure("patch-invalid", message, f"[{number}].{name}")
    return pointer


@dataclass(slots=True, kw_only=True)
class _Target:
    """The copy of the content that the operations change."""

    content: Any
    kind: str
    copies: Copies = field(default_factory=Copies)
    reduced: list[Any] = field(default_factory=list)
    """The objects and arrays that something was taken from."""

    def apply(self, operation: _Operation) -> None:
        if not operation.path and operation.name != "test":
            raise self._failed(operation, (), "the whole resource cannot be patched; send an update")
        match operation.name:
            case "add":
                self._add(operation, operation.value)
            case "remove":
                self._remove(operation, operation.path)
            case "replace":
                self._replace(operation)
            case "move":
                value = self._find(operation, operation.source)
                if operation.source != operation.path:
                    self._remove(operation, operation.source)
                    self._add(operation, value)
            case "copy":
                self._add(operation, self._find(operation, operation.source))
            case _:
                expected = self.copies.of(operation.value, 0)
                if not same_json(self._find(operation, operation.path), expected):
                    raise self._failed(operation, operation.path, "the value is not the one that was expected")

    def swept(self) -> Any:
        """The content without the objects and arrays that the operations left empty."""
        if any(not container for container in self.reduced):
            self._sweep(self.content, {id(container) for container in self.reduced})
        return self.content

    def _sweep(self, value: Any, reduced: set[int]) -> bool:
        """Remove the empty values below; whether the value itself is empty because of the operations."""
        if not isinstance(value, dict | list):
            return False
        places = list(value.items() if isinstance(value, dict) else enumerate(value))
        empty = [place for place, part in places if self._sweep(part, reduced)]
        for place in reversed(empty):
            del value[place]
        return not value and (bool(empty) or id(value) in reduced)

    def _add(self, operation: _Operation, value: Any) -> None:
        container, last = self._container(operation, operation.path), operation.path[-1]
        copy = self.copies.of(value, len(operation.path))
        if isinstance(container, dict):
            container[last] = copy
        elif last == "-":
            container.append(copy)
        else:
            index = array_index(last)
            if index is None or index > len(container):
                raise self._failed(operation, operation.path, "the array has no such position")
            container.insert(index, copy)

    def _replace(self, operation: _Operation) -> None:
        container = self._container(operation, operation.path)
        place = self._place(operation, operation.path, container)
        container[place] = self.copies.of(operation.value, len(operation.path))

    def _remove(self, operation: _Operation, pointer: Pointer) -> None:
        container = self._container(operation, pointer)
        del container[self._place(operation, pointer, container)]
        self.reduced.append(container)

    def _find(self, operation: _Operation, pointer: Pointer) -> Any:
        value = self.content
        for depth in range(len(pointer)):
            value = value[self._place(operation, pointer[: depth + 1], value)]
        return value

    def _container(self, operation: _Operation, pointer: Pointer) -> Any:
        container = self._find(operation, pointer[:-1])
        if not isinstance(container, dict | list):
            raise self._failed(operation, pointer, "there is no such element")
        return container

    def _place(self, operation: _Operation, pointer: Pointer, container: Any) -> Any:
        """The key or index of an existing value in its container."""
        last = pointer[-1]
        if isinstance(container, dict) and last in container:
            return last
        index = array_index(last) if isinstance(container, list) else None
        if index is not None and index < len(container):
            return index
        raise self._failed(operation, pointer, "there is no such element")

    def _failed(self, operation: _Operation, pointer: Pointer, reason: str) -> FhirError:
        message = f"Operation {operation.number + 1} ({operation.name}) does not apply: {reason}."
        return failure("patch-failed", message, as_expression(self.kind, pointer))
