"""What payers ask: the usual rules and their sources, the file of a deployment, and which plan a referral is of."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from service.massage.catalogue.rows import load as load_catalogue
from service.massage.cycle import Policy
from service.massage.payers import Payers, PayersError, load
from service.massage.payers.rows import USUAL
from service.serve import ServeError, _check_rules
from service.settings import Settings
from tests.builders.loop import CLINIC, World, appointment, encounter, referral, session, task

if TYPE_CHECKING:
    from pathlib import Path

Json = dict[str, Any]

STATE_PLAN = """
[[plan]]
name = "State plan"
payer = "Organization/state"
plan = "PPO-1"
shortest_session_minutes = 15
report_every_days = 60
needs_authorisation = true
visits_without_authorisation = 0
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "payers.toml"
    path.write_text(text, encoding="utf-8")
    return path


def coverage(payor: Json, value: str = "PPO-1") -> Json:
    return {"resourceType": "Coverage", "id": "card", "status": "active", "payor": [payor], "class": [{"value": value}]}


def policy_of(payers: Payers, *coverages: Json) -> Policy:
    """The rules for a referral that names these."""
    stored = {one["id"]: one for one in coverages}
    insurance = [{"reference": f"Coverage/{each}"} for each in stored]
    return payers.policy_of(referral(insurance=insurance), {"Coverage": stored})


def test_the_usual_rules_are_those_that_the_life_cycles_begin_with() -> None:
    assert load().usual == Policy()


def test_every_usual_rule_has_a_source_that_is_known() -> None:
    rows = tomllib.loads(USUAL.read_text("utf-8"))
    assert rows["sources"].keys() == rows["usual"].keys()
    assert {one for each in rows["sources"].values() for one in each} <= load_catalogue().sources.keys()


def test_a_deployments_usual_rules_hold_for_all(tmp_path: Path) -> None:
    payers = load(written(tmp_path, "[usual]\nlongest_session_minutes = 120\nreport_every_days = 14"))
    expected = Policy(longest_session_minutes=120, report_every=timedelta(days=14))
    assert policy_of(payers, coverage({"reference": "Organization/state"})) == expected


def test_a_plan_is_known_by_payer_and_class(tmp_path: Path) -> None:
    payers = load(written(tmp_path, STATE_PLAN))
    of_state = policy_of(payers, coverage({"reference": "Organization/state"}))
    assert (of_state.shortest_session_minutes, of_state.longest_session_minutes) == (15, 90)
    assert (of_state.report_every, of_state.visits_without_authorisation) == (timedelta(days=60), 0)
    assert policy_of(payers, coverage({"reference": "Organization/state"}, "HMO-2")) == Policy()
    assert policy_of(payers, coverage({"reference": "Organization/other"})) == Policy()
    assert policy_of(payers) == Policy()


def test_a_payer_is_known_by_its_identifier_too(tmp_path: Path) -> None:
    payers = load(written(tmp_path, STATE_PLAN.replace("Organization/state", "urn:payers|7")))
    assert policy_of(payers, coverage({"identifier": {"system": "urn:payers", "value": "7"}})) != Policy()


def test_the_first_coverage_of_a_known_plan_decides(tmp_path: Path) -> None:
    payers = load(written(tmp_path, STATE_PLAN))
    other = coverage({"reference": "Organization/other"}) | {"id": "other"}
    assert policy_of(payers, other, coverage({"reference": "Organization/state"})) != Policy()


@pytest.mark.parametrize("status", ["cancelled", "draft", "entered-in-error"])
def test_a_coverage_that_is_not_in_force_decides_nothing(tmp_path: Path, status: str) -> None:
    payers = load(written(tmp_path, STATE_PLAN))
    assert policy_of(payers, coverage({"reference": "Organization/state"}) | {"status": status}) == Policy()


@pytest.mark.parametrize(
    "text, told",
    [
        ("[usual]\nsession_minutes = 30", "session_minutes"),
        ("[usual]\nvisits_a_day = 0", "visits_a_day"),
        ("[usual]\nvisits_a_day = true", "visits_a_day"),
        ("[usual]\nshortest_session_minutes = 91", "usual: shortest_session_minutes must not be more"),
        (f"{STATE_PLAN}least_minutes_of_a_unit = 16", "State plan: least_minutes_of_a_unit must not be more"),
        ('[[plan]]\nname = "Nobody\'s"', "payer"),
        ("[usual", "is not TOML"),
    ],
)
def test_a_malformed_file_stops_the_start(tmp_path: Path, text: str, told: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(PayersError, match=told):
        load(path)
    with pytest.raises(ServeError, match="PAYER_RULES: "):
        _check_rules(Settings(payer_rules=path))


def test_a_file_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(PayersError, match="cannot be read"):
        load(tmp_path / "nothing.toml")


def insured(visits: int, **policy: Any) -> World:
    """So many sessions are delivered for a Coverage, of six ordered, without the payer's answer."""
    card = referral(insurance=[{"reference": "Coverage/card"}])
    world = World.of(card, task(status="in-progress"))
    for number in range(1, visits + 1):
        world.keep(encounter(number, status="finished"))
        world.keep(session(number))
    world.policy = Policy(**policy)
    return world


def test_whoever_goes_beyond_the_visits_that_are_paid_unasked_is_warned() -> None:
    world = insured(2, visits_without_authorisation=3)
    assert world.judge(CLINIC, appointment(3)).notices == ()
    (told,) = world.judge(CLINIC, appointment(4)).notices
    assert (told.severity, told.expression) == ("warning", ("ServiceRequest.insurance",))


def test_a_plan_that_has_to_be_asked_covers_its_first_visits_only() -> None:
    world = insured(2, visits_without_authorisation=3, needs_authorisation=True)
    assert world.judge(CLINIC, appointment(3)).refusals == ()
    (refused,) = world.judge(CLINIC, appointment(4)).refusals
    assert refused.text.startswith("covered without authorization 3, ordered 6, completed 2, booked 1, requested 1;")
