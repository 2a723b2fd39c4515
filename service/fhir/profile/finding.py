"""What a resource breaks of a profile, and the rules that find it.

A check is given a value that R4 has found in order, its `_` twin (None for most), and the frame that it stands in.
Like the rules of R4 (`element_rules`), it gives nothing when all is well, so that a valid resource costs little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from service.fhir.element_rules import Frame
    from service.fhir.outcome import Severity


class Finding(Struct, frozen=True, kw_only=True):
    """A sentence, FHIR's type of issue, and the members and indices that lead there from what was checked."""

    text: str
    kind: str
    at: tuple[str | int, ...] = ()
    severity: Severity = "error"


class Item(Struct, frozen=True):
    """One occurrence of an element: its value, its twin, where it is in the object that holds it, its property."""

    value: Any
    twin: Any
    at: tuple[str | int, ...]
    key: str


Findings = Sequence[Finding]
Check = Callable[[Any, Any, "Frame"], "Findings | None"]
"""(value, twin, frame)"""
Member = Callable[[Any, "Frame"], "Findings | None"]
"""(the JSON object that holds the element, frame)"""

NONE: Final[tuple[Item, ...]] = ()


def below(findings: Iterable[Finding], at: tuple[str | int, ...]) -> list[Finding]:
    """The findings as seen from the object in which `at` leads to what was checked."""
    return [replace(each, at=(*at, *each.at)) for each in findings]


def all_of(checks: Sequence[Check]) -> Check | None:
    """The checks as one; None for none."""
    if len(checks) < 2:
        return checks[0] if checks else None

    def check(value: Any, twin: Any, frame: Frame) -> Findings | None:
        found: list[Finding] | None = None
        for each in checks:
            if some := each(value, twin, frame):
                found = [*(found or ()), *some]
        return found

    return check
