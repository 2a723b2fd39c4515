"""Reminders of the service to the clinic: after visits in a row to which the patient did not come (S12).

A reminder is `ready`: R4's word where nobody has to accept anything, and no entry of a list of requests. It names the
clinic as its recipient, and no owner, who would take part in the referral for good.
"""

from __future__ import annotations

from typing import Final

from service.massage.cycle.machine import NONE, SAME, Machine, step

REMINDER: Final = Machine(
    kind="Reminder",
    type="Task",
    element="status",
    title="A reminder to the clinic (Task, code=reminder)",
    terminal=("completed", "cancelled"),
    steps=(
        step("M1", NONE, "ready", by="system", instead="The service alone writes reminders."),
        step("M2", "ready", "completed", by="clinic system", instead="The clinic says that it has seen to it."),
        step("M3", "ready", "cancelled", by="system", instead="The clinic says that it has seen to it (completed)."),
        step("M4", "ready", SAME, by="clinic system"),
    ),
)
