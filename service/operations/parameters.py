"""The parameters of an operation, from its URL and from a Parameters resource: https://hl7.org/fhir/R4/operations.html

An operation names those that it takes. Whatever else comes is refused, and so is what R4 defines and is not supported.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import Struct

from service.fhir.outcome import failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from service.fhir.interaction import Operation
    from service.fhir.resource import Content
    from service.fhir.validation import Validator

Kind = Literal[
    "text",
    "boolean",
    "integer",
    "decimal",
    "Coding",
    "CodeableConcept",
    "concept",
    "Identifier",
    "Period",
    "Reference",
    "resource",
    "named",
    "parts",
]
"""A concept comes as a CodeableConcept, a Coding, a code, or a text; what is named as a resource, or by a reference."""

_TEXTS: Final = frozenset({"String", "Uri", "Url", "Canonical", "Code", "Id", "DateTime", "Date", "Instant"})
_INTEGERS: Final = frozenset({"Integer", "UnsignedInt", "PositiveInt"})
_DECIMAL: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_GENERAL: Final = frozenset({"_format", "_pretty"})
_LARGEST: Final = 2**31 - 1


class Taken(Struct, frozen=True, kw_only=True):
    """What an operation takes: names with their kinds, those that may repeat, and those that R4 has beyond that.

    `unsupported` says of each of the latter why.
    """

    operation: str
    kinds: Mapping[str, Kind]
    repeating: frozenset[str] = frozenset()
    unsupported: Mapping[str, str] = {}


class Sent(Struct, frozen=True, kw_only=True):
    """The values that were sent, by name."""

    values: Mapping[str, list[Any]]

    def one(self, name: str) -> Any:
        """The value of a parameter that does not repeat, None where it was not sent."""
        found = self.values.get(name)
        return found[0] if found else None

    def all(self, name: str) -> list[Any]:
        """The values of a parameter that may repeat."""
        return self.values.get(name, [])

    def flag(self, name: str) -> bool:
        """Whether a boolean was sent and is true."""
        return bool(self.one(name))


def missing(told: str, name: str) -> Exception:
    """That a parameter was not sent."""
    return failure("parameter-required", told, f"http.{name}")


def sent(operation: Operation, taken: Taken, validator: Validator) -> Sent:
    """The parameters of the request; FhirError where they are not what the operation takes."""
    values: dict[str, list[Any]] = {}
    for name, value in _pairs(operation, taken, validator):
        found = values.setdefault(name, [])
        found.append(value)
        if len(found) > 1 and name not in taken.repeating:
            raise failure("parameter-value", f"${taken.operation} takes {name} once.", f"http.{name}")
    return Sent(values=values)


def _pairs(operation: Operation, taken: Taken, validator: Validator) -> Iterator[tuple[str, Any]]:
    for name, text in operation.parameters:
        if name not in _GENERAL:
            yield name, _of_text(name, text, _kind(name, taken))
    content = operation.content
    if content is None:
        return
    named = content.get("resourceType")
    alone = [
        name for name, kind in taken.kinds.items() if kind in ("resource", "named") and _is_named_after(name, named)
    ]
    if alone:
        validator.check(content, str(named))
        yield alone[0], content
        return
    validator.check(content, "Parameters")
    for place, parameter in enumerate(content.get("parameter", ())):
        name = parameter["name"]
        where = f"Parameters.parameter[{place}]"
        value = _of_parameter(parameter, _kind(name, taken), where)
        if isinstance(value, dict) and "resourceType" in value and not _is_named_after(name, value["resourceType"]):
            raise failure("type-mismatch", f"The parameter must be a {_type_named_by(name)}.", where)
        yield name, value


def _is_named_after(name: str, resource_type: object) -> bool:
    """Whether a parameter is called like a type, whatever the capitals, as `questionnaire-response` is."""
    return _type_named_by(name).casefold() == str(resource_type).casefold()


def _type_named_by(name: str) -> str:
    return "".join(f"{part[0].upper()}{part[1:]}" for part in name.split("-"))


def _kind(name: str, taken: Taken) -> Kind:
    kind = taken.kinds.get(name)
    if kind is not None:
        return kind
    if name in taken.unsupported:
        raise failure("parameter-unsupported", taken.unsupported[name], f"http.{name}")
    known = ", ".join(taken.kinds) or "no parameters"
    raise failure("parameter-unknown", f"${taken.operation} takes {known}.", f"http.{name}")


def _of_text(name: str, text: str, kind: Kind) -> Any:
    """The value of a parameter in the URL."""
    match kind:
        case "text" | "Reference" | "named" if text:
            return text
        case "boolean" if text in ("true", "false"):
            return text == "true"
        case "integer" if text.isascii() and text.isdigit() and int(text) <= _LARGEST:
            return int(text)
        case "decimal" if _DECIMAL.fullmatch(text):
            return Decimal(text)
        case _ if kind in _NOT_IN_URLS:
            told = f"{name} does not fit into a URL; POST it in a Parameters resource."
            raise failure("parameter-value", told, f"http.{name}")
    raise failure("parameter-value", f"{name} must be {_FORMS[kind]}.", f"http.{name}")


_NOT_IN_URLS: Final = frozenset({"Coding", "CodeableConcept", "concept", "Identifier", "Period", "resource", "parts"})
_FORMS: Final[Mapping[Kind, str]] = {
    "text": "a text that is not empty",
    "boolean": "true or false",
    "integer": "a whole number from 0",
    "decimal": "a number from 0",
    "Coding": "a valueCoding",
    "CodeableConcept": "a valueCodeableConcept",
    "concept": "a valueCodeableConcept, valueCoding, valueCode or valueString",
    "Identifier": "a valueIdentifier",
    "Period": "a valuePeriod",
    "Reference": "a valueReference with a literal reference, or the same as a valueString",
    "resource": "a resource",
    "named": "a resource, or a text or valueReference that names one",
    "parts": "a list of parts",
}


_CONCEPTS: Final = frozenset({"CodeableConcept", "Coding", "Code", "String"})


def _concept(suffix: str, value: Any) -> Any:
    """The CodeableConcept that was meant; the system of a plain code is the operation's to know."""
    match suffix:
        case "Coding":
            return {"coding": [value]}
        case "Code":
            return {"coding": [{"code": value}]}
        case "String":
            return {"text": value}
    return value


def _of_parameter(parameter: Content, kind: Kind, where: str) -> Any:
    """The value of a parameter in the body, which is valid R4."""
    values: list[tuple[str, Any]] = [
        (key.removeprefix("value"), each) for key, each in parameter.items() if key.startswith("value")
    ]
    suffix: str
    value: Any
    suffix, value = values[0] if values else ("", None)
    match kind:
        case "text" | "Reference" | "named" if suffix in _TEXTS:
            return value
        case "Reference" | "named" if suffix == "Reference" and "reference" in value:
            return value["reference"]
        case "boolean" if suffix == "Boolean":
            return value
        case "integer" if suffix in _INTEGERS and isinstance(value, int) and value >= 0:
            return value
        case "decimal" if suffix in {"Decimal", *_INTEGERS}:
            return Decimal(str(value))
        case "Coding" | "CodeableConcept" | "Identifier" | "Period" if suffix == kind:
            return value
        case "concept" if suffix in _CONCEPTS:
            return _concept(suffix, value)
        case "resource" | "named" if "resource" in parameter:
            return parameter["resource"]
        case "parts" if "part" in parameter:
            return parameter["part"]
    raise failure("parameter-value", f"The parameter must be {_FORMS[kind]}.", where)
