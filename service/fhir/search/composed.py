"""Where the values of composites stand together: the elements whose ordinals their components' rows share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from service.fhir.search.expression import Path
    from service.fhir.search.parameter import SearchParameter


class Composed:
    """The elements of one resource type within which values stand together, the resource itself left out."""

    def __init__(self) -> None:
        self.elements: dict[Path, None] = {}
        self._composites: list[tuple[Sequence[SearchParameter], Sequence[Path]]] = []

    def add(self, components: Sequence[SearchParameter], elements: Sequence[Path]) -> str:
        """Let the components of a composite stand together in the elements; why that cannot be, or nothing."""
        together = {**self.elements, **{path: None for path in elements if path.steps}}
        if not all(_stand_in_one_element(each, elements, together) for each in components):
            return "its components do not stand together in one element"
        if not all(_stand_in_one_element(each, of, together) for others, of in self._composites for each in others):
            return "it takes values of other composites apart"
        self.elements = together
        self._composites.append((components, elements))
        return ""


def _stand_in_one_element(component: SearchParameter, elements: Sequence[Path], composed: Iterable[Path]) -> bool:
    """Whether all rows of a component have the ordinal of the composite's element, and of no other."""
    wanted = {path.steps for path in elements}
    for source in component.sources:
        for path in source.paths:
            held = {each.steps for each in composed if path.steps[: len(each.steps)] == each.steps} or {()}
            if len(held) > 1 or not held <= wanted:
                return False
    return True
