"""Values of a FHIRPath Patch as the JSON of the element that they are put into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from service.fhir.outcome import failure
from service.fhir.patch.placement import aligned, insert, put

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.fhir.patch.bounds import Copies
    from service.fhir.patch.parameters import Value
    from service.fhir.path import Slot


def slot_for(slots: Sequence[Slot], value: Value) -> Slot | None:
    """The slot of an element that takes a value: of a choice, the one of the value's type; None if there is none.

    Whether the value of an element without a choice has the right type shows when the resource is validated.
    """
    if len(slots) == 1:
        return slots[0]
    return next((slot for slot in slots if slot.type is None or slot.type == value.type), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """Builds values, counting what it copies."""

    copies: Copies

    def build(self, value: Value, slot: Slot, depth: int) -> tuple[Any, Any]:
        """The JSON of a value and of its twin, to be put at a depth; FhirError patch-invalid or patch-failed."""
        if value.parts is None:
            twin = None if value.twin is None else self.copies.of(value.twin, depth)
            return self.copies.of(value.json, depth), twin
        content: dict[str, Any] = {}
        for name, part in value.parts:
            inner = slot_for(slot.shape.find(name), part)
            if inner is None:
                raise failure("patch-invalid", "The element has no element of this name and type.", part.where)
            built, twin = self.build(part, inner, depth + (2 if inner.repeats else 1))
            if inner.repeats:
                insert(content, inner.key, len(aligned(content, inner.key)[0]), built, twin)
                continue
            if inner.key in content or "_" + inner.key in content:
                raise failure("patch-invalid", "The element does not repeat and is given twice.", part.where)
            put(content, inner.key, built, twin)
        return content, None
