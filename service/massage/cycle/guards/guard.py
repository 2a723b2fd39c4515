"""What a guard is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.massage.cycle.situation import Situation


class Guard(Struct, frozen=True):
    """A condition on a step: `broken` says why it does not hold, None when it does.

    `code` is the error code of its refusal; `element` what the refusal points at, empty for the state itself.
    """

    name: str
    code: str
    element: str
    meaning: str
    broken: Callable[[Situation], str | None]
