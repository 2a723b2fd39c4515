"""What the service writes of its own accord is valid R4."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.builders.loop import (
    CLINIC,
    REFERRER,
    World,
    appointment,
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
)

if TYPE_CHECKING:
    from service.fhir.resource import Content
    from service.fhir.validation import Validator

WRITTEN = {"Task", "Provenance", "Communication", "EpisodeOfCare", "CarePlan", "Goal", "Appointment", "Procedure"}


def written() -> list[Content]:
    """Every version that the service writes in an episode in which much goes wrong."""
    world = World.of()
    failed = {"status": "failed", "statusReason": reason("lost-to-follow-up")}
    outputs = [output("final-report", "DiagnosticReport/report")]
    verdicts = [
        world.judge(REFERRER, referral(), alongside=[issue()]),
        world.judge(REFERRER, alongside=[issue(status="mitigated")]),
    ]
    made = world.all("Task")[0]["id"]

    def sent(**elements: object) -> Content:
        return world.get(f"Task/{made}") | elements

    verdicts += [
        world.judge(CLINIC, sent(status="accepted")),
        world.judge(CLINIC, plan(), goal()),
        world.judge(CLINIC, appointment(), appointment(2, status="pending")),
        world.judge(CLINIC, check(), encounter()),
        world.judge(CLINIC, session(complication=[{"text": "Bruise"}]), encounter(status="finished")),
        world.judge(CLINIC, alongside=[issue(id="second")]),
        world.judge(REFERRER, alongside=[issue(id="second", status="mitigated")]),
        world.judge(REFERRER, referral(status="revoked")),
        world.judge(CLINIC, report()),
        world.judge(CLINIC, sent(**failed, output=[*sent()["output"], *outputs])),
    ]
    assert all(verdict.refusals == () for verdict in verdicts)
    return [change.after for verdict in verdicts for change in verdict.effects if change.after]


@pytest.fixture(scope="module")
def effects() -> list[Content]:
    return written()


@pytest.mark.parametrize("type", sorted(WRITTEN))
def test_it_is_valid(type: str, effects: list[Content], validator: Validator) -> None:
    contents = [one for one in effects if one["resourceType"] == type]
    assert contents
    for content in contents:
        assert validator.issues(content, type) == [], content


def test_no_other_type_is_written(effects: list[Content]) -> None:
    assert {one["resourceType"] for one in effects} == WRITTEN
