"""How many visits a referral has: ordered, authorised, booked, completed, missed, and what is left of them."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.fhir.temporal import EARLIEST
from service.massage.cycle import visits
from service.massage.cycle.allowance import Allowance

if TYPE_CHECKING:
    from collections.abc import Container
    from datetime import datetime, tzinfo

    from service.massage.cycle.values import Policy
    from service.massage.cycle.view import View

_MISSED: Final = frozenset({"noshow"})
_ENDED: Final = frozenset({"revoked", "completed", "entered-in-error"})


class Visits(Struct, frozen=True, kw_only=True):
    """Numbers of visits; None where nobody has said it, or where the caller may not read what it is counted from.

    `remaining` are those not delivered yet of those ordered and of those authorised on days to come, `unbooked` those
    of them that no Appointment holds. Neither is ever below 0, and both are 0 once the referral or its Task is at its
    end.
    """

    ordered: int | None
    authorised: int | None
    booked: int | None
    completed: int | None
    no_show: int | None
    remaining: int | None
    unbooked: int | None


def _is_over(view: View) -> bool:
    """Whether no visit can take place any more, as far as its Tasks are read."""
    return view.referral.get("status") in _ENDED or (bool(view.tasks()) and view.live_task() is None)


def account(
    view: View,
    unread: Container[str] = (),
    policy: Policy | None = None,
    *,
    now: datetime = EARLIEST,
    zone: tzinfo = UTC,
) -> Visits:
    """The visits of the referral by the policy of its payer; `unread` are the types that the caller may not read.

    What lapsed before `now` is not left; `zone` is that of days.
    """
    payer, visit, sessions = ("ClaimResponse" not in unread, "Appointment" not in unread, "Procedure" not in unread)
    allowance = Allowance(view, policy, zone)
    # which bookings are spent follows from sessions and the Encounters between
    bookings = visit and sessions and "Encounter" not in unread
    remaining = allowance.remaining(now) if payer and sessions else None
    unbooked = allowance.unbooked(now) if remaining is not None and bookings else None
    if _is_over(view):
        remaining, unbooked = 0, 0 if bookings else None
    return Visits(
        ordered=allowance.ordered,
        authorised=allowance.authorised if payer else None,
        booked=len(visits.booked(view)) if bookings else None,
        completed=len(allowance.delivered) if sessions else None,
        no_show=sum(1 for _ in view.with_status("Appointment", _MISSED)) if visit else None,
        remaining=remaining,
        unbooked=unbooked,
    )
