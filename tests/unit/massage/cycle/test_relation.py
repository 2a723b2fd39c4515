"""Whose side a client is on in an episode, and what it is to a single Task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.concept import coded
from service.massage.cycle import EVERY_SIDE, SYSTEM, Party, party_of
from service.massage.cycle.relation import relations
from service.massage.cycle.terms import TASK_CODE
from tests.builders.loop import (
    CLINIC,
    ORGANISATIONS,
    REFERRER,
    STRANGER,
    World,
    abort,
    referral,
    task,
    working_world,
)

if TYPE_CHECKING:
    from service.fhir.resource import Content


def roles(world: World, organisation: str | None, client_role: str | None) -> frozenset[str]:
    return frozenset(party_of(world.episode, organisation, client_role, ORGANISATIONS.get).roles)


OPEN_ORDER = World.of(referral(performer=[]), {name: value for name, value in task().items() if name != "owner"})

OPEN_TO_ONE = World.of(referral(), {name: value for name, value in task().items() if name != "owner"})

OPEN_AGAIN = World.of(
    referral(),
    task(status="rejected"),
    {name: value for name, value in task(id="second").items() if name != "owner"},
)

ELSEWHERE = World.of(referral(), task(status="rejected"), task(id="second", owner={"reference": "Organization/other"}))


@pytest.mark.parametrize(
    "world, organisation, client_role, expected",
    [
        (working_world(), "Organization/referrer", "referrer", {"referrer"}),
        (working_world(), "Organization/clinic", "clinic", {"clinic"}),
        (working_world(), "Organization/other", "clinic", set()),
        (working_world(), "Organization/other", "referrer", set()),
        (working_world(), "Organization/referrer", None, {"referrer"}),
        (working_world(), "Organization/clinic", None, {"clinic"}),
        (working_world(), None, None, EVERY_SIDE),
        (working_world(), None, "researcher", set()),
        (working_world(), "Organization/clinic", "researcher", set()),
        (working_world(), None, "administrator", {"administrator"}),
        (working_world(), "Organization/clinic", "administrator", {"administrator"}),
        (working_world(), None, "patient", {"patient"}),
        (OPEN_ORDER, "Organization/other", "clinic", {"clinic"}),
        (OPEN_ORDER, "Organization/other", None, {"clinic"}),
        (OPEN_ORDER, "Organization/other", "referrer", set()),
        (OPEN_ORDER, "Organization/referrer", "referrer", {"referrer"}),
        (OPEN_ORDER, "Organization/referrer", "clinic", {"referrer", "clinic"}),
        (OPEN_TO_ONE, "Organization/clinic", "clinic", {"clinic"}),
        (OPEN_TO_ONE, "Organization/other", "clinic", set()),
        (OPEN_AGAIN, "Organization/other", "clinic", {"clinic"}),
        (ELSEWHERE, "Organization/clinic", "clinic", set()),
        (ELSEWHERE, "Organization/other", "clinic", {"clinic"}),
        (World.of(referral(), task(status="rejected")), "Organization/clinic", "clinic", {"clinic"}),
        (World.of(referral()), "Organization/clinic", "clinic", {"clinic"}),
    ],
)
def test_a_client_is_what_its_organisation_is_in_the_episode(
    world: World, organisation: str | None, client_role: str | None, expected: set[str]
) -> None:
    assert roles(world, organisation, client_role) == expected


@pytest.mark.parametrize(
    "asked, who, expected",
    [
        (abort(), REFERRER, {"author"}),
        (abort(), CLINIC, {"addressee"}),
        (abort(), STRANGER, set()),
        (abort(owner={"reference": "Organization/other"}), STRANGER, set()),
        (abort(owner={"reference": "Organization/referrer"}), REFERRER, {"author"}),
        ({name: value for name, value in abort().items() if name != "owner"}, CLINIC, {"addressee"}),
        ({name: value for name, value in abort().items() if name != "owner"}, REFERRER, {"author"}),
        (
            abort(owner={"reference": "Organization/referrer"}),
            Party(roles=frozenset({"referrer", "clinic"}), organisation="Organization/referrer"),
            {"author", "addressee"},
        ),
        (abort(), Party(roles=EVERY_SIDE), {"author", "addressee"}),
        (abort(), SYSTEM, set()),
    ],
)
def test_nobody_answers_himself_and_no_stranger_answers(asked: Content, who: Party, expected: set[str]) -> None:
    assert relations(asked, who, working_world().surroundings) == expected


def test_two_clinics_do_not_both_claim() -> None:
    world = OPEN_ORDER
    sent = world.get("Task/task") | {"status": "received"}
    other = Party(roles=frozenset({"clinic"}), organisation="Organization/other")

    world.judge(CLINIC, sent)
    second = world.judge(other, world.get("Task/task") | {"status": "accepted"})

    assert world.get("Task/task")["owner"] == {"reference": "Organization/clinic"}
    assert [one.code for one in second.refusals] == ["wrong-actor"]


def test_a_claim_cannot_be_made_for_another() -> None:
    world = World.of(referral(performer=[]), {name: value for name, value in task().items() if name != "owner"})
    sent = task(status="received", owner={"reference": "Organization/other"})
    assert [one.code for one in world.judge(CLINIC, sent).refusals] == ["wrong-actor"]


def test_a_task_of_another_kind_is_touched_by_no_rule() -> None:
    reminder: dict[str, Any] = {
        "resourceType": "Task",
        "id": "reminder",
        "status": "draft",
        "code": coded(TASK_CODE, "approve"),
        "focus": {"reference": "Task/task"},
    }
    assert working_world().judge(STRANGER, reminder).effects == ()
