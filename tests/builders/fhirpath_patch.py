"""FHIRPath Patches and the patients that they are tried on."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def part(name: str, value: Any) -> Json:
    """A part: of a string, a code or an integer by the name; of any value as a dict of its JSON properties."""
    if name == "type":
        return {"name": name, "valueCode": value}
    if isinstance(value, int):
        return {"name": name, "valueInteger": value}
    return {"name": name, **value} if isinstance(value, dict) else {"name": name, "valueString": value}


def operation(**parts: Any) -> Json:
    """An operation of a FHIRPath Patch."""
    return {"name": "operation", "part": [part(name, value) for name, value in parts.items()]}


def parameters(*operations: Json) -> Json:
    """A FHIRPath Patch."""
    return {"resourceType": "Parameters", "parameter": list(operations)}


def patient(**elements: Any) -> Json:
    """A patient with some elements."""
    return {"resourceType": "Patient", "id": "1", **elements}


def identifiers(*values: str) -> list[Json]:
    """Identifiers with these values."""
    return [{"system": "http://example.org", "value": value} for value in values]


def replace(path: str, value: Json) -> Json:
    return operation(type="replace", path=path, value=value)


def add(path: str, name: str, value: Json) -> Json:
    return operation(type="add", path=path, name=name, value=value)


def insert(path: str, index: int, value: Json) -> Json:
    return operation(type="insert", path=path, index=index, value=value)


def move(path: str, source: int, destination: int) -> Json:
    return operation(type="move", path=path, source=source, destination=destination)


def delete(path: str) -> Json:
    return operation(type="delete", path=path)
