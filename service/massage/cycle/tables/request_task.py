"""Tasks that ask something of the other side: abort (cancellation) and change, in either direction.

The rows follow the CancellationRequestTask of Clinical Order Workflows (COW). Whom the Task asks (`owner`) answers it;
without an owner that is the other side.
"""

from __future__ import annotations

from typing import Final

from service.massage.cycle.machine import NONE, SAME, Machine, step

REQUEST_TASK: Final = Machine(
    kind="RequestTask",
    type="Task",
    element="status",
    title="A request to abort or change (Task, code=abort or change)",
    terminal=("completed", "rejected", "cancelled"),
    steps=(
        step(
            "A1",
            NONE,
            "requested",
            by="referrer clinic patient system",
            guards="asks-about-live-work asks-in-own-name reason-text-given",
            instead="The referrer, the clinic or the patient asks.",
        ),
        step("A2", "requested", "received", by="addressee", instead="Whom the Task asks receives it."),
        step("A3", "requested received", "accepted", by="addressee", instead="Whom the Task asks answers it."),
        step(
            "A4",
            "requested received accepted",
            "completed",
            by="addressee system",
            guards="referral-withdrawn-if-asked",
            effects="grant-abort",
            instead="Whom the Task asks answers it.",
        ),
        step(
            "A5",
            "requested received accepted",
            "rejected",
            by="addressee system",
            guards="reason-text-given",
            instead="Whom the Task asks answers it; the author may withdraw it (cancelled).",
        ),
        step(
            "A6",
            "requested received",
            "cancelled",
            by="author system",
            instead="The author withdraws the request; whom it asks may reject it.",
        ),
        step("A7", "requested received accepted", SAME, by="author addressee system"),
    ),
)
