"""Since when a progress report is due: the rule by which the Task says so, looked at for its moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.massage.cycle import visits
from service.massage.cycle.moment import end_of

if TYPE_CHECKING:
    from datetime import datetime

    from service.massage.cycle import Policy
    from service.massage.cycle.view import View


def due_since(view: View, policy: Policy, now: datetime) -> datetime | None:
    """The end of the session that was one too many without a report, or when the time was over; None: not due."""
    task = view.live_task()
    count = visits.since_report(view)
    if task is None or task.get("status") != "in-progress" or not count:
        return None
    ends = sorted(end for each in view.delivered() if (end := end_of(visits.performed(each))) is not None)[-count:]
    found = [ends[policy.report_every_visits - 1]] if len(ends) >= policy.report_every_visits else []
    start = visits.last_report_or_start(view, task)
    if start is not None and ends:
        found.append(max(start + policy.report_every, ends[0]))
    since = min(found, default=None)
    return since if since is not None and since <= now else None
