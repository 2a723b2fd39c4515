"""Cases of the guards in guards/ (of_task, of_reason)."""

from __future__ import annotations

from tests.builders.guard_case import CLOSED, Case, accepted, without, working
from tests.builders.loop import (
    REFERRER,
    abort,
    appointment,
    business,
    check,
    encounter,
    plan,
    reason,
    referral,
    report,
    session,
    task,
)

CASES = (
    *(
        Case(
            guard="task-is-the-referrals",
            party=REFERRER,
            broken=((referral(),), (sent,)),
            holding=((referral(),), (task(),)),
        )
        for sent in (
            task(intent="plan"),
            without(task(), "code"),
            without(task(), "authoredOn"),
            without(task(), "for"),
            task(requester={"reference": "Organization/other"}),
        )
    ),
    Case(
        guard="one-live-task",
        party=REFERRER,
        broken=((referral(), task()), (task(id="second"),)),
        holding=((referral(), task(status="rejected", businessStatus=business("declined"))), (task(id="second"),)),
    ),
    Case(
        guard="one-live-task",
        party=REFERRER,
        broken=((referral(), CLOSED), (task(id="second"),)),
        holding=((referral(), task(status="rejected", businessStatus=business("declined"))), (task(id="second"),)),
    ),
    Case(
        guard="owned",
        broken=(
            (referral(), without(task(), "owner")),
            (without(task(status="rejected", statusReason=reason("no-capacity")), "owner"),),
        ),
        holding=((referral(), task()), (task(status="rejected", statusReason=reason("no-capacity")),)),
    ),
    *(
        Case(
            guard="owned-by-the-clinic",
            broken=((referral(), without(task(), "owner")), (without(task(), "owner") | {name: value},)),
            holding=((referral(), task()), (task(**({} if name == "owner" else {name: value}), note=[{"text": "x"}]),)),
        )
        for name, value in (
            ("owner", {"reference": "Organization/other"}),
            ("restriction", {"period": {"end": "2020-01-01"}}),
        )
    ),
    Case(
        guard="owned-or-open",
        broken=(
            (referral(), elsewhere := task(owner={"reference": "Organization/other"})),
            (elsewhere | {"status": "received"},),
        ),
        holding=((referral(), without(task(), "owner")), (without(task(status="received"), "owner"),)),
    ),
    Case(
        guard="abort-accepted",
        broken=((referral(), working()), (working(status="cancelled"),)),
        holding=((referral(), working(), abort()), (working(status="cancelled"),)),
    ),
    Case(
        guard="asks-about-live-work",
        party=REFERRER,
        broken=((referral(), CLOSED), (abort(),)),
        holding=((referral(), working()), (abort(),)),
    ),
    Case(
        guard="asks-in-own-name",
        party=REFERRER,
        broken=((referral(), working()), (abort(requester={"reference": "Organization/clinic"}),)),
        holding=((referral(), working()), (abort(),)),
    ),
    Case(
        guard="task-live",
        broken=((referral(), CLOSED), (plan(status="draft"),)),
        holding=((referral(), task()), (plan(status="draft"),)),
    ),
    Case(
        guard="task-accepted-or-in-progress",
        broken=((referral(), task()), (appointment(),)),
        holding=((referral(), accepted()), (appointment(),)),
    ),
    Case(
        guard="task-in-progress",
        broken=((referral(), accepted(), plan(), encounter()), (session(),)),
        holding=((referral(), working(), plan(), encounter()), (session(),)),
    ),
    Case(
        guard="task-not-completed",
        broken=((referral(), CLOSED, report()), (report(status="entered-in-error"),)),
        holding=((referral(), working(), report()), (report(status="entered-in-error"),)),
    ),
    Case(
        guard="no-open-cancellation",
        broken=((referral(), working(), abort()), (appointment(),)),
        holding=((referral(), working(), abort(status="rejected")), (appointment(),)),
    ),
    *(
        Case(
            guard="reason-given",
            broken=((referral(), task()), (task(status="rejected", statusReason=said),)),
            holding=((referral(), task()), (task(status="rejected", statusReason=reason("no-capacity")),)),
        )
        for said in ({"text": "No."}, reason("no-capacity", " "), reason("goals-met"))
    ),
    Case(
        guard="hold-reason-given",
        broken=((referral(), working()), (working(status="on-hold"),)),
        holding=((referral(), working()), (working(status="on-hold", statusReason=reason("adverse-event")),)),
    ),
    Case(
        guard="reason-text-given",
        broken=((referral(), working(), abort()), (without(abort(status="rejected"), "statusReason"),)),
        holding=((referral(), working(), abort()), (abort(status="rejected"),)),
    ),
    Case(
        guard="reason-not-done",
        broken=((referral(), working()), (session(status="not-done"),)),
        holding=((referral(), working()), (session(status="not-done", statusReason={"text": "Red flag."}),)),
    ),
    Case(
        guard="task-in-progress",
        broken=((referral(), accepted(), plan(), encounter(status="finished")), (session(),)),
        holding=((referral(), accepted(), plan(), check()), (encounter(status="finished"), session())),
    ),
)
