"""How many sessions, how long, how often, from when until when: as ordered, else as the protocol says."""

from __future__ import annotations

from datetime import date, timedelta
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.outcome import failure
from service.massage.cycle.moment import end_of, start_of
from service.massage.cycle.visits import ordered_by_quantity, ordered_by_timing

if TYPE_CHECKING:
    from service.fhir.resource import Content
    from service.massage.protocol.case import Case
    from service.massage.protocol.rows import Protocol

_DAYS: Final = {"d": 1, "wk": 7, "mo": 30}
_MINUTES: Final = {"min": 1, "h": 60}


class Dosage(Struct, frozen=True, kw_only=True):
    """`visits` of `minutes`, `frequency` of them in each `period` of `unit` (UCUM), from `start` to `end`."""

    visits: int
    minutes: int
    frequency: int
    period: int
    unit: str
    start: date
    end: date
    notes: tuple[str, ...]

    def timing(self) -> Content:
        """The same as a Timing."""
        return {
            "repeat": {
                "boundsPeriod": {"start": self.start.isoformat(), "end": self.end.isoformat()},
                "count": self.visits,
                "duration": self.minutes,
                "durationUnit": "min",
                "frequency": self.frequency,
                "period": self.period,
                "periodUnit": self.unit,
            }
        }


def dosage_of(row: Protocol, case: Case) -> Dosage:
    """The sessions for one order; FhirError guard-visits or guard-referral where there can be none."""
    notes: list[str] = []
    repeat: Any = case.referral.get("occurrenceTiming", {}).get("repeat", {})
    visits = _visits(row, case, notes)
    minutes = _minutes(row, case, repeat, notes)
    frequency, period, unit = 1, row.every_weeks, "wk"
    if _whole(repeat.get("period")) and repeat.get("periodUnit") in _DAYS:
        frequency, period, unit = _whole(repeat.get("frequency")) or 1, int(repeat["period"]), repeat["periodUnit"]
    begins = start_of(repeat.get("boundsPeriod")) or start_of(case.referral.get("occurrencePeriod"))
    start = max(case.today, begins.date()) if begins else case.today
    end = start + timedelta(days=ceil(visits / frequency) * period * _DAYS[unit])
    ends = [
        each for each in (end_of(repeat.get("boundsPeriod")), end_of(case.referral.get("occurrencePeriod"))) if each
    ]
    last = min(ends).date() - timedelta(days=1) if ends else end
    if last < start:
        raise failure("guard-referral", "The order's time is over: a plan would have no day for a session.")
    if last < end:
        end = last
        notes.append("The sessions may not all fit into the time that the order allows.")
    return Dosage(
        visits=visits,
        minutes=minutes,
        frequency=frequency,
        period=period,
        unit=unit,
        start=start,
        end=end,
        notes=tuple(notes),
    )


def _visits(row: Protocol, case: Case, notes: list[str]) -> int:
    by_quantity = ordered_by_quantity(case.referral)
    ordered = ordered_by_timing(case.referral) if by_quantity is None else by_quantity
    wanted = row.visits if ordered is None else ordered
    if ordered is None:
        notes.append(f"The referral orders no number of sessions; {wanted} is the protocol's own.")
    if case.left is None or wanted <= case.left:
        return wanted
    if case.left < 1:
        raise failure("guard-visits", "No visit is left of those that are ordered and authorised.", "http.referral")
    notes.append(f"Planned are the {case.left} sessions that order and authorisation leave.")
    return case.left


def _minutes(row: Protocol, case: Case, repeat: Any, notes: list[str]) -> int:
    unit = repeat.get("durationUnit")
    asked = int(repeat["duration"] * _MINUTES[unit]) if "duration" in repeat and unit in _MINUTES else None
    if asked is None:
        return row.minutes
    if case.policy.shortest_session_minutes <= asked <= case.policy.longest_session_minutes:
        return asked
    low, high = case.policy.shortest_session_minutes, case.policy.longest_session_minutes
    notes.append(f"The length that is ordered is not within {low} to {high} minutes; {row.minutes} is the protocol's.")
    return row.minutes


def _whole(value: Any) -> int:
    """A whole number from 1; 0 for anything else."""
    return int(value) if value is not None and value == int(value) and value >= 1 else 0
