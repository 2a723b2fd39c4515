"""How many visits a referral has: ordered, authorised, booked, completed, missed, and what is left of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.massage.cycle import visits

if TYPE_CHECKING:
    from collections.abc import Container

    from service.massage.cycle.values import Policy
    from service.massage.cycle.view import View

_MISSED: Final = frozenset({"noshow"})
_ENDED: Final = frozenset({"revoked", "completed", "entered-in-error"})


class Visits(Struct, frozen=True, kw_only=True):
    """Numbers of visits; None where nobody has said it, or where the caller may not read what it is counted from.

    `remaining` are those not delivered yet of those ordered and authorised, `unbooked` those of them that nobody has
    booked. Neither is ever below 0, and both are 0 once the referral or its Task is at its end.
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


def account(view: View, unread: Container[str] = (), policy: Policy | None = None) -> Visits:
    """The visits of the referral by the policy of its payer; `unread` are the types that the caller may not read."""
    payer, visit, sessions = ("ClaimResponse" not in unread, "Appointment" not in unread, "Procedure" not in unread)
    completed = len(view.delivered()) if sessions else None
    # which bookings are spent follows from sessions and the Encounters between
    booked = len(visits.booked(view)) if visit and sessions and "Encounter" not in unread else None
    most = visits.limit(view, policy) if payer else None
    remaining = None if most is None or completed is None else max(0, most - completed)
    if _is_over(view):
        remaining = 0
    return Visits(
        ordered=visits.ordered(view),
        authorised=visits.authorised(view) if payer else None,
        booked=booked,
        completed=completed,
        no_show=sum(1 for _ in view.with_status("Appointment", _MISSED)) if visit else None,
        remaining=remaining,
        unbooked=None if remaining is None or booked is None else max(0, remaining - booked),
    )
