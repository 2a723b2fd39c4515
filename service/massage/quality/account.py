"""The numbers of many referrals. What is None is withheld: it is about too few, or would tell of too few."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.massage.quality.suppression import entangled, withheld

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from service.massage.quality.facts import Facts

_ENDS: Final = {"completed": "completed", "failed": "failed", "rejected": "declined", "cancelled": "cancelled"}
_OPEN: Final = "open"
_VOID: Final = "entered-in-error"
_CLASSES: Final = {
    "improved": "improved",
    "worse": "worse",
    "no-change": "no-change",
    "below-mdc": "no-change",
    "insufficient-data": "insufficient-data",
}
_JUDGED: Final = ("improved", "no-change", "worse")
_UNMEASURED: Final = "not-measured"
_HOUR: Final = 3600


class Cells(Struct, frozen=True, kw_only=True):
    """The parts of a whole by name, and the share of one of them; None: withheld."""

    whole: int
    parts: Mapping[str, int | None]
    share: float | None = None


class Group(Struct, frozen=True, kw_only=True):
    """Referrals that have something in common, and what came of each measure."""

    code: str
    referrals: int
    measures: Mapping[str, Cells]


class Account(Struct, frozen=True, kw_only=True):
    """`referrals` is None where there are too few of them for anything to be told.

    `waited_hours` is a median; `hidden` are numbers of groups that are withheld.
    """

    referrals: int | None
    loop: Cells | None = None
    waited_hours: float | None = None
    visits: Cells | None = None
    conditions: tuple[Group, ...] = ()
    techniques: tuple[Group, ...] = ()
    hidden_conditions: int = 0
    hidden_techniques: int = 0


def account(facts: Iterable[Facts], least: int) -> Account:
    """The account of referrals; groups of fewer than `least` of them are not told."""
    counted = [each for each in facts if each.status != _VOID]
    if len(counted) < least:
        return Account(referrals=None)
    by_condition = _grouped((each.condition,) for each in counted)
    by_technique = _grouped(each.techniques for each in counted)
    hidden_conditions = withheld({code: len(each) for code, each in by_condition.items()}, least)
    shown = [each for code, each in by_condition.items() if code not in hidden_conditions]
    hidden_techniques = withheld({code: len(each) for code, each in by_technique.items()}, least)
    left = {code: each for code, each in by_technique.items() if code not in hidden_techniques}
    hidden_techniques |= entangled(left, shown, least)
    waits = [each.waited.total_seconds() / _HOUR for each in counted if each.waited is not None]
    return Account(
        referrals=len(counted),
        loop=_loop(counted, least),
        waited_hours=round(median(waits), 1) if len(waits) >= least else None,
        visits=_visits(counted, least),
        conditions=_groups(counted, by_condition, hidden_conditions, least),
        techniques=_groups(counted, by_technique, hidden_techniques, least),
        hidden_conditions=len(hidden_conditions),
        hidden_techniques=len(hidden_techniques),
    )


def _grouped(named: Iterable[Collection[str]]) -> dict[str, frozenset[int]]:
    """Name → the places of those that are named so."""
    found: dict[str, set[int]] = {}
    for place, names in enumerate(named):
        for name in names:
            found.setdefault(name, set()).add(place)
    return {name: frozenset(places) for name, places in found.items()}


def _loop(counted: Sequence[Facts], least: int) -> Cells:
    """How the referrals ended; the share is that of the completed of all that ended."""
    parts = dict.fromkeys((*_ENDS.values(), _OPEN), 0)
    for each in counted:
        parts[_ENDS.get(each.status, _OPEN)] += 1
    return _cells(parts, least, "completed", tuple(_ENDS.values()))


def _visits(counted: Sequence[Facts], least: int) -> Cells | None:
    """Visits that were kept and missed, and the share of the missed; None where too few patients had any."""
    having = [each for each in counted if each.kept or each.missed]
    if len(having) < least or 0 < sum(1 for each in having if each.missed) < least:
        return None
    parts = {"kept": sum(each.kept for each in having), "missed": sum(each.missed for each in having)}
    return _cells(parts, least, "missed", ("kept", "missed"))


def _groups(
    counted: Sequence[Facts], groups: Mapping[str, frozenset[int]], hidden: Collection[str], least: int
) -> tuple[Group, ...]:
    return tuple(
        Group(code=code, referrals=len(places), measures=_measures([counted[each] for each in sorted(places)], least))
        for code, places in sorted(groups.items())
        if code not in hidden
    )


def _measures(members: Sequence[Facts], least: int) -> dict[str, Cells]:
    """By measure how many got better; the share is that of the better of those of whom a change is known."""
    found: dict[str, Cells] = {}
    for code in sorted({code for each in members for code in each.classes}):
        parts = dict.fromkeys((*_JUDGED, "insufficient-data", _UNMEASURED), 0)
        for each in members:
            progress = each.classes.get(code)
            parts[_CLASSES[progress] if progress else _UNMEASURED] += 1
        cells = _cells(parts, least, "improved", _JUDGED)
        if any(count is not None for count in cells.parts.values()):
            found[code] = cells
    return found


def _cells(parts: Mapping[str, int], least: int, part: str, of: tuple[str, ...]) -> Cells:
    """The parts with what is withheld of them, and the share of one of them `of` some, where it gives nothing away."""
    hidden = withheld(parts, least)
    whole = sum(parts[each] for each in of)
    # the share tells no more than the numbers beside it: they tell its part, and all of what it is a share of
    is_known = part not in hidden and (not hidden & set(of) or not hidden - set(of))
    return Cells(
        whole=sum(parts.values()),
        parts={name: None if name in hidden else count for name, count in parts.items()},
        share=round(parts[part] / whole, 3) if is_known and whole >= least else None,
    )
