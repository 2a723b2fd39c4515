"""Cases of the guards in guards/ (of_plan)."""

from __future__ import annotations

from service.massage.cycle.terms import TASK_IO, coded
from tests.builders.guard_case import ASSESSED, CURRENT, DONE, FINAL, OLD, Case, accepted, without, working
from tests.builders.loop import (
    appointment,
    encounter,
    goal,
    output,
    plan,
    reason,
    referral,
    report,
    session,
)

CASES = (
    *(
        Case(
            guard="plan-complete",
            broken=((referral(), accepted()), (without(plan(), name),)),
            holding=((referral(), accepted()), (plan(),)),
        )
        for name in ("goal", "activity", "addresses")
    ),
    Case(
        guard="activities-ended",
        broken=((referral(), working(), plan()), (plan(status="completed"),)),
        holding=(
            (referral(), working(), plan()),
            (plan(status="completed", activity=[{"detail": {"status": "completed"}}]),),
        ),
    ),
    Case(
        guard="activities-ended",
        broken=(
            (referral(), working(), appointment(), plan()),
            (plan(status="completed", activity=[{"reference": {"reference": "Appointment/visit1"}}]),),
        ),
        holding=(
            (referral(), working(), appointment(status="fulfilled"), plan()),
            (plan(status="completed", activity=[{"reference": {"reference": "Appointment/visit1"}}]),),
        ),
    ),
    Case(
        guard="plan-active",
        broken=((referral(), working(), plan(status="on-hold"), encounter()), (session(),)),
        holding=((referral(), working(), plan(), encounter()), (session(),)),
    ),
    Case(
        guard="plan-active",
        broken=((referral(), working(), without(plan(), "goal"), encounter()), (session(),)),
        holding=((referral(), working(), plan(), encounter()), (session(),)),
    ),
    Case(
        guard="plan-active",
        broken=(
            (referral(), working(), plan(), plan(id="old", status="revoked"), encounter()),
            (session(basedOn=OLD),),
        ),
        holding=((referral(), working(), plan(), encounter()), (session(basedOn=CURRENT),)),
    ),
    Case(
        guard="plans-ended",
        broken=((referral(), working(), report(), *DONE, plan()), (working(status="completed", output=FINAL),)),
        holding=(
            (referral(), working(), report(), *DONE, plan()),
            (working(status="completed", output=FINAL), plan(status="revoked")),
        ),
    ),
    Case(
        guard="goals-assessed",
        broken=((referral(), working(), report(), *DONE, goal()), (working(status="completed", output=FINAL),)),
        holding=(
            (referral(), working(), report(), *DONE, goal(achievementStatus=ASSESSED)),
            (working(status="completed", output=FINAL),),
        ),
    ),
    Case(
        guard="goal-assessed",
        broken=((referral(), working(), goal()), (goal(lifecycleStatus="completed"),)),
        holding=((referral(), working(), goal()), (goal(lifecycleStatus="completed", achievementStatus=ASSESSED),)),
    ),
    *(
        Case(
            guard="final-report-delivered",
            broken=(
                (referral(), working(), report(status=status), *DONE),
                (working(status="completed", output=[output(type, "DiagnosticReport/report")]),),
            ),
            holding=((referral(), working(), report(), *DONE), (working(status="completed", output=FINAL),)),
        )
        for status, type in (("preliminary", "final-report"), ("final", "progress-report"))
    ),
    Case(
        guard="outcome-explained",
        broken=((referral(), working()), (working(status="failed", statusReason=reason("lost-to-follow-up")),)),
        holding=(
            (referral(), working(), report(status="preliminary")),
            (
                working(
                    status="failed",
                    statusReason=reason("lost-to-follow-up"),
                    output=[output("progress-report", "DiagnosticReport/report")],
                ),
            ),
        ),
    ),
    Case(
        guard="outcome-explained",
        broken=((referral(), working()), (working(status="failed", statusReason=reason("plateau"), output=[]),)),
        holding=(
            (referral(), working()),
            (
                working(
                    status="failed",
                    statusReason=reason("plateau"),
                    output=[{"type": coded(TASK_IO, "outcome-summary"), "valueString": "No further progress."}],
                ),
            ),
        ),
    ),
)
