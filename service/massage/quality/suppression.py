"""Numbers that are too small to be told, and others that would give them away.

The parts of a whole are counted, and the whole is told: whoever has all parts but one has that one, too. So as many of
the next smaller parts are withheld until what is withheld together is neither one part alone nor a small number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

_Key = TypeVar("_Key")

_ALONE = 1


def withheld(parts: Mapping[_Key, int], least: int) -> frozenset[_Key]:
    """The keys of the parts that are not told; a part of 0 is told unless it is needed to hide another."""
    hidden = {key for key, count in parts.items() if 0 < count < least}
    if not hidden:
        return frozenset()
    others = sorted((key for key in parts if key not in hidden), key=lambda key: (parts[key], str(key)))
    while others and (len(hidden) <= _ALONE or sum(parts[key] for key in hidden) < least):
        hidden.add(others.pop(0))
    return frozenset(hidden)
