"""The days of visits are those of the service's time zone, whatever the offset in which a client writes a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from tests.builders.guard_case import DONE, INSURED, PREAUTHORISED, working
from tests.builders.loop import CLINIC, World, appointment, check, encounter, plan, referral, session

if TYPE_CHECKING:
    from service.fhir.resource import Content

WEST = "America/Los_Angeles"
EXTREMES = ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:00-14:00", "9999-12-31T23:59:00Z")


def world(zone: str, *contents: Content) -> World:
    made = World.of(referral(), working(), plan(), *contents)
    made.zone = ZoneInfo(zone)
    return made


def hour(day: str, clock: str, offset: str) -> Content:
    start, end = (f"{day}T{hours:02}{clock[2:]}:00{offset}" for hours in (int(clock[:2]), int(clock[:2]) + 1))
    return {"start": start, "end": end}


EVENING = hour("2026-01-13", "18:00", "-08:00")
NEXT_MORNING = hour("2026-01-14", "09:00", "-08:00")
SAME_IN_UTC = hour("2026-01-14", "02:00", "Z")
"""The evening as it is written in UTC, where it is of the next day."""
MORNING = hour("2026-01-13", "09:00", "-08:00")


def refused(made: World, *sent: Content) -> set[str]:
    return {one.guard for one in made.judge(CLINIC, *sent).refusals}


@pytest.mark.parametrize("first", [EVENING, SAME_IN_UTC])
@pytest.mark.parametrize("second, expected", [(MORNING, {"one-visit-a-day"}), (NEXT_MORNING, set())])
def test_an_evening_and_the_next_morning_are_two_days_at_the_clinic(
    first: Content, second: Content, expected: set[str]
) -> None:
    assert refused(world(WEST, appointment(**first)), appointment(2, **second)) == expected


@pytest.mark.parametrize("first", [EVENING, SAME_IN_UTC])
@pytest.mark.parametrize("second, expected", [(MORNING, {"one-session-a-day"}), (NEXT_MORNING, set())])
def test_so_they_are_of_sessions(first: Content, second: Content, expected: set[str]) -> None:
    done = (encounter(status="finished", period=first), session(performedPeriod=first))
    answered = check(2, authored=second["start"])
    begun = encounter(2, period={"start": second["start"]})
    assert refused(world(WEST, *done), answered, begun, session(2, performedPeriod=second)) == expected


@pytest.mark.parametrize("authored, expected", [("2026-01-13", set()), ("2026-01-14", {"safety-check-answered"})])
def test_the_check_before_a_session_is_of_its_day_at_the_clinic(authored: str, expected: set[str]) -> None:
    begun = encounter(period={"start": SAME_IN_UTC["start"]})
    assert refused(world(WEST, appointment(**EVENING)), check(authored=authored), begun) == expected


def test_a_visit_of_the_day_of_a_walk_in_is_a_second_one() -> None:
    done = (encounter(status="finished", appointment=[]), session())
    later = appointment(2, **hour("2026-01-13", "15:00", "Z"))
    assert refused(world("UTC", *done), later) == {"one-visit-a-day"}


@pytest.mark.parametrize("zone", ["UTC", WEST, "Pacific/Kiritimati"])
@pytest.mark.parametrize("moment", EXTREMES)
def test_the_ends_of_the_calendar_are_days_too(zone: str, moment: str) -> None:
    """Nothing is stored of it, and nothing falls over."""
    period = {"start": moment, "end": moment}
    payer = PREAUTHORISED | {"preAuthPeriod": period}
    made = world(zone, *DONE, INSURED, payer, encounter(2, period=period))
    assert refused(made, appointment(3, **period))
    assert refused(made, session(2, performedPeriod=period))
