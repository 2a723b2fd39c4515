"""What is told of a clinic's referrals together: numbers worked out by hand, and none that is about too few."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.concept import coded
from service.massage.catalogue.rows import load
from service.massage.cycle.terms import STEP
from service.massage.cycle.view import View
from service.massage.outcome import Measures
from service.massage.quality import Facts, Period, Told, account, entangled, facts_of, period_of, withheld

if TYPE_CHECKING:
    from collections.abc import Mapping

CATALOGUE = load()
TOLD = Told(CATALOGUE, Measures(CATALOGUE))
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def facts(condition: str = "neck-pain", status: str = "completed", hours: float = 24, **elements: Any) -> Facts:
    given: dict[str, Any] = {"techniques": frozenset({"deep-tissue"}), "waited": timedelta(hours=hours)}
    return Facts(condition=condition, status=status, **given | elements)


def of_pain(*progress: str) -> list[Facts]:
    return [facts(classes={"nprs": each}) for each in progress]


def test_the_loop_is_counted_by_how_it_ended() -> None:
    ended = ["completed"] * 6 + ["failed"] * 2 + ["rejected"] + ["cancelled"] + ["in-progress"] * 3
    told = account([facts(status=each) for each in ended], 1)
    assert told.loop is not None
    assert told.referrals == 13
    assert told.loop.parts == {"completed": 6, "failed": 2, "declined": 1, "cancelled": 1, "open": 3}
    assert told.loop.share == 0.6


def test_what_was_entered_in_error_does_not_count() -> None:
    assert account([facts(), facts(status="entered-in-error")], 1).referrals == 1


def test_the_time_until_acceptance_is_a_median() -> None:
    assert account([facts(hours=each) for each in (2, 50, 4, 6)], 1).waited_hours == 5.0


def test_missed_visits_are_a_share_of_all() -> None:
    told = account([facts(kept=5, missed=1), facts(kept=3, missed=1), facts()], 1)
    assert told.visits is not None
    assert (told.visits.parts, told.visits.share) == ({"kept": 8, "missed": 2}, 0.2)


def test_improvement_is_a_share_of_those_of_whom_a_change_is_known() -> None:
    told = account([*of_pain("improved", "improved", "no-change", "worse", "insufficient-data"), facts()], 1)
    (group,) = told.conditions
    cells = group.measures["nprs"]
    assert (group.code, group.referrals, cells.whole) == ("neck-pain", 6, 6)
    assert cells.parts == {"improved": 2, "no-change": 1, "worse": 1, "insufficient-data": 1, "not-measured": 1}
    assert cells.share == 0.5


def test_a_referral_counts_for_each_of_its_techniques() -> None:
    both = facts(techniques=frozenset({"deep-tissue", "trigger-point"}))
    told = account([both, facts()], 1)
    assert {each.code: each.referrals for each in told.techniques} == {"deep-tissue": 2, "trigger-point": 1}


def test_of_too_few_nothing_is_told() -> None:
    assert account([facts()] * 4, 5) == account([], 5)


def test_a_small_group_takes_the_next_with_it() -> None:
    """Else the total would tell how many it has."""
    members = [*[facts("neck-pain")] * 9, *[facts("migraine")] * 6, *[facts("tinnitus")] * 2]
    told = account(members, 5)
    assert [each.code for each in told.conditions] == ["neck-pain"]
    assert (told.referrals, told.hidden_conditions) == (17, 2)


def test_a_technique_of_all_but_one_of_a_condition_is_not_told() -> None:
    """Else the one who had another would be known: the condition's numbers less those of the technique."""
    most = [facts(classes={"nprs": "improved"})] * 9
    one = facts(techniques=frozenset({"trigger-point"}), classes={"nprs": "worse"})
    others = [facts("migraine", techniques=frozenset({"trigger-point"}))] * 6
    told = account([*most, one, *others], 5)
    assert [(each.code, each.referrals) for each in told.conditions] == [("migraine", 6), ("neck-pain", 10)]
    assert (told.techniques, told.hidden_techniques) == ((), 2)


GROUPS = st.dictionaries(st.sampled_from("abcdef"), st.frozensets(st.integers(0, 12), min_size=1), max_size=6)


@given(groups=GROUPS, sizes=st.lists(st.integers(1, 4), max_size=4), least=st.integers(1, 5))
def test_no_group_that_is_told_differs_by_a_few_from_a_union_or_another(
    groups: dict[str, frozenset[int]], sizes: list[int], least: int
) -> None:
    """By all unions, one by one."""
    starts = [sum(sizes[:place]) for place in range(len(sizes))]
    told = [frozenset(range(start, start + size)) for start, size in zip(starts, sizes, strict=True)]
    hidden = entangled(groups, told, least)
    unions = [
        frozenset().union(*(each for place, each in enumerate(told) if chosen >> place & 1))
        for chosen in range(1 << len(told))
    ]
    kept = [group for key, group in groups.items() if key not in hidden]
    assert all(not 0 < min(len(group ^ union) for union in unions) < least for group in kept)
    assert all(not 0 < len(one ^ other) < least for one in kept for other in kept)


GRID: list[tuple[Period, str, str]] = [
    ("month", "2026-11-01", "2026-12-01"),
    ("quarter", "2026-10-01", "2027-01-01"),
    ("half-year", "2026-07-01", "2027-01-01"),
    ("year", "2026-01-01", "2027-01-01"),
]


