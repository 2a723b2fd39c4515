"""Cases of the guards in guards/ (of_plan)."""

from __future__ import annotations

from tests.builders.guard_case import ASSESSED, CURRENT, DONE, FINAL, OLD, Case, accepted, without, working
from tests.builders.loop import (
    appointment,
    encounter,
    goal,
    plan,
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
)
