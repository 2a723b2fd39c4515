"""Numbers that are too small to be told, and others that would give them away.

The parts of a whole are counted, and the whole is told: whoever has all parts but one has that one, too. So as many of
the next smaller parts are withheld until what is withheld together is neither one part alone nor a small number.

Groups that overlap tell of each other, too: what is known of nine of ten is known of the tenth where the ten are told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

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


def entangled(groups: Mapping[_Key, frozenset[int]], told: Collection[frozenset[int]], least: int) -> frozenset[_Key]:
    """The keys of groups that differ by a few from what is told beside them.

    That is any union of the groups of `told`, which have no member in common, or another of the groups, the larger
    ones first.
    """
    hidden: set[_Key] = set()
    kept: list[frozenset[int]] = []
    for key, group in sorted(groups.items(), key=lambda each: (-len(each[1]), str(each[0]))):
        others = (len(group ^ each) for each in kept)
        if any(0 < difference < least for difference in (_from_unions(group, told), *others)):
            hidden.add(key)
        else:
            kept.append(group)
    return frozenset(hidden)


def _from_unions(group: frozenset[int], told: Iterable[frozenset[int]]) -> int:
    """By how many members a group differs from the nearest union: each part is in it that is mostly in the group."""
    rest, difference = set(group), 0
    for each in told:
        shared = len(each & group)
        difference += min(shared, len(each) - shared)
        rest -= each
    return difference + len(rest)
