"""What a patch may ask for, and what it may never change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from service.fhir.codec import MAX_DEPTH
from service.fhir.outcome import failure

if TYPE_CHECKING:
    from service.fhir.outcome import FhirError
    from service.fhir.resource import Content

MAX_OPERATIONS: Final = 1000
MAX_COPIED: Final = 500_000
"""Values that the operations of one patch may put in place together: repeated copies would double a resource."""


@dataclass(slots=True)
class Copies:
    """Copies of JSON values, bounded in nesting and in total; `MAX_COPIED` values in one patch."""

    left: int = MAX_COPIED

    def of(self, value: Any, depth: int) -> Any:
        """A copy that shares no object or array with `value`, to be put `depth` levels deep.

        Raises FhirError patch-failed beyond the bounds.
        """
        if depth > MAX_DEPTH:
            raise failure("patch-failed", f"The patched resource would nest deeper than {MAX_DEPTH} levels.")
        self.left -= 1
        if self.left < 0:
            raise failure("patch-failed", f"A patch may put {MAX_COPIED} values in place, not more.")
        if isinstance(value, dict):
            return {key: self.of(part, depth + 1) for key, part in value.items()}
        if isinstance(value, list):
            return [self.of(part, depth + 1) for part in value]
        return value


def keep_identity(before: Content, after: Any) -> Content:
    """The patched content; FhirError if it is no longer the same resource: its type and id are not for patches."""
    kind = before.get("resourceType")
    if not isinstance(after, dict) or after.get("resourceType") != kind:
        raise failure("patch-failed", "A patch cannot change the type of a resource.", f"{kind}")
    if after.get("id") != before.get("id"):
        raise failure("id-mismatch", "A patch cannot change or remove the id of a resource.", f"{kind}.id")
    return after


def too_many_operations() -> FhirError:
    """The refusal of a patch with more than `MAX_OPERATIONS` operations."""
    return failure("patch-invalid", f"A patch has at most {MAX_OPERATIONS} operations.")
