"""Counting visits: ordered, delivered, booked, held; when they were, and what the last of them was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.temporal import Range
from service.massage.cycle.moment import end_of, start_of
from service.massage.cycle.reports import STANDS
from service.massage.cycle.terms import reference_in, references_in
from service.massage.cycle.view import BOOKED, name_of

if TYPE_CHECKING:
    from datetime import datetime

    from service.fhir.resource import Content
    from service.massage.cycle.view import View

TAKING_PLACE: Final = frozenset({"completed", "in-progress"})
"""The states of a session that keeps patient and therapist from being elsewhere."""

_UNREAD: Final = {"status": "active"}
"""A Coverage that is not read may pay."""
_ENDED_WITHOUT: Final = frozenset({"not-done", "stopped"})
"""The states of a session that was not given, or not to its end: it takes no visit."""
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


def is_insured(view: View) -> bool:
    """Whether the referral names a Coverage that is to pay: any but those that are known to be no longer in force."""
    named = [view.local(one) for one in references_in(view.referral.get("insurance"))]
    known = view.resources.get("Coverage", {})
    return any(
        known.get(one.removeprefix("Coverage/"), _UNREAD).get("status") == "active"
        for one in named
        if one.startswith("Coverage/")
    )


def booked(view: View) -> list[Content]:
    """The Appointments that are still to come: booked or arrived, and their session not yet delivered."""
    used = spent(view)
    return [one for one in view.with_status("Appointment", BOOKED) if name_of(one) not in used]


def held(view: View) -> list[Content]:
    """The Appointments that keep a visit for themselves until a session is delivered at them.

    Those still to come, and those that are fulfilled although nobody has recorded a session at them yet, nor that there
    was none.
    """
    used = spent(view)
    ended = [session for session in view.sessions() if session.get("status") in _ENDED_WITHOUT]
    told = {name for session in ended for name in appointments_of(view, session)}
    done = view.with_status("Appointment", frozenset({"fulfilled"}))
    return booked(view) + [one for one in done if name_of(one) not in used | told]


def appointments_of(view: View, session: Content) -> list[str]:
    """``Appointment/id`` of those that the Encounter of a session names."""
    encounter = view.find(reference_in(session.get("encounter"))) or {}
    return [view.local(reference) for reference in references_in(encounter.get("appointment", ()))]


def spent(view: View) -> set[str]:
    """``Appointment/id`` of those whose session is delivered."""
    return {name for session in view.delivered() for name in appointments_of(view, session)}


def range_of_session(procedure: Content) -> Range | None:
    """From when to when a session lasted; None where it does not say both."""
    period = procedure.get("performedPeriod", {})
    start, end = start_of(period.get("start")), start_of(period.get("end"))
    return Range(start, end) if start is not None and end is not None else None


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


def time_of(view: View, content: Content) -> Any:
    """When an Appointment or a session begins; of a session that does not say it, when its Encounter did."""
    if content["resourceType"] == "Appointment":
        return content.get("start")
    return performed(content) or (view.find(reference_in(content.get("encounter"))) or {}).get("period")


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