@pytest.mark.parametrize("period, first, after", GRID)
def test_a_day_is_in_one_period_of_the_grid(period: Period, first: str, after: str) -> None:
    begins, ends = period_of(date(2026, 11, 22), period)
    assert (begins.isoformat(), ends.isoformat()) == (first, after)
    assert {period_of(begins + timedelta(days=each), period) for each in range((ends - begins).days)} == {
        (begins, ends)
    }


def test_a_share_that_would_give_a_small_number_away_is_not_told() -> None:
    told = account([facts(status=each) for each in ["completed"] * 9 + ["failed"] * 6 + ["in-progress"]], 5)
    assert told.loop is not None
    assert told.loop.parts["open"] is None
    assert told.loop.share is None


def test_a_share_of_what_is_told_is_told() -> None:
    told = account([facts(status=each) for each in ["completed"] * 15 + ["failed"] * 3 + ["cancelled"] * 2], 5)
    assert told.loop is not None
    assert (told.loop.parts["completed"], told.loop.parts["failed"], told.loop.share) == (15, None, 0.75)


@pytest.mark.parametrize(
    "parts, least, hidden",
    [
        ({"a": 9, "b": 6}, 5, ""),
        ({"a": 9, "b": 0}, 5, ""),
        ({"a": 9, "b": 6, "c": 4}, 5, "bc"),
        ({"a": 9, "b": 3, "c": 4}, 5, "bc"),
        ({"a": 9, "b": 2, "c": 1}, 5, "abc"),
        ({"a": 39, "b": 0, "c": 1}, 5, "abc"),
        ({"a": 4}, 1, ""),
    ],
)
def test_what_is_withheld_is_as_by_hand(parts: dict[str, int], least: int, hidden: str) -> None:
    assert withheld(parts, least) == frozenset(hidden)


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 12), min_size=1), st.integers(1, 6))
def test_no_small_number_can_be_worked_out(parts: Mapping[str, int], least: int) -> None:
    """From the total and what is told follow no part and no sum of parts that is small, unless all is withheld."""
    hidden = withheld(parts, least)
    assert all(parts[each] == 0 or parts[each] >= least for each in parts.keys() - hidden)
    if hidden and hidden != set(parts):
        assert len(hidden) > 1
        assert sum(parts[each] for each in hidden) >= least


def test_facts_are_read_from_an_episode() -> None:
    reason, task = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "M54.2"}]}, "Task/t"
    order: dict[str, Any] = {"resourceType": "ServiceRequest", "id": "r", "subject": {"reference": "Patient/p"}}
    order |= {"authoredOn": "2026-01-01", "reasonReference": [{"reference": "Condition/c"}]}
    asked = {"resourceType": "Task", "id": "t", "status": "failed", "authoredOn": "2026-01-01T08:00:00Z"}
    contents: list[dict[str, Any]] = [
        order,
        asked,
        {"resourceType": "Condition", "id": "c", "code": reason},
        *(_step(f"{number}", name, task, moment) for number, (name, moment) in enumerate(
            (("T3", "2026-01-02T20:00:00Z"), ("T2", "2026-01-01T09:00:00Z")))),
        _step("other", "T3", "Task/other", "2026-01-01T08:30:00Z"),
        *({"resourceType": "Appointment", "id": each, "status": each} for each in ("noshow", "fulfilled", "booked")),
        {"resourceType": "Procedure", "id": "p", "status": "completed", "code": _technique("trigger-point")},
        {"resourceType": "Procedure", "id": "q", "status": "not-done", "code": _technique("deep-tissue")},
        *(_pain(day, value) for day, value in ((1, 7), (8, 4))),
    ]  # fmt: skip
    by_type: dict[str, dict[str, Any]] = {}
    for each in contents:
        by_type.setdefault(str(each["resourceType"]), {})[str(each["id"])] = each
    assert facts_of(View("r", by_type, ""), asked, TOLD, UTC, NOW) == Facts(
        condition="neck-pain",
        techniques=frozenset({"trigger-point"}),
        status="failed",
        waited=timedelta(hours=36),
        kept=1,
        missed=1,
        classes={"nprs": "improved"},
    )


def _step(logical_id: str, name: str, target: str, moment: str) -> dict[str, Any]:
    found = {"resourceType": "Provenance", "id": logical_id, "recorded": moment, "activity": coded(STEP, name)}
    return found | {"target": [{"reference": f"{target}/_history/2"}]}


def _technique(code: str) -> dict[str, Any]:
    return coded("https://massage-fhir.example.org/fhir/CodeSystem/massage-technique", code)


def _pain(day: int, value: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "resourceType": "Observation",
        "id": f"o{day}",
        "status": "final",
        "subject": {"reference": "Patient/p"},
    }
    found |= {"code": coded("http://loinc.org", "72514-3"), "effectiveDateTime": f"2026-01-{day:02}"}
    return found | {"valueInteger": value}


def test_names_of_conditions_are_the_catalogues() -> None:
    for code, name in (("M54.2", "neck-pain"), ("M54.50", "low-back-pain"), ("Z99.9", None)):
        assert TOLD.condition(coded("http://hl7.org/fhir/sid/icd-10-cm", code)) == name
