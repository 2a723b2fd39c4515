"""The elements of a profile as a tree: what R4 says of each, and how the profile narrows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from service.fhir.profile.statement import UNBOUNDED

if TYPE_CHECKING:
    from service.fhir.definitions import Element
    from service.fhir.profile.statement import StatedBinding, StatedConstraint, StatedSlicing, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A type that an element may still have.

    `targets` are the resource types that a reference may point at, empty for any; `profiles` are canonicals, of which
    the value must meet one.
    """

    code: str
    targets: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    aggregation: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True, eq=False)
class Node:
    """One element, or one slice of an element, while a profile is put together.

    `element` is R4's own definition, None for the root; `min` and `max` are those of now, `max` of a slice at most that
    of the element. `slices` are in the order in which they were defined.
    """

    id: str
    owner: str
    element: Element | None
    kinds: tuple[Kind, ...]
    min: int
    max: int
    slice_of: Node | None = None
    fixed: list[Value] = field(default_factory=list)
    patterns: list[Value] = field(default_factory=list)
    least: list[Value] = field(default_factory=list)
    most: list[Value] = field(default_factory=list)
    max_length: int | None = None
    bindings: list[StatedBinding] = field(default_factory=list)
    constraints: dict[str, StatedConstraint] = field(default_factory=dict)
    children: dict[str, Node] = field(default_factory=dict)
    slicing: StatedSlicing | None = None
    slices: dict[str, Node] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The element's name as in an error message: its id without the type at the beginning."""
        return self.id.partition(".")[2] or self.id

    @property
    def choice(self) -> bool:
        """Whether R4 gives the element a choice of types."""
        return self.element is not None and self.element.choice

    @property
    def repeats(self) -> bool:
        """Whether JSON holds the element as an array."""
        return self.element is not None and self.element.repeats

    @property
    def keys(self) -> tuple[str, ...]:
        """The JSON properties that R4 has for the element, whatever of them the profile allows."""
        return () if self.element is None else tuple(name for name, _ in self.element.json_names())

    def key_of(self, kind: Kind) -> str:
        """The JSON property that holds the element when it has this type."""
        if self.element is None:
            return ""
        return self.element.name + kind.code[0].upper() + kind.code[1:] if self.choice else self.element.name


def maximum(element: Element) -> int:
    """R4's own upper limit."""
    return UNBOUNDED if element.max is None else element.max
