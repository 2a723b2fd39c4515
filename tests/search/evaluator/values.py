"""What a search parameter finds in a resource: https://hl7.org/fhir/R4/searchparameter.html

The values of a parameter are what its FHIRPath finds, as far as they are of the data types that R4's cross-map
(https://hl7.org/fhir/R4/search.html#table) lists for the parameter's type. A value that has extensions but no value of
its own is none: "`:missing=true` will match [...] where the element is present with extensions but no @value".
``where(resolve() is Patient)`` leaves what may be a reference to a Patient. What no search can compare with is no
value either: an Address without any text, a Timing that names no date, a Quantity without a number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from service.fhir.definitions import load
from service.fhir.path import PathError, Scope, compile_path
from tests.search.evaluator import dates, numbers, quantities, references, strings, tokens, uris

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.fhir.definitions import Definitions, SearchParameterFact
    from service.fhir.path import Path

Resource = dict[str, Any]

TYPES: Final[Mapping[str, frozenset[str]]] = {
    "string": strings.TYPES,
    "token": tokens.TYPES,
    "reference": references.TYPES,
    "date": dates.TYPES,
    "number": numbers.TYPES,
    "quantity": quantities.TYPES,
    "uri": uris.TYPES,
}
"""Search parameter type → the data types that it is used with."""

_ONE_TYPE: Final = re.compile(r"\.where\(resolve\(\) is (\w+)\)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A value in a resource: its FHIR data type, and its JSON. `around` is the resource that it stands in."""

    type: str
    content: Any
    around: Resource = field(default_factory=dict)


@lru_cache(maxsize=1)
def definitions() -> Definitions:
    """HL7's definitions of R4."""
    return load()


def parameter_of(resource_type: str, code: str) -> SearchParameterFact:
    """The search parameter of a resource type; KeyError if there is none."""
    return definitions().search_parameters(resource_type)[code]


def values_of(resource: Resource, parameter: SearchParameterFact) -> list[Value]:
    """The values that a resource has for a parameter that is no composite."""
    expression, _, target = _ONE_TYPE.sub(r"->\1", parameter.expression).partition("->")
    return [
        value
        for value in find(expression, resource["resourceType"], resource, resource)
        if value.type in TYPES[parameter.kind]
        and _is_comparable(parameter.kind, value)
        and (not target or references.may_be_to(value, target))
    ]


def _is_comparable(kind: str, value: Value) -> bool:
    match kind:
        case "string":
            return bool(strings.texts(value))
        case "date":
            return dates.target_of(value) is not None
        case "quantity":
            return quantities.has_number(value)
    return True


def find(expression: str, start: str, content: Any, around: Resource) -> list[Value]:
    """What a FHIRPath finds in content of the type, or at the element, `start`."""
    path = _compiled(expression, start)
    try:
        nodes = path.places(content, Scope(resource=around, root=around, context=content, variables={}))
    except PathError:  # what is calculated, such as `deceased.exists()`, has no place in the resource
        return [Value(type=_calculated(each), content=each, around=around) for each in path.evaluate(content)]
    return [
        Value(type=node.type, content=node.value, around=around)
        for node in nodes
        if node.type is not None and node.value is not None
    ]


@lru_cache(maxsize=4096)
def _compiled(expression: str, start: str) -> Path:
    return compile_path(expression, definitions=definitions(), type_name=start)


def _calculated(item: Any) -> str:
    return "boolean" if isinstance(item, bool) else "string"
