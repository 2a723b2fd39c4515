"""Every guard, on the smallest step that it stops: once broken, once holding."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from service.massage.cycle import SYSTEM, Policy
from service.massage.cycle.guards import GUARDS
from service.massage.cycle.terms import GOAL_ACHIEVEMENT, QUALIFICATION, TASK_CODE, TASK_IO, coded
from service.massage.cycle.units import TIMED_UNITS
from tests.builders.loop import (
    ADMINISTRATOR,
    CLINIC,
    PATIENT,
    REFERRER,
    SUBJECT,
    World,
    abort,
    appointment,
    business,
    check,
    encounter,
    goal,
    issue,
    output,
    plan,
    reason,
    referral,
    report,
    session,
    task,
    therapist,
    working_world,
)

if TYPE_CHECKING:
    from service.fhir.resource import Content
    from service.massage.cycle import Party

Wished = tuple["Content", ...]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A guard, who asks, what is stored and what is sent when it is broken, and the same when it holds."""

    guard: str
    party: Party = CLINIC
    broken: tuple[Wished, Wished]
    holding: tuple[Wished, Wished]
    policy: Policy = field(default_factory=Policy)


def accepted(**more: Any) -> Content:
    return task(status="accepted", businessStatus=business("accepted-unscheduled")) | more


def working(**more: Any) -> Content:
    return task(status="in-progress", businessStatus=business("visit-scheduled")) | more


def held(status: str, **more: Any) -> Content:
    return task(status="on-hold", businessStatus=business(status)) | more


def without(content: Content, *names: str) -> Content:
    return {name: value for name, value in content.items() if name not in names}


def _at(start: str, end: str) -> Content:
    """On the day of the first visit."""
    return {"start": f"2026-01-13T{start}:00Z", "end": f"2026-01-13T{end}:00Z"}


def _later(number: int, start: str) -> Content:
    """A visit on the day of the first one."""
    return appointment(number, **_at(start, f"{start[:2]}:45"))


OLD = [*session()["basedOn"], {"reference": "CarePlan/old"}]
CURRENT = [*session()["basedOn"], {"reference": "CarePlan/plan"}]
COVERED = referral(insurance=[{"reference": "Coverage/card"}])
PREAUTHORISED = {
    "resourceType": "ClaimResponse",
    "id": "answer",
    "status": "active",
    "addItem": [{"quantity": {"value": 1}}],
}
INSURED = referral(insurance=[{"reference": "ClaimResponse/answer"}])
DONE = (encounter(status="finished"), session())
LYMPH = [{"coding": [{"code": "lymphatic-drainage"}]}]
CERTIFIED = therapist(
    qualification=[*therapist()["qualification"], {"code": {"coding": [{"code": "lymphatic-drainage-cert"}]}}]
)
TRAINED = [{"code": coded(QUALIFICATION, "oncology-massage")}]
UNITS = [{"url": TIMED_UNITS, "valueUnsignedInt": 4}]
RECORDED = [{"system": "https://clinic.example.org/sessions", "value": "1"}]
ANSWERED = (referral(), working(), plan(), check())
ASSESSED = coded(GOAL_ACHIEVEMENT, "achieved")
FINAL = [output("final-report", "DiagnosticReport/report")]
REVOKED = referral(status="revoked")
CLOSED = task(status="completed", businessStatus=business("closed-loop"))

