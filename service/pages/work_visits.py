"""Whether a referral's visits need somebody, by its Appointments and the count of its Task, not by what was last said.

A business status tells one thing at a time: where a report falls due, it does not tell of the visit that was missed.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from service.fhir.concept import code_in
from service.massage.cycle import visits
from service.massage.cycle.moment import start_of
from service.massage.cycle.terms import TASK_CODE, TASK_IO, reference_in, references_in
from service.massage.cycle.view import BOOKED, View

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from service.fhir.interaction import Parameters
    from service.fhir.resource import Content

UNBOOKED: Final = "unbooked"
MISSED: Final = "missed"

_MOST: Final = "1000"
_REFERRAL: Final = re.compile(r"ServiceRequest/[A-Za-z0-9.-]{1,64}")
_NOT_TAKEN_PLACE: Final = frozenset({"noshow", "cancelled"})
_STATUSES: Final = "arrived,booked,cancelled,fulfilled,noshow"
_AT_WORK: Final = frozenset({"accepted", "in-progress"})
_STOPPED: Final = frozenset(
    {"safety-hold", "cancellation-requested", "awaiting-information", "awaiting-authorization", "visits-exhausted"}
)
"""Business statuses of work for which no visit is to be booked."""
_COMPLETED: Final = "visit-completed"
_PROGRESS: Final = "sessions-progress"
_GRACE: Final = timedelta(hours=12)
"""How long after its beginning a booked visit still counts as one to come."""


def appointment_criteria(tasks: Iterable[Content], base: str) -> Parameters | None:
    """The search for the visits of the referrals of these Tasks, the latest first; None where there is none."""
    view = View("", {}, base)
    named = {view.local(reference_in(each.get("focus"))) for each in tasks if _coordinates(each)}
    referrals = sorted(each for each in named if _REFERRAL.fullmatch(each))
    if not referrals:
        return None
    return (("based-on", ",".join(referrals)), ("status", _STATUSES), ("_sort", "-date"), ("_count", _MOST))


class VisitFacts:
    """The visits of several referrals, as of `now`."""

    def __init__(self, appointments: Iterable[Content], base: str, now: datetime) -> None:
        self._now = now
        self._view = View("", {}, base)
        self._by_referral: dict[str, list[Content]] = {}
        for each in appointments:
            for reference in references_in(each.get("basedOn")):
                self._by_referral.setdefault(self._view.local(reference), []).append(each)

    def groups(self, task: Content, referral: Content | None, business: str) -> list[str]:
        """In which of the two groups of visits a Task is."""
        if task.get("status") not in _AT_WORK or business in _STOPPED or not _coordinates(task):
            return []
        listed = self._by_referral.get(self._view.local(reference_in(task.get("focus"))), [])
        if any(self._is_to_come(each) for each in listed):
            return []
        found = [MISSED] if business != _COMPLETED and _last_was_missed(listed) else []
        return found if _left(task, referral) == 0 else [*found, UNBOOKED]

    def _is_to_come(self, appointment: Content) -> bool:
        start = start_of(appointment.get("start"))
        return appointment.get("status") in BOOKED and (start is None or start + _GRACE > self._now)


def _last_was_missed(appointments: list[Content]) -> bool:
    dated = [
        (start, each.get("status") in _NOT_TAKEN_PLACE)
        for each in appointments
        if (start := start_of(each.get("start"))) is not None
    ]
    return bool(dated) and max(dated)[1]


def _left(task: Content, referral: Content | None) -> int | None:
    """The visits that there may still be: by the count that the rules keep in the Task, else by the order."""
    said = (each for each in task.get("output", ()) if code_in(each.get("type"), TASK_IO) == _PROGRESS)
    progress: dict[str, Any] = next(said, {})
    ratio = progress.get("valueRatio", {})
    done, most = (ratio.get(end, {}).get("value") for end in ("numerator", "denominator"))
    if done is not None and most is not None:
        return max(0, int(most - done))
    if progress or referral is None:
        return None
    by_quantity = visits.ordered_by_quantity(referral)
    return visits.ordered_by_timing(referral) if by_quantity is None else by_quantity


def _coordinates(task: Content) -> bool:
    """Whether a Task is that of a referral, and asks for no change of it."""
    return code_in(task.get("code"), TASK_CODE) in (None, "fulfill")
