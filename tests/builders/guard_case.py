"""A guard of the life cycles on the smallest step that it stops, and what several such cases are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from service.fhir.code_systems import GOAL_ACHIEVEMENT
from service.fhir.concept import coded
from service.massage.cycle import Policy
from service.massage.cycle.units import TIMED_UNITS
from service.massage.systems import QUALIFICATION
from tests.builders.loop import (
    CLINIC,
    appointment,
    business,
    check,
    encounter,
    output,
    plan,
    referral,
    session,
    task,
    therapist,
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


def on_the_first_day(start: str, end: str) -> Content:
    """On the day of the first visit."""
    return {"start": f"2026-01-13T{start}:00Z", "end": f"2026-01-13T{end}:00Z"}


def later_that_day(number: int, start: str) -> Content:
    """A visit on the day of the first one."""
    return appointment(number, **on_the_first_day(start, f"{start[:2]}:45"))


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
