"""What a FHIRPath can do wrong: the one exception of this package."""

from __future__ import annotations


class PathError(ValueError):
    """A FHIRPath that cannot be compiled, or that has no meaning for the content it met.

    The message is written for the author of the path; it quotes the path, never the content. `position` is the
    offset in the path where compilation gave up, None for an error of evaluation.
    """

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message if position is None else f"{message} (at character {position + 1} of the path)")
        self.position = position


def more_than_one(what: str = "The path") -> PathError:
    """The error of a collection of several items where FHIRPath evaluates a single one."""
    return PathError(f"{what} finds several items where a single one is expected.")
