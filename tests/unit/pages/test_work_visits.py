"""Which referrals of a work list need a visit, by their Appointments and by what is left to deliver."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from service.fhir.concept import coded
from service.massage.cycle.terms import TASK_IO
from service.pages.work_visits import MISSED, UNBOOKED, VisitFacts, appointment_criteria

BASE = "https://fhir.example.org/fhir"
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
REFERRAL: dict[str, Any] = {"resourceType": "ServiceRequest", "id": "r", "quantityQuantity": {"value": 6}}


def task(done: int | None = None, **elements: Any) -> dict[str, Any]:
    """The Task of the referral, with so many of six sessions delivered."""
    ratio = {"numerator": {"value": done}, "denominator": {"value": 6}}
    output = [{"type": coded(TASK_IO, "sessions-progress"), "valueRatio": ratio}] if done is not None else []
    focus = {"reference": "ServiceRequest/r"}
    return {"resourceType": "Task", "status": "in-progress", "focus": focus, "output": output} | elements


def visit(status: str, day: int, referral: str = f"{BASE}/ServiceRequest/r") -> dict[str, Any]:
    return {"status": status, "start": f"2026-03-{day:02}T09:00:00Z", "basedOn": [{"reference": referral}]}


def groups(
    *visits: dict[str, Any], of: dict[str, Any] | None = None, business: str = "progress-report-due"
) -> set[str]:
    return set(VisitFacts(visits, BASE, NOW).groups(of or task(), REFERRAL, business))


@pytest.mark.parametrize("status", ["noshow", "cancelled"])
def test_a_visit_that_did_not_take_place_is_missed_while_nothing_is_booked(status: str) -> None:
    assert groups(visit("fulfilled", 1), visit(status, 8)) == {MISSED, UNBOOKED}
    assert groups(visit(status, 8), visit("booked", 12)) == set()
    assert groups(visit(status, 3), visit("fulfilled", 8)) == {UNBOOKED}


def test_visits_that_are_left_are_to_be_booked() -> None:
    assert groups() == {UNBOOKED}
    assert groups(of=task(5)) == {UNBOOKED}
    assert groups(of=task(6)) == set()


def test_a_booked_visit_whose_day_is_over_is_none_to_come() -> None:
    assert groups(visit("booked", 10)) == set()
    assert groups(visit("booked", 8)) == {UNBOOKED}


def test_a_visit_of_another_referral_does_not_count() -> None:
    assert groups(visit("booked", 12, "ServiceRequest/other")) == {UNBOOKED}


@pytest.mark.parametrize("business", ["safety-hold", "cancellation-requested", "visits-exhausted"])
def test_nothing_is_to_be_booked_for_work_that_is_stopped(business: str) -> None:
    assert groups(visit("noshow", 8), business=business) == set()


@pytest.mark.parametrize("status", ["requested", "received", "on-hold"])
def test_nothing_is_to_be_booked_for_what_is_not_under_way(status: str) -> None:
    assert groups(of=task(status=status)) == set()


def test_the_visits_are_searched_by_the_referrals_of_the_tasks() -> None:
    """One whose reference is none of ours, or could be read as several, is left out."""
    tasks = [task(focus={"reference": each}) for each in (f"{BASE}/ServiceRequest/b", "ServiceRequest/a", "x,y", "")]
    criteria = dict(appointment_criteria(tasks, BASE) or ())
    assert criteria["based-on"] == "ServiceRequest/a,ServiceRequest/b"
    assert appointment_criteria([], BASE) is None
