"""The operations of a FHIRPath Patch, read from its Parameters. https://hl7.org/fhir/R4/fhirpatch.html"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from service.fhir.outcome import failure
from service.fhir.patch.bounds import MAX_OPERATIONS, too_many_operations
from service.fhir.path import CHOICE_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.fhir.outcome import FhirError

_NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "add": ("path", "name", "value"),
    "insert": ("path", "index", "value"),
    "delete": ("path",),
    "replace": ("path", "value"),
    "move": ("path", "source", "destination"),
}
"""The types of operations, and the parts that each has, no more and no less."""

_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "type": ("code", "string"),
    "path": ("string",),
    "name": ("string", "code", "id"),
    "index": ("integer", "unsignedInt", "positiveInt"),
    "source": ("integer", "unsignedInt", "positiveInt"),
    "destination": ("integer", "unsignedInt", "positiveInt"),
}
"""The parts of an operation apart from its value, and the data types that they may be sent as."""

_TYPE_OF_KEY: Final = {f"value{code[0].upper()}{code[1:]}": code for code in CHOICE_TYPES}
MAX_NESTING: Final = 30
"""How deep the parts of an anonymous value may nest; no backbone element of R4 nests 6 deep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A value to put in place: of a data type (`json` and, for a primitive, its `twin`), or made of named `parts`."""

    json: Any = None
    twin: Any = None
    type: str | None = None
    parts: tuple[tuple[str, Value], ...] | None = None
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation; `where` is its FHIRPath in the Parameters. What its type does not need is at its default."""

    type: str
    path: str
    where: str
    name: str = ""
    index: int = 0
    source: int = 0
    destination: int = 0
    value: Value | None = None


def read_operations(parameters: Any) -> list[Operation]:
    """The operations of a Parameters resource; FhirError patch-invalid."""
    if not isinstance(parameters, dict) or parameters.get("resourceType") != "Parameters":
        raise failure("patch-invalid", "A FHIRPath Patch is a Parameters resource.", "Parameters")
    found = parameters.get("parameter", [])
    if not isinstance(found, list):
        raise failure("patch-invalid", "Parameters.parameter is an array.", "Parameters.parameter")
    if len(found) > MAX_OPERATIONS:
        raise too_many_operations()
    return [_operation(item, f"Parameters.parameter[{number}]") for number, item in enumerate(found)]


def _operation(item: Any, where: str) -> Operation:
    if not isinstance(item, dict) or item.get("name") != "operation":
        raise failure("patch-invalid", "Each parameter of a FHIRPath Patch has the name 'operation'.", where)
    parts = dict(_named_parts(item, where))
    kind = parts.pop("type", None)
    if kind is None:
        raise failure("patch-invalid", f"An operation needs a type: one of {', '.join(_NEEDS)}.", where)
    name = _simple("type", kind)
    if name not in _NEEDS:
        raise failure("patch-invalid", f"An operation's type is one of {', '.join(_NEEDS)}.", kind.where)
    if missing := [part for part in _NEEDS[name] if part not in parts]:
        raise failure("patch-invalid", f"The operation {name} needs the part '{missing[0]}'.", where)
    if extra := [part for part in parts if part not in _NEEDS[name]]:
        message = f"The operation {name} takes the parts {', '.join(_NEEDS[name])} and no others."
        raise failure("patch-invalid", message, parts[extra[0]].where)
    value = parts.pop("value", None)
    read = {part: _simple(part, found) for part, found in parts.items()}
    return Operation(type=name, where=where, value=value, **read)


def _named_parts(item: dict[str, Any], where: str) -> list[tuple[str, Value]]:
    """The parts of an operation; each name once."""
    parts = item.get("part")
    found = _parts(parts, where, 0) if isinstance(parts, list) else []
    names = [name for name, _ in found]
    if twice := next((value for name, value in found if names.count(name) > 1), None):
        raise failure("patch-invalid", "An operation has each of its parts once.", twice.where)
    return found


def _parts(parts: list[Any], where: str, depth: int) -> list[tuple[str, Value]]:
    if depth > MAX_NESTING:
        raise failure("patch-invalid", f"The parts of a value nest at most {MAX_NESTING} levels deep.", where)
    found = []
    for number, part in enumerate(parts):
        place = f"{where}.part[{number}]"
        name = part.get("name") if isinstance(part, dict) else None
        if not isinstance(name, str) or not name:
            raise failure("patch-invalid", "Each part has a name.", place)
        found.append((name, _value(part, place, depth)))
    return found


def _value(part: dict[str, Any], where: str, depth: int) -> Value:
    rest = {key: value for key, value in part.items() if key not in ("name", "id", "extension")}
    if list(rest) == ["part"] and isinstance(rest["part"], list) and rest["part"]:
        return Value(parts=tuple(_parts(rest["part"], where, depth + 1)), where=where)
    if list(rest) == ["resource"] and isinstance(rest["resource"], dict):
        return Value(json=rest["resource"], type="Resource", where=where)
    keys = {key.removeprefix("_") for key in rest}
    key = keys.pop() if len(keys) == 1 else ""
    kind = _TYPE_OF_KEY.get(key)
    if kind is None:
        raise _no_value(where)
    json, twin = rest.get(key), rest.get("_" + key)
    if (json is None and twin is None) or not isinstance(twin, dict | None):
        raise _no_value(where)
    return Value(json=json, twin=twin, type=kind, where=where)


def _no_value(where: str) -> FhirError:
    message = "A part has one value: value[x] of a data type, a resource, or parts of its own."
    return failure("patch-invalid", message, where)


def _simple(name: str, value: Value) -> Any:
    """The value of one of the parts that say what to do."""
    kinds = _KINDS[name]
    wanted = int if "integer" in kinds else str
    if value.type not in kinds or type(value.json) is not wanted:
        message = (
            f"The part '{name}' has a value[x] of type {' or '.join(kinds)}." if kinds else "There is no such part."
        )
        raise failure("patch-invalid", message, value.where)
    return value.json
