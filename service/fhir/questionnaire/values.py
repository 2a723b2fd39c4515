"""Values of answers as keys: two values are the same answer where their keys are equal."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable

    from service.fhir.resource import Content


def key_of(element: str, value: Any) -> Hashable:
    """What two values of an element have in common that are the same: of codings system and code, not the display."""
    match element:
        case "valueCoding" if "code" not in value:
            return "display", _text(value.get("display"))
        case "valueCoding":
            return "code", *unit_of(value)
        case "valueQuantity":
            return comparable(value), *unit_of(value), _text(value.get("comparator"))
        case "valueReference":
            return str(value.get("reference"))
        case _:
            found: Hashable = comparable(value)
            return found


def value_in(answer: Content) -> tuple[str, Any]:
    """The element of an answer that its value is in, and the value; ``("", None)`` where it has none."""
    return next((pair for pair in answer.items() if pair[0].startswith("value")), ("", None))


def unit_of(quantity: Content) -> tuple[str | None, str | None]:
    """The (system, code) of a quantity's unit, or of a coding."""
    return _text(quantity.get("system")), _text(quantity.get("code"))


def comparable(value: Any) -> Any:
    """A number as a Decimal, a quantity as its number (None: it has none), anything else as it is."""
    if isinstance(value, dict):
        return comparable(value.get("value"))
    if isinstance(value, list):
        return _text(value)
    return Decimal(str(value)) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value


def _text(value: Any) -> str | None:
    """What is no text is made one: what an expression finds may be anything."""
    return None if value is None else str(value)
