"""Cases of the guards in guards/ (of_work)."""

from __future__ import annotations

from tests.builders.guard_case import ANSWERED, DONE, FINAL, Case, accepted, without, working
from tests.builders.loop import (
    ADMINISTRATOR,
    appointment,
    check,
    encounter,
    issue,
    plan,
    reason,
    referral,
    report,
    session,
    task,
)

CASES = (
    Case(
        guard="no-open-absolute-issue",
        broken=((referral(), task(), issue()), (task(status="accepted"),)),
        holding=((referral(), task(), issue(status="mitigated")), (task(status="accepted"),)),
    ),
    *(
        Case(
            guard="safety-check-answered",
            broken=((referral(), working(), answer), (encounter(),)),
            holding=((referral(), working(), check()), (encounter(),)),
        )
        for answer in (
            check(2),
            check(status="in-progress"),
            check(questionnaire="https://example.org/other"),
            without(check(authored="2026-01-14T07:00:00Z"), "encounter"),
        )
    ),
    Case(
        guard="nothing-begun",
        broken=(
            (referral(), accepted(), encounter(status="finished")),
            (accepted(status="rejected", statusReason=reason("no-capacity")),),
        ),
        holding=((referral(), accepted()), (accepted(status="rejected", statusReason=reason("no-capacity")),)),
    ),
    Case(
        guard="nothing-delivered",
        party=ADMINISTRATOR,
        broken=((referral(), working(), *DONE), (referral(status="entered-in-error"),)),
        holding=((referral(), working(), encounter()), (referral(status="entered-in-error"),)),
    ),
    Case(
        guard="visit-begun",
        broken=((referral(), accepted(), appointment(status="pending")), (accepted(status="in-progress"),)),
        holding=((referral(), accepted(), appointment()), (accepted(status="in-progress"),)),
    ),
    Case(
        guard="session-delivered",
        broken=((referral(), working(), report()), (working(status="completed", output=FINAL),)),
        holding=((referral(), working(), report(), *DONE), (working(status="completed", output=FINAL),)),
    ),
    Case(
        guard="appointments-ended",
        broken=((referral(), working(), report(), *DONE, appointment(2)), (working(status="completed", output=FINAL),)),
        holding=(
            (referral(), working(), report(), *DONE, appointment(2, status="cancelled")),
            (working(status="completed", output=FINAL),),
        ),
    ),
    Case(
        guard="encounter-begun",
        broken=((referral(), working(), plan(), encounter(status="planned")), (session(),)),
        holding=((referral(), working(), plan(), encounter()), (session(),)),
    ),
    Case(
        guard="safety-check-answered",
        broken=((referral(), working(), plan()), (encounter(status="finished"), session())),
        holding=(ANSWERED, (encounter(status="finished"), session())),
    ),
    Case(
        guard="no-session-in-encounter",
        broken=((referral(), working(), *DONE), (encounter(status="entered-in-error"),)),
        holding=((referral(), working(), encounter(status="finished")), (encounter(status="entered-in-error"),)),
    ),
)
