"""Counting visits: ordered, authorised, delivered, booked; and what the last of them was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.temporal import Range
from service.massage.cycle.coverage import asserted
from service.massage.cycle.moment import end_of, start_of
from service.massage.cycle.reports import STANDS
from service.massage.cycle.terms import reference_in, references_in
from service.massage.cycle.view import BOOKED, name_of

if TYPE_CHECKING:
    from datetime import datetime

    from service.fhir.resource import Content
    from service.massage.cycle.values import Policy
    from service.massage.cycle.view import View

TAKING_PLACE: Final = frozenset({"completed", "in-progress"})
"""The states of a session that keeps patient and therapist from being elsewhere."""

_UNREAD: Final = {"status": "active"}
"""A Coverage that is not read may pay."""
_MISSED: Final = {"noshow": "visit-no-show", "cancelled": "visit-cancelled", "fulfilled": ""}


def ordered_by_quantity(referral: Content) -> int | None:
    """The number of sessions that `quantityQuantity` orders."""
    return _whole(referral.get("quantityQuantity", {}).get("value"))


def ordered_by_timing(referral: Content) -> int | None:
    """The number of sessions that `occurrenceTiming.repeat.count` orders."""
    return _whole(referral.get("occurrenceTiming", {}).get("repeat", {}).get("count"))


def ordered(view: View) -> int | None:
    """The number of sessions ordered; None where the referral does not say."""
    by_quantity = ordered_by_quantity(view.referral)
    return ordered_by_timing(view.referral) if by_quantity is None else by_quantity


def authorised(view: View) -> int | None:
    """The number of visits that the payers' answers to the referral allow together; None: they say none.

    Of a ClaimResponse on the referral's `insurance` its added items count (a payer that allows less adds an item with
    what it allows, PAS); of coverage information the allowed quantity (CRD), unless it is of the same authorisation.
    """
    allowed = [one.visits for one in authorisations(view)]
    return sum(allowed) if allowed else None


class Authorisation(Struct, frozen=True, kw_only=True):
    """Visits that a payer allows: `number` and the days from when to when it holds, empty where these are not said.

    `reference` is the ClaimResponse, empty for coverage information on the referral.
    """

    visits: int
    number: str = ""
    start: str = ""
    end: str = ""
    reference: str = ""

    def holds(self, moment: datetime) -> bool:
        """Whether it covers a visit that begins then; a day that is not said is no bound."""
        first, after = start_of(self.start), end_of(self.end)
        return (first is None or first <= moment) and (after is None or moment < after)


def authorisations(view: View) -> list[Authorisation]:
    """Each answer of a payer that says how many visits it allows."""
    found = []
    for reference in references_in(view.referral.get("insurance")):
        answer = view.find(reference)
        if answer is None or answer["resourceType"] != "ClaimResponse" or answer.get("status") != "active":
            continue
        counts = [_whole(item.get("quantity", {}).get("value")) for item in answer.get("addItem", ())]
        allowed = [count for count in counts if count is not None]
        period = answer.get("preAuthPeriod", {})
        if allowed:
            found.append(
                Authorisation(
                    visits=sum(allowed),
                    number=answer.get("preAuthRef", ""),
                    start=period.get("start", ""),
                    end=period.get("end", ""),
                    reference=name_of(answer),
                )
            )
    known = {one.number for one in found if one.number}
    told = (one for one in asserted(view.referral) if one.number is None or one.number not in known)
    return found + [Authorisation(visits=one.visits, number=one.number or "", end=one.until or "") for one in told]


def is_insured(view: View) -> bool:
    """Whether the referral names a Coverage that is to pay: any but those that are known to be no longer in force."""
    named = [view.local(one) for one in references_in(view.referral.get("insurance"))]
    known = view.resources.get("Coverage", {})
    return any(
        known.get(one.removeprefix("Coverage/"), _UNREAD).get("status") == "active"
        for one in named
        if one.startswith("Coverage/")
    )


def covered(view: View, policy: Policy | None = None) -> int | None:
    """The visits that a payer covers: those authorised, or where it has to be asked and was not, its plan's first."""
    allowed = authorised(view)
    if allowed is None and policy is not None and policy.needs_authorisation and is_insured(view):
        return policy.visits_without_authorisation
    return allowed


def limit(view: View, policy: Policy | None = None) -> int | None:
    """How many visits there may be: the fewer of those ordered and those covered; None where neither is said."""
    known = [count for count in (ordered(view), covered(view, policy)) if count is not None]
    return min(known) if known else None


def remaining(view: View, policy: Policy | None = None) -> int | None:
    """How many visits there may still be; None where their number is not said."""
    most = limit(view, policy)
    return None if most is None else max(0, most - len(view.delivered()))


def booked(view: View) -> list[Content]:
    """The Appointments that are still to come: booked or arrived, and their session not yet delivered."""
    used = spent(view)
    return [one for one in view.with_status("Appointment", BOOKED) if name_of(one) not in used]


def spent(view: View) -> set[str]:
    """``Appointment/id`` of those whose session is delivered."""
    encounters = [view.find(reference_in(session.get("encounter"))) for session in view.delivered()]
    return {
        view.local(reference) for one in encounters if one for reference in references_in(one.get("appointment", ()))
    }


def range_of_session(procedure: Content) -> Range | None:
    """From when to when a session lasted; None where it does not say both."""
    period = procedure.get("performedPeriod", {})
    start, end = start_of(period.get("start")), start_of(period.get("end"))
    return Range(start, end) if start is not None and end is not None else None


def is_exhausted(view: View, policy: Policy | None = None) -> bool:
    """Whether every visit that the payer covers is used."""
    allowed = covered(view, policy)
    return allowed is not None and len(view.delivered()) >= allowed


def all_delivered(view: View) -> bool:
    """Whether every session that was ordered is delivered."""
    wanted = ordered(view)
    return wanted is not None and len(view.delivered()) >= wanted


def since_report(view: View) -> int:
    """The sessions delivered after the last final report; sessions without a time count."""
    reports = [moment for one in view.of("DiagnosticReport") if (moment := _reported_at(one)) is not None]
    last = max(reports, default=None)
    ends = [end_of(performed(session)) for session in view.delivered()]
    return sum(1 for end in ends if last is None or end is None or end > last)


def last_report_or_start(view: View, task: Content) -> datetime | None:
    """The instant from which the time to the next progress report runs."""
    reports = [moment for one in view.of("DiagnosticReport") if (moment := _reported_at(one)) is not None]
    return max(reports, default=None) or start_of(task.get("executionPeriod"))


def performed(procedure: Content) -> Any:
    """When a Procedure was performed: a Period or a dateTime."""
    return procedure.get("performedPeriod") or procedure.get("performedDateTime")


def last_visit(view: View) -> str:
    """The business status that the latest visit leaves behind: completed, no-show or cancelled; empty for none."""
    events = [
        (start_of(one.get("start")), _MISSED[status])
        for one in view.of("Appointment")
        if (status := one.get("status")) in _MISSED and _MISSED[status]
    ]
    events += [(start_of(performed(session)), "visit-completed") for session in view.delivered()]
    dated = [(moment, status) for moment, status in events if moment is not None]
    if dated:
        return max(dated)[1]
    return events[-1][1] if events else ""


def _reported_at(report: Content) -> datetime | None:
    return end_of(report.get("issued")) if report.get("status") in STANDS else None


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)