CASES = (
    Case(
        guard="referral-active",
        broken=((referral(status="on-hold"), task()), (task(status="accepted"),)),
        holding=((referral(), task()), (task(status="accepted"),)),
    ),
    *(
        Case(
            guard="referral-complete",
            party=REFERRER,
            broken=((), (without(referral(), name),)),
            holding=((), (referral(),)),
        )
        for name in ("identifier", "code", "requester", "reasonCode")
    ),
    Case(
        guard="sessions-agree",
        party=REFERRER,
        broken=((), (referral(occurrenceTiming={"repeat": {"count": 10}}),)),
        holding=((), (referral(occurrenceTiming={"repeat": {"count": 6}}),)),
    ),
    Case(
        guard="sessions-agree",
        party=REFERRER,
        broken=((), (referral(occurrenceTiming={"repeat": {"duration": 2, "durationUnit": "h"}}),)),
        holding=((), (referral(occurrenceTiming={"repeat": {"duration": 90, "durationUnit": "min"}}),)),
    ),
    Case(
        guard="referral-withdrawn",
        party=REFERRER,
        broken=((referral(), task()), (task(status="cancelled"),)),
        holding=((referral(), task()), (task(status="cancelled"), REVOKED)),
    ),
    Case(
        guard="referral-withdrawn-if-asked",
        party=REFERRER,
        broken=(
            (
                referral(),
                task(),
                _asked := abort(focus={"reference": "ServiceRequest/order"})
                | {
                    "requester": {"reference": "Organization/clinic"},
                    "owner": {"reference": "Organization/referrer"},
                },
            ),
            (_asked | {"status": "completed"},),
        ),
        holding=((referral(), task(), _asked), (_asked | {"status": "completed"}, REVOKED)),
    ),
    Case(
        guard="loop-closed",
        party=REFERRER,
        broken=((referral(), working()), (referral(status="completed"),)),
        holding=((referral(), CLOSED), (referral(status="completed"),)),
    ),
    Case(
        guard="consult-only",
        broken=((referral(), accepted(), report()), (accepted(status="completed", output=FINAL),)),
        holding=(
            (without(referral(), "quantityQuantity"), accepted(), report()),
            (accepted(status="completed", output=FINAL),),
        ),
    ),
    Case(
        guard="only-notes",
        broken=((referral(), CLOSED), (CLOSED | {"output": FINAL},)),
        holding=((referral(), CLOSED), (CLOSED | {"note": [{"text": "A remark."}]},)),
    ),
    Case(
        guard="validity-passed",
        party=SYSTEM,
        broken=(
            (referral(occurrencePeriod={"end": "2026-01-12"}), task()),
            (task(status="cancelled", businessStatus=business("expired")),),
        ),
        holding=(
            (referral(occurrencePeriod={"end": "2026-01-11"}), task()),
            (task(status="cancelled", businessStatus=business("expired")),),
        ),
    ),
    Case(
        guard="consent-given",
        policy=Policy(consent_required=True),
        broken=((referral(), task()), (task(status="accepted"),)),
        holding=(
            (referral(), task(), {"resourceType": "Consent", "id": "consent", "status": "active"}),
            (task(status="accepted"),),
        ),
    ),
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
    *(
        Case(
            guard="units-agree",
            broken=((referral(), working(), plan(), encounter()), (sent,)),
            holding=((referral(), working(), plan(), encounter()), (session(extension=UNITS),)),
        )
        for sent in (
            session(extension=[UNITS[0] | {"valueUnsignedInt": 5}]),
            without(session(extension=UNITS, performedDateTime="2026-01-13"), "performedPeriod"),
        )
    ),
    Case(
        guard="units-agree",
        broken=((referral(), working(), *DONE), (session(extension=[UNITS[0] | {"valueUnsignedInt": 6}]),)),
        holding=((referral(), working(), *DONE), (session(extension=UNITS),)),
    ),
    Case(
        guard="session-unrecorded",
        broken=(
            (referral(), working(), plan(), encounter(), encounter(2), session(identifier=RECORDED)),
            (session(2, identifier=RECORDED),),
        ),
        holding=(
            (referral(), working(), plan(), encounter(), encounter(2), session(identifier=RECORDED, status="not-done")),
            (session(2, identifier=RECORDED),),
        ),
    ),
    Case(
        guard="session-apart",
        broken=((referral(), working(), plan(), *DONE), (session(2, performedPeriod=_at("08:59", "09:59")),)),
        holding=(
            (referral(), working(), plan(), *DONE, encounter(2)),
            (session(2, performedPeriod=_at("09:00", "10:00")),),
        ),
    ),
    Case(
        guard="delivered-in-it",
        broken=((referral(), working(), appointment(), encounter()), (appointment(status="fulfilled"),)),
        holding=((referral(), working(), appointment(), *DONE), (appointment(status="fulfilled"),)),
    ),
    Case(
        guard="safety-check-answered",
        broken=((referral(), working(), plan()), (encounter(status="finished"), session())),
        holding=(ANSWERED, (encounter(status="finished"), session())),
    ),
    Case(
        guard="task-in-progress",
        broken=((referral(), accepted(), plan(), encounter(status="finished")), (session(),)),
        holding=((referral(), accepted(), plan(), check()), (encounter(status="finished"), session())),
    ),
    Case(
        guard="one-visit-a-day",
        policy=Policy(visits_a_day=2),
        broken=(
            (referral(), accepted(), appointment(), _later(2, "10:00")),
            (_later(3, "12:00"),),
        ),
        holding=((referral(), accepted(), appointment()), (_later(2, "10:00"),)),
    ),
    Case(
        guard="within-visits",
        policy=Policy(needs_authorisation=True, visits_without_authorisation=1),
        broken=((COVERED, working(), *DONE), (appointment(2),)),
        holding=((referral(), working(), *DONE), (appointment(2),)),
    ),
    Case(
        guard="no-session-in-encounter",
        broken=((referral(), working(), *DONE), (encounter(status="entered-in-error"),)),
        holding=((referral(), working(), encounter(status="finished")), (encounter(status="entered-in-error"),)),
    ),
    Case(
        guard="visit-length",
        broken=((referral(), accepted()), (appointment(end="2026-01-13T08:15:00Z"),)),
        holding=((referral(), accepted()), (appointment(end="2026-01-13T08:30:00Z"),)),
    ),
    Case(
        guard="session-length",
        broken=(
            (referral(), working(), plan(), encounter()),
            (session(performedPeriod={"start": "2026-01-13T08:00:00Z", "end": "2026-01-13T10:00:00Z"}),),
        ),
        holding=(
            (referral(), working(), plan(), encounter()),
            (session(performedPeriod={"start": "2026-01-13T08:00:00Z", "end": "2026-01-13T09:30:00Z"}),),
        ),
    ),
    Case(
        guard="one-visit-a-day",
        broken=((referral(), working(), appointment()), (appointment(id="again"),)),
        holding=(
            (referral(), working(), appointment()),
            (appointment(id="again", supportingInformation=[{"reference": "DocumentReference/why"}]),),
        ),
    ),
    Case(
        guard="within-visits",
        broken=((INSURED, PREAUTHORISED, working(), *DONE), (appointment(2),)),
        holding=((referral(), PREAUTHORISED, working(), *DONE), (appointment(2),)),
    ),
    Case(
        guard="within-visits",
        broken=(
            (referral(quantityQuantity={"value": 1}), working(), plan(), *DONE, encounter(2)),
            (session(2),),
        ),
        holding=(
            (referral(quantityQuantity={"value": 2}), working(), plan(), *DONE, encounter(2)),
            (session(2),),
        ),
    ),
    Case(
        guard="authorisation-present",
        broken=(
            (INSURED, PREAUTHORISED, held("visits-exhausted"), *DONE),
            (task(status="in-progress", businessStatus=business("visits-exhausted")),),
        ),
        holding=(
            (INSURED, PREAUTHORISED, held("visits-exhausted")),
            (task(status="in-progress", businessStatus=business("visits-exhausted")),),
        ),
    ),
    Case(
        guard="therapist-qualified",
        broken=(
            (referral(orderDetail=LYMPH, performer=[{"reference": "PractitionerRole/therapist"}]), task()),
            (task(status="accepted"),),
        ),
        holding=(
            (referral(orderDetail=LYMPH, performer=[{"reference": "PractitionerRole/therapist"}]), task(), CERTIFIED),
            (task(status="accepted"),),
        ),
    ),
    *(
        Case(
            guard="therapist-licensed",
            broken=((referral(), working(), plan(), encounter(), known), (sent,)),
            holding=((referral(), working(), plan(), encounter()), (session(),)),
        )
        for known, sent in (
            (therapist(qualification=[{"period": {"end": "2025-12-31"}}]), session()),
            (therapist(qualification=[{"period": {"start": "2026-01-14"}}]), session()),
            (therapist(), session(performer=[{"actor": {"reference": "Practitioner/nobody"}}])),
            (therapist(), without(session(), "performer")),
            (therapist(), session(code=LYMPH[0])),
            (therapist(qualification=CERTIFIED["qualification"][1:]), session()),
            (therapist(qualification=TRAINED), session()),
        )
    ),
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
HANDED_IN = {"still-a-referral": "is_referral", "therapist-free": "is_free"}
"""The guards that ask a predicate of the surroundings."""


def _world(case: Case, stored: Wished) -> World:
    world = World.of(*stored)
    world.policy = case.policy
    return world


def _ids(case: Case) -> str:
    return case.guard


@pytest.mark.parametrize("case", CASES, ids=_ids)
def test_a_broken_guard_refuses_the_step(case: Case) -> None:
    stored, sent = case.broken

    refused = _world(case, stored).judge(case.party, *sent).refusals

    assert case.guard in {one.guard for one in refused}


@pytest.mark.parametrize("case", CASES, ids=_ids)
def test_the_step_is_taken_when_the_guard_holds(case: Case) -> None:
    stored, sent = case.holding

    assert _world(case, stored).judge(case.party, *sent).refusals == ()


def test_every_guard_has_its_case() -> None:
    assert {case.guard for case in CASES} | HANDED_IN.keys() == GUARDS.keys()


@pytest.mark.parametrize("guard, predicate", HANDED_IN.items())
def test_a_guard_asks_what_it_is_handed(guard: str, predicate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = working_world()
    sent = referral(priority="urgent") if guard == "still-a-referral" else appointment(2)
    party = REFERRER if guard == "still-a-referral" else CLINIC
    surroundings = world.surroundings

    def never(_: Content) -> bool:
        return False

    from msgspec.structs import replace

    monkeypatch.setattr(World, "surroundings", property(lambda _: replace(surroundings, **{predicate: never})))

    assert [one.guard for one in world.judge(party, sent).refusals] == [guard]


def test_a_refusal_never_quotes_the_patient() -> None:
    for case in CASES:
        stored, sent = case.broken
        for refused in _world(case, stored).judge(case.party, *sent).refusals:
            assert SUBJECT["reference"] not in refused.issue().diagnostics


def test_the_authorised_visits_are_counted_in_the_refusal() -> None:
    world = World.of(INSURED, PREAUTHORISED, working(), *DONE)

    refused = world.judge(CLINIC, appointment(2)).refusals

    assert refused[0].text.startswith("authorized 1, ordered 6, completed 1, booked 0, requested 1;")


def test_a_patient_may_ask_for_an_abort_in_his_own_name() -> None:
    asked = abort(requester=SUBJECT, code=coded(TASK_CODE, "abort"))

    assert working_world().judge(PATIENT, asked).refusals == ()
