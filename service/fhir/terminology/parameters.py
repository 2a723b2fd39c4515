"""What operations answer with: a Parameters resource. https://hl7.org/fhir/R4/parameters.html"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from service.fhir.resource import Content

    Parameter = Mapping[str, Any] | None


def parameters(listed: Iterable[Parameter]) -> Content:
    """The resource; parameters that are None are left out."""
    return {"resourceType": "Parameters", "parameter": [each for each in listed if each is not None]}


def value(name: str, kind: str, found: Any) -> dict[str, Any] | None:
    """A parameter with a value of a data type (the suffix of ``value``), None without one."""
    return None if found is None else {"name": name, f"value{kind}": found}


def group(name: str, parts: Iterable[Parameter]) -> dict[str, Any]:
    """A parameter that consists of others."""
    return {"name": name, "part": [each for each in parts if each is not None]}
