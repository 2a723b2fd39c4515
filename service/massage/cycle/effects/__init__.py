"""The effects by the names that the tables use: each writes to the draft what follows from a step."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from service.massage.cycle.effects import on_care, on_task

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from service.massage.cycle.situation import Situation

EFFECTS: Final[Mapping[str, Callable[[Situation], None]]] = MappingProxyType(
    {name: effect for module in (on_task, on_care) for name, effect in module.EFFECTS.items()}
)
