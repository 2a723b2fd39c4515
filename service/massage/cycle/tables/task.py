"""The coordination Task (code=fulfill, focus=the referral): T1 to T15, reconciled from BSeR/360X, COW, Gravity and R4.

Choices where the sources leave room, each the safer reading:
- T2, T3 claim an open Task; T4 does not, so that one clinic cannot decline for all the others.
- T4 to T6, T14, T15 also end a plan, its goals and visits that were drawn up early: none outlives its Task.
- T6 is the service's step, too: a referral that is revoked before work started must not keep a live Task.
- T11b: an abort Task may also be accepted before work has started (BSeR 07, 23); only the service ends the Task then.
- T13: consult-only is a referral that orders no sessions.
- T14 needs the referral withdrawn in the same unit: else it would stay active with no Task and no reason.
- T8a, T8b: beside work in progress, other live states take notes, priority and `awaiting-…`, too; after the end notes
  remain possible and nothing else.
"""

from __future__ import annotations

from typing import Final

from service.massage.cycle.machine import NONE, SAME, Machine, bar, step

_ON_HOLD: Final = "awaiting-information awaiting-authorization safety-hold visits-exhausted cancellation-requested"
_STOPPED: Final = "drop-reminders end-execution end-episode"
_USE_ABORT: Final = "Use an abort Task; work has started."

TASK: Final = Machine(
    kind="Task",
    type="Task",
    element="status",
    title="The task of the referral (Task, code=fulfill)",
    terminal=("rejected", "cancelled", "failed", "completed", "entered-in-error"),
    steps=(
        step(
            "T1",
            NONE,
            "requested",
            by="referrer system",
            guards="referral-active referral-complete sessions-agree task-is-the-referrals one-live-task",
            business="awaiting-triage safety-hold",
            instead="The referrer creates the Task of a referral.",
        ),
        step(
            "T2",
            "requested",
            "received",
            by="clinic",
            guards="owned-or-open",
            effects="claim",
            business="in-review awaiting-information awaiting-authorization safety-hold",
            instead="The clinic that owns the Task, or claims an open one, receives it.",
        ),
        step(
            "T3",
            "requested received",
            "accepted",
            by="clinic",
            guards="owned-or-open no-open-absolute-issue referral-active consent-given therapist-qualified",
            effects="claim assign-filler-identifier plan-episode",
            business="accepted-unscheduled awaiting-authorization",
            instead="The clinic that owns the Task, or claims an open one, accepts it.",
        ),
        step(
            "T4",
            "requested received",
            "rejected",
            by="clinic",
            guards="owned reason-given",
            effects="cancel-appointments revoke-plans cancel-goals close-abort-tasks",
            business="declined",
            instead="The clinic that owns the Task declines it; the referrer cancels it.",
        ),
        step(
            "T5",
            "accepted",
            "rejected",
            by="clinic",
            guards="owned reason-given nothing-begun",
            effects="cancel-appointments revoke-plans cancel-goals close-abort-tasks end-episode",
            business="declined",
            instead="The clinic that owns the Task declines it; the referrer cancels it.",
        ),
        step(
            "T6",
            "requested received accepted",
            "cancelled",
            by="referrer system",
            guards="nothing-delivered referral-withdrawn",
            effects="cancel-appointments revoke-plans cancel-goals close-abort-tasks end-episode",
            business="cancelled-by-referrer cancelled-by-patient",
            instead="The referrer cancels a Task; the clinic declines it (rejected).",
        ),
        step(
            "T7",
            "accepted",
            "in-progress",
            by="clinic system",
            guards="owned visit-begun no-open-absolute-issue referral-active final-report-kept",
            effects="start-execution start-episode",
            instead="The first booked Appointment or the first Encounter begins the work.",
        ),
        step("T8", "in-progress", SAME, by="referrer clinic system", guards="final-report-kept"),
        step(
            "T8a",
            "requested received accepted on-hold",
            SAME,
            by="referrer clinic system",
            guards="owned-by-the-clinic final-report-kept",
        ),
        step("T8b", "rejected cancelled failed completed", SAME, by="referrer clinic system", guards="only-notes"),
        step(
            "T9",
            "in-progress",
            "on-hold",
            by="clinic system",
            guards="owned hold-reason-given final-report-kept",
            effects="hold-plans",
            business=_ON_HOLD,
            instead="The clinic puts its Task on hold; the referrer puts the referral on hold.",
        ),
        step(
            "T9a",
            "on-hold",
            "in-progress",
            by="clinic system",
            guards="owned no-open-absolute-issue referral-active authorisation-present final-report-kept",
            effects="resume-plans",
            instead="The clinic resumes its Task once what held it is resolved.",
        ),
        step(
            "T10",
            "in-progress on-hold",
            "failed",
            by="clinic",
            guards="owned reason-given outcome-explained final-report-kept",
            effects=f"revoke-plans close-goals cancel-appointments close-abort-tasks {_STOPPED}",
            business="discontinued",
            instead="The clinic says that it could not finish; the referrer asks with an abort Task.",
        ),
        step(
            "T11",
            "in-progress on-hold",
            "cancelled",
            by="clinic system",
            guards="owned abort-accepted",
            effects=f"accept-abort-tasks revoke-plans cancel-goals cancel-appointments {_STOPPED}",
            business="cancelled-by-referrer cancelled-by-patient",
            instead=_USE_ABORT,
        ),
        step(
            "T11b",
            "requested received accepted",
            "cancelled",
            by="system",
            guards="abort-accepted nothing-delivered",
            effects="accept-abort-tasks cancel-appointments revoke-plans cancel-goals end-episode",
            business="cancelled-by-referrer cancelled-by-patient",
            instead="Accept the abort Task.",
        ),
        step(
            "T12",
            "in-progress",
            "completed",
            by="clinic",
            guards="owned session-delivered appointments-ended goals-assessed final-report-delivered final-report-kept "
            "plans-ended",
            effects=f"close-abort-tasks {_STOPPED}",
            business="closed-loop",
            instead="The clinic completes its Task.",
        ),
        step(
            "T13",
            "accepted",
            "completed",
            by="clinic",
            guards="owned consult-only appointments-ended final-report-delivered final-report-kept plans-ended",
            effects="close-abort-tasks end-execution end-episode",
            business="closed-loop",
            instead="The clinic completes its Task.",
        ),
        step(
            "T14",
            "requested received accepted in-progress on-hold",
            "entered-in-error",
            by="referrer administrator system",
            guards="nothing-delivered referral-withdrawn",
            effects="cancel-appointments revoke-plans cancel-goals close-abort-tasks drop-reminders end-episode",
            instead="The Task's author or an administrator marks it as entered in error.",
        ),
        step(
            "T15",
            "requested received accepted",
            "cancelled",
            by="system",
            guards="validity-passed nothing-delivered",
            effects="cancel-appointments revoke-plans cancel-goals close-abort-tasks end-episode",
            business="expired",
            instead="The service lets a Task expire.",
        ),
    ),
    bars=(bar("in-progress on-hold", "cancelled", to="referrer", text=_USE_ABORT),),
)
