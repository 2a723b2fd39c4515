"""JSON Schemas of R4's primitive types. https://hl7.org/fhir/R4/datatypes.html#primitive"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from service.fhir.definitions.definition import TypeDefinition

_INT32: Final = 2**31

# R4 writes [ \r\n\t\S]+ in Java's dialect; in that of JSON Schema \S leaves out U+00A0, U+3000 and their like
_TEXT: Final = r"^[^\x00-\x08\x0B\x0C\x0E-\x1F]+$"

_WITHOUT_PATTERN: Final[dict[str, dict[str, Any]]] = {
    "boolean": {"type": "boolean"},
    "string": {"type": "string", "pattern": _TEXT},
    "markdown": {"type": "string", "pattern": _TEXT},
    "decimal": {"type": "number"},
    "integer": {"type": "integer", "minimum": -_INT32, "maximum": _INT32 - 1},
    "positiveInt": {"type": "integer", "minimum": 1, "maximum": _INT32 - 1},
    "unsignedInt": {"type": "integer", "minimum": 0, "maximum": _INT32 - 1},
    # R4's own pattern for base64 backtracks exponentially; this one is as strict about the alphabet and linear
    "base64Binary": {"type": "string", "contentEncoding": "base64", "pattern": r"^[\s0-9a-zA-Z+/=]+$"},
    "xhtml": {"type": "string", "contentMediaType": "application/xhtml+xml"},
}


def primitive_schema(definition: TypeDefinition) -> dict[str, Any]:
    """The schema of a primitive type; a number where R4's JSON has a number, else text with R4's own pattern."""
    schema = _WITHOUT_PATTERN.get(definition.name)
    if schema is None:
        schema = {"type": "string"}
        if definition.pattern:
            schema["pattern"] = anchored(definition.pattern)
    return {**schema, "description": definition.short}


def anchored(pattern: str) -> str:
    """A pattern that JSON Schema matches against the whole text, as FHIR does, rather than anywhere in it."""
    return f"^(?:{pattern})$" if "|" in pattern else f"^{pattern}$"
