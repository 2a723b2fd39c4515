"""What the demo tells: every state, every condition, nothing in the future, all of it valid and marked."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from service.demo.directory import SYNTHETIC, organisations, therapists
from service.demo.patients import person_of
from service.demo.scenarios import SCENARIOS
from service.demo.story import tell
from service.fhir.codec import decode, encode
from service.fhir.concept import code_in, codings
from service.massage.cycle.moment import end_of, start_of
from service.massage.cycle.terms import BUSINESS_STATUS, TASK_CODE
from service.massage.outcome import Measures, compared
from tests.demo.conftest import PATIENTS, SEED, TODAY, row_of

if TYPE_CHECKING:
    from service.assembly import Standard
    from service.demo.world import Surroundings, World
    from service.massage.protocol import Protocols

Json = dict[str, Any]

DICE = Random(0)  # noqa: S311 - a play

STANDS = {
    "requested": ("requested", "awaiting-triage"),
    "open": ("requested", "awaiting-triage"),
    "safety-hold": ("requested", "safety-hold"),
    "received": ("received", "in-review"),
    "awaiting-information": ("received", "awaiting-information"),
    "accepted": ("accepted", "accepted-unscheduled"),
    "planned": ("accepted", "accepted-unscheduled"),
    "rejected": ("rejected", "declined"),
    "cancelled": ("cancelled", "cancelled-by-referrer"),
    "expired": ("cancelled", "expired"),
    "entered-in-error": ("entered-in-error", None),
    "under-way": ("in-progress", "visit-scheduled"),
    "due": ("in-progress", "progress-report-due"),
    "no-show": ("in-progress", "visit-no-show"),
    "visit-cancelled": ("in-progress", "visit-cancelled"),
    "exhausted": ("in-progress", "visits-exhausted"),
    "report-pending": ("in-progress", "report-pending"),
    "cancellation-requested": ("in-progress", "cancellation-requested"),
    "on-hold": ("on-hold", "awaiting-information"),
    "aborted": ("cancelled", "cancelled-by-referrer"),
    "lost": ("failed", "discontinued"),
    "adverse-event": ("failed", "discontinued"),
    "closed": ("completed", "closed-loop"),
    "acknowledged": ("completed", "closed-loop"),
}


def coordination(world: World) -> Json:
    (task,) = [each for each in world.all("Task") if code_in(each["code"], TASK_CODE) == "fulfill"]
    return task


def everything(worlds: list[World]) -> list[Json]:
    """Every version of every resource."""
    listed = [version for world in worlds for kept in world.kept.values() for version in kept.versions]
    return [decode(each.content or b"") for each in listed]


def test_every_scenario_comes_to_where_it_is_to_stand(worlds: list[World]) -> None:
    found = {}
    for number, world in enumerate(worlds):
        task = coordination(world)
        state = (task["status"], code_in(task.get("businessStatus"), BUSINESS_STATUS))
        found[row_of(number).ending] = state
    assert found == STANDS


def test_every_condition_of_the_catalogue_has_a_patient(protocols: Protocols) -> None:
    found = {person_of(protocols, SEED, number, DICE).condition for number in range(PATIENTS)}
    assert found == set(protocols.catalogue.conditions)


def test_of_many_patients_each_scenario_comes_as_often_as_it_says() -> None:
    drawn = Counter(row_of(number) for number in range(3 * PATIENTS))
    assert drawn == {row: 3 * row.often for row in SCENARIOS}


def test_nothing_lies_ahead_but_booked_visits(worlds: list[World]) -> None:
    now = datetime.combine(TODAY, time(), UTC) + timedelta(days=1)
    assert max(sent.moment for world in worlds for sent in world.sent) < now
    late = [each for each in everything(worlds) if (start_of(each.get("start")) or now) > now]
    assert {(each["resourceType"], each["status"]) for each in late} == {("Appointment", "booked")}


def test_everything_is_marked_as_made_up(worlds: list[World]) -> None:
    assert all(each["meta"]["security"] == [SYNTHETIC] for each in everything(worlds))


def test_every_version_is_valid(worlds: list[World], standard: Standard) -> None:
    contents = [*everything(worlds), *(decode(encode(each)) for _, each in [*organisations(), *therapists(SEED, 0, 1)])]
    told = [issue for each in contents for issue in standard.validator.issues(each, each["resourceType"])]
    assert told == []


def test_no_therapist_is_in_two_sessions_at_once(around: Surroundings, protocols: Protocols) -> None:
    sessions: dict[str, list[tuple[datetime, datetime]]] = {}
    for number in range(0, 3 * PATIENTS, 3):  # of one clinic
        for each in tell(around, protocols, SEED, number, TODAY).all("Procedure"):
            if "partOf" not in each:
                begins, ends = start_of(each["performedPeriod"]), end_of(each["performedPeriod"])
                assert begins is not None
                assert ends is not None
                sessions.setdefault(each["performer"][0]["actor"]["reference"], []).append((begins, ends))
    assert sum(map(len, sessions.values())) > PATIENTS
    for listed in sessions.values():
        assert all(before[1] <= after[0] for before, after in pairwise(sorted(listed)))


def test_trajectories_go_where_the_scenario_says(worlds: list[World], protocols: Protocols) -> None:
    measures = Measures(protocols.catalogue)
    classes: dict[str, set[str]] = {"better": set(), "worse": set(), "plateau": set()}
    for number, world in enumerate(worlds):
        scenario = row_of(number)
        if scenario.ending in {"closed", "acknowledged"}:
            for series in _series(world, measures):
                if series.measure.row.change is not None:
                    classes[scenario.course].add(compared(series).progress)
    assert classes["better"] == {"improved"}
    assert classes["worse"] <= {"worse", "no-change"}
    assert "worse" in classes["worse"]
    assert classes["plateau"] == {"no-change"}


def _series(world: World, measures: Measures) -> Any:
    from service.massage.outcome import collect

    found = [each for each in world.all("Observation") if not _is_after(each)]
    return collect(found, measures, UTC)[0]


def _is_after(observation: Json) -> bool:
    return any(each["code"] == "nprs-after-session" for each in codings(observation["code"]))


@pytest.mark.parametrize("number", [0, 7])
def test_the_same_seed_tells_the_same_story(around: Surroundings, protocols: Protocols, number: int) -> None:
    first, second = (tell(around, protocols, SEED, number, TODAY) for _ in range(2))
    assert [(each.moment, [one["id"] for one in each.contents]) for each in first.sent] == [
        (each.moment, [one["id"] for one in each.contents]) for each in second.sent
    ]
    other = tell(around, protocols, SEED + 1, number, TODAY)
    assert [each.moment for each in other.sent] != [each.moment for each in first.sent]
