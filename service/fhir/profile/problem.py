"""What keeps a profile from being enforced, and what of it is not: told to its author, never passed over in silence."""

from __future__ import annotations

from msgspec import Struct


class Problem(Struct, frozen=True, kw_only=True):
    """One of them: the id of the element in the StructureDefinition, and a sentence about it."""

    element: str
    text: str

    def __str__(self) -> str:
        return f"{self.element}: {self.text}"


class ProfileError(ValueError):
    """A StructureDefinition that cannot be enforced; `problems` says all that stands in the way."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


class Report:
    """What the compilation of a profile comes across."""

    def __init__(self) -> None:
        self._refusals: dict[Problem, None] = {}
        self._notes: dict[Problem, None] = {}

    def refuse(self, element: str, text: str) -> None:
        """The profile cannot be enforced: without this, what breaks it could pass."""
        self._refusals[Problem(element=element, text=text)] = None

    def note(self, element: str, text: str) -> None:
        """The profile is enforced but for this, which whoever validates by it is told."""
        self._notes[Problem(element=element, text=text)] = None

    @property
    def notes(self) -> tuple[Problem, ...]:
        """What is not enforced."""
        return tuple(self._notes)

    def settle(self) -> None:
        """ProfileError if anything was refused."""
        if self._refusals:
            raise ProfileError(tuple(self._refusals))
