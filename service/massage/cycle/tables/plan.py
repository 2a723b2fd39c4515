"""The plan (CarePlan) and its Goals, both the clinic's.

Ours: the service moves what T9 to T15 move (on-hold, revoked, cancelled); a Goal may also be created in any
state before its end, as $apply makes it, and an unfinished Goal of any state may be cancelled.
"""

from __future__ import annotations

from typing import Final

from service.massage.cycle.machine import NONE, SAME, Machine, step

_CLINIC: Final = "Plans are the clinic's; the referrer asks with a change Task."

CARE_PLAN: Final = Machine(
    kind="CarePlan",
    type="CarePlan",
    element="status",
    title="The plan (CarePlan)",
    terminal=("revoked", "completed"),
    steps=(
        step("P1", NONE, "draft", by="clinic", guards="task-live", instead=_CLINIC),
        step(
            "P2",
            f"{NONE} draft",
            "active",
            by="clinic",
            guards="plan-complete task-accepted-or-in-progress no-open-absolute-issue",
            instead=_CLINIC,
        ),
        step("P3", "active", "on-hold", by="clinic system", instead=_CLINIC),
        step(
            "P4",
            "on-hold",
            "active",
            by="clinic system",
            guards="plan-complete task-accepted-or-in-progress no-open-absolute-issue",
            instead=_CLINIC,
        ),
        step("P5", "draft active on-hold", "revoked", by="clinic system", instead=_CLINIC),
        step("P6", "active on-hold", "completed", by="clinic", guards="activities-ended", instead=_CLINIC),
        step("P7", "draft", SAME, by="clinic system", instead=_CLINIC),
        step("P8", "active on-hold", SAME, by="clinic system", guards="plan-complete", instead=_CLINIC),
        step("P9", "revoked completed", SAME, by="clinic system", guards="only-notes", instead=_CLINIC),
    ),
)

GOAL: Final = Machine(
    kind="Goal",
    type="Goal",
    element="lifecycleStatus",
    title="A goal of the plan (Goal)",
    terminal=("completed", "cancelled", "rejected"),
    steps=(
        step("G1", NONE, "proposed", by="clinic", guards="task-live", instead=_CLINIC),
        step("G2", f"{NONE} proposed", "planned", by="clinic", guards="task-live", instead=_CLINIC),
        step("G3", f"{NONE} planned", "accepted", by="clinic", guards="task-live", instead=_CLINIC),
        step("G4", f"{NONE} accepted", "active", by="clinic", guards="task-live", instead=_CLINIC),
        step("G5", "active", "on-hold", by="clinic system", instead=_CLINIC),
        step("G6", "on-hold", "active", by="clinic system", guards="task-live", instead=_CLINIC),
        step("G7", "active", "completed", by="clinic", guards="goal-assessed", instead=_CLINIC),
        step(
            "G8",
            "proposed planned accepted active on-hold",
            "cancelled",
            by="clinic system",
            instead=_CLINIC,
        ),
        step("G9", "proposed planned", "rejected", by="clinic", instead=_CLINIC),
        step(
            "G10",
            "proposed planned accepted active on-hold completed cancelled rejected",
            SAME,
            by="clinic system",
            instead=_CLINIC,
        ),
    ),
)
