"""$apply of every protocol for every patient of the demo: a plan that is valid by our profiles, or a word why not."""

from __future__ import annotations

from collections import Counter
from datetime import UTC
from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.codec import decode, encode
from service.fhir.outcome import FhirError
from service.massage import protocol
from service.massage.outcome import Measures
from service.massage.protocol.goals import aim_of
from service.massage.protocol.measured import latest
from service.massage.screening.record import record_of
from service.massage.screening.screen import screen
from tests.builders.profiles import claimed_issues
from tests.builders.screening import rules

if TYPE_CHECKING:
    from service.assembly import Standard
    from service.demo.world import World
    from service.massage.protocol import Case, Protocol, Protocols

Json = dict[str, Any]

PROTOCOLS = protocol.load()
_FULLY = 3
"""Patients whose plans are looked at in every form; of all others as an active plan."""


def case_of(world: World, protocols: Protocols, row: Protocol) -> Case:
    """The patient and the order as they stood on the day of the order, with what has been measured since."""
    (referral,) = world.all("ServiceRequest")
    known = [each for kind in ("Condition", "Observation") for each in world.all(kind)]
    began = world.sent[0].moment
    return protocol.Case(
        patient=referral["subject"]["reference"],
        referral=referral,
        screening=screen(referral, record_of(known), rules(), began),
        today=began.date(),
        measured=latest(world.all("Observation"), row.goals, Measures(protocols.catalogue), UTC),
    )


@pytest.mark.parametrize("row", PROTOCOLS.rows.values(), ids=PROTOCOLS.rows)
def test_every_plan_is_valid_or_refused_for_safety(
    worlds: list[World], protocols: Protocols, standard: Standard, row: Protocol
) -> None:
    """Refused is the patient with a thrombosis alone."""
    came: Counter[str] = Counter()
    for world in worlds:
        try:
            plan = decode(encode(protocol.apply(protocols, row, case_of(world, protocols, row))))
        except FhirError as error:
            came[str(error.code)] += 1
            continue
        came["planned"] += 1
        assert standard.validator.issues(plan, "CarePlan") == []
        assert claimed_issues(plan | {"status": "active"}) == []
        if came["planned"] <= _FULLY:
            assert claimed_issues(plan) == []
            for each in decode(encode(protocol.bundled(plan)))["entry"]:
                content = each["resource"]
                assert standard.validator.issues(content, content["resourceType"]) == []
    assert came == {"planned": len(worlds) - 1, "guard-safety": 1}


@pytest.mark.parametrize("row", PROTOCOLS.rows.values(), ids=PROTOCOLS.rows)
def test_a_goal_says_no_more_of_an_instrument_than_its_name_and_numbers(
    worlds: list[World], protocols: Protocols, row: Protocol
) -> None:
    """No wording of it, which may be its owner's."""
    plan = protocol.apply(protocols, row, case_of(worlds[0], protocols, row))
    goals = [each for each in plan["contained"] if each["resourceType"] == "Goal"]
    assert len(goals) == len(row.goals)
    for code, goal in zip(row.goals, goals, strict=True):
        aim = aim_of(code, protocols.catalogue.outcome_measures[code])
        wanted = goal["target"][0].get("detailQuantity", {}).get("value")
        assert goal["description"] == {"text": aim.words(wanted)}
        assert goal["target"][0]["measure"]["text"] == protocols.catalogue.outcome_measures[code].display


def test_what_the_demo_stores_meets_the_profiles_that_it_claims(worlds: list[World]) -> None:
    """Referrals, Tasks, plans, sessions and outcomes, as they stand."""
    stored = [decode(kept.versions[-1].content or b"") for world in worlds for kept in world.kept.values()]
    claiming = [each for each in stored if "profile" in each["meta"]]
    assert {each["resourceType"] for each in claiming} == {
        "CarePlan",
        "Observation",
        "Procedure",
        "ServiceRequest",
        "Task",
    }
    told = {(each["resourceType"], issue.diagnostics) for each in claiming for issue in claimed_issues(each)}
    assert told == set()
