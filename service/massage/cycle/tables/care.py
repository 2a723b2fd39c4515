"""What the clinic does: Appointment, Encounter, Procedure (session) and DiagnosticReport.

Safer readings: an Encounter that is told when it is over answers to all that one in progress does, so that the check
before a session cannot be skipped; a final report changes only by becoming `amended`, `corrected` or `appended`. Ours:
a care has one final report, and after it no other is filed; what was recorded by mistake may become entered-in-error
(Procedure, Encounter, report); the service cancels what the end of a Task leaves open; a visit is fulfilled by its
session, whether or not anybody noted that the patient arrived.
"""

from __future__ import annotations

from typing import Final

from service.massage.cycle.machine import NONE, SAME, Machine, step

_CLINIC: Final = "Visits and reports are the clinic's."
_BOOKING: Final = (
    "task-accepted-or-in-progress referral-active no-open-absolute-issue no-open-cancellation visit-length "
    "one-visit-a-day within-visits authorised-then"
)
_MOVE: Final = "visit-length one-visit-a-day within-visits authorised-then"

APPOINTMENT: Final = Machine(
    kind="Appointment",
    type="Appointment",
    element="status",
    title="A visit (Appointment)",
    terminal=("fulfilled", "cancelled", "noshow"),
    steps=(
        step("V1", NONE, "proposed", by="clinic", guards="task-live no-open-cancellation", instead=_CLINIC),
        step(
            "V2", f"{NONE} proposed", "pending", by="clinic", guards="task-live no-open-cancellation", instead=_CLINIC
        ),
        step(
            "V3",
            f"{NONE} pending",
            "booked",
            by="clinic",
            guards=_BOOKING,
            effects="begin-task heed-reminders",
            instead=_CLINIC,
        ),
        step("V4", "booked", SAME, by="clinic system", guards=_MOVE, instead=_CLINIC),
        step("V5", "booked", "arrived", by="clinic", guards="time-kept", instead=_CLINIC),
        step("V6", "arrived", "fulfilled", by="clinic", guards="time-kept", instead=_CLINIC),
        step("V6a", "booked", "fulfilled", by="clinic", guards="delivered-in-it time-kept", instead=_CLINIC),
        step("V7", "booked", "noshow", by="clinic", guards="time-kept", effects="remind-clinic", instead=_CLINIC),
        step("V8", "proposed pending booked", "cancelled", by="clinic system", instead=_CLINIC),
        step("V9", "arrived", "cancelled", by="system", instead="End the visit as fulfilled."),
        step(
            "V10",
            "proposed pending arrived fulfilled cancelled noshow",
            SAME,
            by="clinic system",
            guards="time-kept",
            instead=_CLINIC,
        ),
    ),
)

_BEGIN: Final = (
    "task-accepted-or-in-progress referral-active no-open-absolute-issue no-open-cancellation safety-check-answered"
)

_KEEP: Final = "sessions-within sessions-at-visits"

ENCOUNTER: Final = Machine(
    kind="Encounter",
    type="Encounter",
    element="status",
    title="A visit as it happens (Encounter)",
    terminal=("finished", "cancelled", "entered-in-error"),
    steps=(
        step("E1", NONE, "planned", by="clinic", guards="task-live planned-length", instead=_CLINIC),
        step("E2", f"{NONE} planned", "arrived", by="clinic", guards="task-live", instead=_CLINIC),
        step("E3", f"{NONE} arrived", "in-progress", by="clinic", guards=_BEGIN, effects="begin-task", instead=_CLINIC),
        step("E4", "in-progress", "finished", by="clinic", guards=_KEEP, instead=_CLINIC),
        step(
            "E4a",
            f"{NONE} planned arrived",
            "finished",
            by="clinic",
            guards=_BEGIN,
            effects="begin-task",
            instead=_CLINIC,
        ),
        step("E5", "planned", "cancelled", by="clinic system", instead=_CLINIC),
        step(
            "E6",
            "planned arrived in-progress finished",
            "entered-in-error",
            by="clinic",
            guards="no-session-in-encounter",
            instead=_CLINIC,
        ),
        step(
            "E7",
            "planned arrived in-progress finished cancelled",
            SAME,
            by="clinic system",
            guards=f"planned-length {_KEEP}",
            instead=_CLINIC,
        ),
    ),
)

_DELIVER: Final = (
    "task-in-progress no-open-absolute-issue plan-active encounter-begun therapist-licensed session-timed "
    "session-length units-agree session-unrecorded session-apart one-session-a-day encounter-free within-encounter "
    "since-order visit-of-its-day within-visits place-unbooked authorised-then technique-within"
)

PROCEDURE: Final = Machine(
    kind="Procedure",
    type="Procedure",
    element="status",
    title="A session or a technique in it (Procedure)",
    terminal=("completed", "not-done", "stopped", "entered-in-error"),
    steps=(
        step(
            "D1",
            NONE,
            "preparation",
            by="clinic",
            guards="task-in-progress no-open-absolute-issue",
            instead=_CLINIC,
        ),
        step(
            "D2",
            f"{NONE} preparation",
            "in-progress",
            by="clinic",
            guards="task-in-progress no-open-absolute-issue plan-active encounter-begun encounter-free "
            "technique-within",
            instead=_CLINIC,
        ),
        step(
            "D3",
            f"{NONE} preparation in-progress",
            "completed",
            by="clinic",
            guards=_DELIVER,
            effects="report-reaction count-units",
            instead=_CLINIC,
        ),
        step("D4", f"{NONE} preparation", "not-done", by="clinic", guards="reason-not-done", instead=_CLINIC),
        step(
            "D5",
            "in-progress",
            "stopped",
            by="clinic",
            guards="reason-not-done",
            effects="report-reaction",
            instead=_CLINIC,
        ),
        step(
            "D6",
            "preparation in-progress completed not-done stopped",
            "entered-in-error",
            by="clinic",
            guards="task-not-completed",
            instead=_CLINIC,
        ),
        step(
            "D7",
            "preparation in-progress completed not-done stopped",
            SAME,
            by="clinic system",
            guards="session-stays session-timed session-length units-agree session-apart one-session-a-day "
            "encounter-free within-encounter since-order visit-of-its-day within-visits place-unbooked authorised-then "
            "therapist-still-licensed technique-within",
            effects="report-reaction count-units",
            instead=_CLINIC,
        ),
    ),
)

_FILED: Final = "final amended corrected appended"

REPORT: Final = Machine(
    kind="DiagnosticReport",
    type="DiagnosticReport",
    element="status",
    title="A report to the referrer (DiagnosticReport)",
    terminal=("entered-in-error",),
    steps=(
        step("R1", NONE, "preliminary", by="clinic", instead=_CLINIC),
        step("R2", f"{NONE} preliminary", "final", by="clinic", guards="before-final-report", instead=_CLINIC),
        step("R3", _FILED, "amended", by="clinic", guards="before-final-report", instead=_CLINIC),
        step("R3a", _FILED, "corrected", by="clinic", guards="before-final-report", instead=_CLINIC),
        step("R3b", _FILED, "appended", by="clinic", guards="before-final-report", instead=_CLINIC),
        step(
            "R4",
            f"preliminary {_FILED}",
            "entered-in-error",
            by="clinic",
            guards="task-not-completed",
            instead=_CLINIC,
        ),
        step("R5", "preliminary", SAME, by="clinic system", instead=_CLINIC),
    ),
)
