"""Guards on how many visits there may be: ordered, covered by a payer that day, and not held by a booking.

A visit that is booked keeps its place until its session is delivered, whoever comes first. So a session without an
Appointment, a walk-in, takes a place that no booking holds; a session at a visit that was booked takes that of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from service.fhir.concept import code_in
from service.massage.cycle.allowance import Allowance
from service.massage.cycle.guards.guard import Guard
from service.massage.cycle.moment import date_in, day_in
from service.massage.cycle.terms import BUSINESS_STATUS
from service.massage.cycle.view import BOOKED, name_of
from service.massage.cycle.visits import appointments_of, held, spent, time_of

if TYPE_CHECKING:
    from service.fhir.resource import Content
    from service.massage.cycle.draft import Draft
    from service.massage.cycle.situation import Situation

_UNAUTHORISED: Final = frozenset({"awaiting-authorization", "visits-exhausted"})
_TIMES: Final = ("start", "encounter", "performedPeriod", "performedDateTime")
_NAMED: Final = 5
"""Bookings that a refusal names."""


class _Lack(Struct, frozen=True, kw_only=True):
    """Why there is no place for a visit: nothing `covers` its day, all is `used`, or the rest is `booked`."""

    kind: Literal["covers", "used", "booked"]
    text: str


def _lack(situation: Situation) -> _Lack | None:
    draft, visit = situation.draft, situation.content
    if not _takes_place(situation):
        return None
    allowance = Allowance(draft, draft.surroundings.policy, draft.surroundings.zone)
    done = [one for one in allowance.delivered if one["id"] != visit["id"]]
    if visit["resourceType"] == "Appointment":
        # a session that is delivered at it in the same unit answers for both
        if name_of(visit) in spent(draft):
            return None
        kept = [one for one in allowance.held if one["id"] != visit["id"]]
    else:
        kept = [] if _has_booked(draft, visit) else _held_before(draft, allowance)
    moment = allowance.moment(visit)
    if moment is not None and allowance.spans and not any(each.holds(moment) for each in allowance.spans):
        day = date_in(moment, draft.surroundings.zone)
        told = f"No authorization of the payer holds on that day ({day}); the referrer adds one to the referral's"
        return _Lack(kind="covers", text=f"{told} insurance.")
    if not _has_room(allowance, done, visit):
        return _Lack(kind="used", text=_counts(allowance, done, visit))
    if _has_room(allowance, [*done, *kept], visit):
        return None
    if visit["resourceType"] == "Appointment":
        return _Lack(kind="used", text=_counts(allowance, done, visit))
    return _Lack(kind="booked", text=_holders(draft, allowance, done, kept, visit))


def _takes_place(situation: Situation) -> bool:
    """Whether a visit is booked or a session delivered now, or at another time than it was said to be."""
    content, before = situation.content, situation.before or {}
    if content["resourceType"] == "Appointment":
        takes, took = situation.target in BOOKED, situation.source in BOOKED
    else:
        takes = situation.target == "completed" and situation.draft.is_session(content)
        took = situation.source == "completed"
    return takes and (not took or any(content.get(one) != before.get(one) for one in _TIMES))


def _has_booked(draft: Draft, session: Content) -> bool:
    """Whether a visit was booked for the session, before the unit and for the time that it still has."""
    before = {name_of(one): one for one in held(draft.stored)}
    kept = ((before.get(name), draft.find(name)) for name in appointments_of(draft, session))
    return any(was is not None and now is not None and was.get("start") == now.get("start") for was, now in kept)


def _held_before(draft: Draft, allowance: Allowance) -> list[Content]:
    """The bookings that were there before the unit; one that comes with a session is refused in its place."""
    before = {name_of(one) for one in held(draft.stored)}
    return [one for one in allowance.held if name_of(one) in before]


def _has_room(allowance: Allowance, taking: list[Content], visit: Content) -> bool:
    """Whether there is a place for a visit beside those that take one."""
    if allowance.ordered is not None and len(taking) >= allowance.ordered:
        return False
    return allowance.placed([*taking, visit]) > allowance.placed(taking)


def _counts(allowance: Allowance, done: list[Content], visit: Content) -> str:
    allowed, wanted = allowance.covered, allowance.ordered
    booked = [one for one in allowance.held if one["id"] != visit["id"]]
    said = "covered without authorization" if allowance.authorised is None else "authorized"
    by_payer = f"{said} {allowed}, " if allowed is not None else ""
    by_order = f"ordered {wanted}, " if wanted is not None else ""
    needed = (
        "a larger order by the referrer"
        if _is_orders(allowance, len(done) + len(booked))
        else "the payer's authorization"
    )
    lapse = len(allowance.spans or ()) > 1 and len({each.lasts for each in allowance.spans or ()}) > 1
    apart = " Visits of one authorization are for its own days." if lapse else ""
    told = f"{by_payer}{by_order}completed {len(done)}, booked {len(booked)}, requested 1"
    return f"{told}; a further visit needs {needed}.{apart}"


def _is_orders(allowance: Allowance, taken: int) -> bool:
    """Whether the order, and not the payer, is what allows no more."""
    if allowance.ordered is None or taken < allowance.ordered:
        return False
    return allowance.covered is None or allowance.covered > allowance.ordered


def _holders(draft: Draft, allowance: Allowance, done: list[Content], kept: list[Content], visit: Content) -> str:
    """Which bookings hold the places, and what would be accepted; those of the session's day come first."""
    zone = draft.surroundings.zone
    day = day_in(time_of(draft, visit), zone)
    alone = [one for one in kept if _has_room(allowance, [*done, *(each for each in kept if each is not one)], visit)]
    # where more is booked than there is place for, no booking alone holds it
    holding = alone or list(kept)
    holding.sort(key=lambda one: (day_in(one.get("start"), zone) != day, str(one.get("start", ""))))
    rest = f" and {len(holding) - _NAMED} more" if len(holding) > _NAMED else ""
    names = ", ".join(map(name_of, holding[:_NAMED]))
    return (
        f"Every visit that is left is booked ({names}{rest}): record the session at the one of its day"
        " (Encounter.appointment, or appointment of $record-session), cancel one, or ask for more visits."
    )


def _of(kind: str, situation: Situation) -> str | None:
    lack = _lack(situation)
    return lack.text if lack is not None and lack.kind == kind else None


def _uncovered_day(situation: Situation) -> str | None:
    return _of("covers", situation)


def _too_many(situation: Situation) -> str | None:
    return _of("used", situation)


def _all_booked(situation: Situation) -> str | None:
    return _of("booked", situation)


def _unauthorised(situation: Situation) -> str | None:
    held_for = code_in((situation.before or {}).get("businessStatus"), BUSINESS_STATUS)
    draft = situation.draft
    if held_for not in _UNAUTHORISED:
        return None
    remaining = Allowance(draft, draft.surroundings.policy, draft.surroundings.zone).remaining(draft.now)
    if remaining is None or remaining > 0:
        return None
    return "No authorised visit is left; the referrer adds the payer's authorization to the referral's insurance."


GUARDS: Final = (
    Guard("within-visits", "guard-visits", "", "it is within the visits ordered and authorised", _too_many),
    Guard("place-unbooked", "visits-booked", "", "no other booking holds its place", _all_booked),
    Guard("authorised-then", "guard-visits", "", "an authorisation holds that day", _uncovered_day),
    Guard("authorisation-present", "guard-visits", "", "an authorised visit is left", _unauthorised),
)
