"""How many visits a referral leaves: what is ordered, what the payer covers day by day, and what takes it.

What is told of visits (`massage.visits.account`) and what guards refuse are both asked here.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from service.fhir.temporal import EARLIEST, LATEST, Range
from service.massage.cycle import visits
from service.massage.cycle.authorisation import Span, allocate, authorised, spans
from service.massage.cycle.coverage import is_waived
from service.massage.cycle.moment import noon_or_start

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, tzinfo

    from service.fhir.resource import Content
    from service.massage.cycle.values import Policy
    from service.massage.cycle.view import View


class Allowance:
    """The visits of a referral as they are; None for a number that nobody has said. `zone` is that of days."""

    def __init__(self, view: View, policy: Policy | None = None, zone: tzinfo = UTC) -> None:
        self._view = view
        self._zone = zone
        self.ordered = visits.ordered(view)
        self.authorised = authorised(view)
        self.spans = _covered(view, policy, zone)
        self.delivered = view.delivered()
        self.held = visits.held(view)

    @property
    def covered(self) -> int | None:
        """The visits that a payer covers: those authorised, or where it has to be asked and was not, its first."""
        return None if self.spans is None else sum(each.visits for each in self.spans)

    def remaining(self, now: datetime) -> int | None:
        """How many visits there may still be from now on, whether they are booked or not."""
        return self._left(self.delivered, now)

    def unbooked(self, now: datetime) -> int | None:
        """How many of these nobody has booked."""
        return self._left([*self.delivered, *self.held], now)

    def most(self, now: datetime) -> int | None:
        """How many visits there may be altogether: those delivered and those that remain."""
        remaining = self.remaining(now)
        return None if remaining is None else len(self.delivered) + remaining

    def is_exhausted(self, now: datetime) -> bool:
        """Whether nothing is left of what the payer covers: used, or lapsed."""
        return self._covered_still(self.delivered, now) == 0

    def placed(self, taking: Iterable[Content]) -> int:
        """How many of these visits the payer covers at most; all of them where nothing limits it."""
        moments = [self.moment(each) for each in taking]
        return len(moments) if self.spans is None else allocate(moments, self.spans).placed

    def moment(self, visit: Content) -> datetime | None:
        """When a visit counts as having begun; None where nobody says the day."""
        return noon_or_start(visits.time_of(self._view, visit), self._zone)

    def _left(self, taking: list[Content], now: datetime) -> int | None:
        by_order = None if self.ordered is None else max(0, self.ordered - len(taking))
        known = [count for count in (by_order, self._covered_still(taking, now)) if count is not None]
        return min(known, default=None)

    def _covered_still(self, taking: list[Content], now: datetime) -> int | None:
        """What these visits leave of the payer's answers that have not lapsed yet."""
        if self.spans is None:
            return None
        left = allocate([self.moment(each) for each in taking], self.spans).left
        return sum(count for count, each in zip(left, self.spans, strict=True) if each.lasts.high > now)


def is_beyond_first_visits(view: View, policy: Policy) -> bool:
    """Whether there are more visits than a payer usually pays unasked, and it has answered nothing."""
    if not visits.is_insured(view) or authorised(view) is not None or is_waived(view.referral):
        return False
    return len(view.delivered()) + len(visits.held(view)) > policy.visits_without_authorisation


def _covered(view: View, policy: Policy | None, zone: tzinfo) -> list[Span] | None:
    """What the payer covers, or where it has to be asked and was not, its plan's first visits; None: all."""
    found = spans(view, zone)
    if found:
        return found
    is_asked = policy is not None and policy.needs_authorisation and visits.is_insured(view)
    if policy is None or not is_asked or is_waived(view.referral):
        return None
    return [Span(lasts=Range(EARLIEST, LATEST), visits=policy.visits_without_authorisation)]
