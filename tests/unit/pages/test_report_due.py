"""Since when a progress report is due."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from service.massage.cycle import Policy
from service.massage.cycle.view import View
from service.pages.report_due import due_since

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def view(days: list[int], status: str = "in-progress", *reports: dict[str, Any]) -> View:
    """A referral that was begun on the first of January, with a session on each of these days of it."""
    task = {
        "resourceType": "Task",
        "id": "t",
        "status": status,
        "focus": {"reference": "ServiceRequest/r"},
        "executionPeriod": {"start": "2026-01-01T08:00:00Z"},
    }
    sessions = {
        str(day): {
            "resourceType": "Procedure",
            "id": str(day),
            "status": "completed",
            "performedPeriod": {"start": f"2026-01-{day:02}T08:00:00Z", "end": f"2026-01-{day:02}T09:00:00Z"},
        }
        for day in days
    }
    reported = {str(place): each for place, each in enumerate(reports)}
    resources = {"Task": {"t": task}, "Procedure": sessions, "DiagnosticReport": reported}
    return View("r", resources, "")


def test_it_is_due_since_the_session_that_completes_the_number() -> None:
    policy = Policy()
    days = list(range(2, 2 + policy.report_every_visits + 1))
    last = days[policy.report_every_visits - 1]
    found = due_since(view(days), policy, NOW)
    assert found is not None
    assert found.isoformat()[:13] == f"2026-01-{last:02}T09"


def test_it_is_due_since_the_time_is_over() -> None:
    policy = Policy()
    assert due_since(view([2]), policy, NOW) == datetime(2026, 1, 1, 8, tzinfo=UTC) + policy.report_every


def test_it_is_not_due_after_a_report_without_a_session_or_when_the_work_is_over() -> None:
    report = {"resourceType": "DiagnosticReport", "id": "0", "status": "final", "issued": "2026-01-30T08:00:00Z"}
    assert due_since(view([2], "in-progress", report), Policy(), NOW) is None
    assert due_since(view([]), Policy(), NOW) is None
    assert due_since(view([2], "completed"), Policy(), NOW) is None
