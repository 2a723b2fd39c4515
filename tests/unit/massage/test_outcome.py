"""Whether a patient gets better: changes worked out by hand, by the measures and sources of the catalogue."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.commensurable import in_unit
from service.massage.catalogue.rows import load
from service.massage.outcome import Measures, achievement_of, collect, compared, is_met, told
from service.massage.systems import OUTCOME

Json = dict[str, Any]

CATALOGUE = load()
MEASURES = Measures(CATALOGUE)
LOINC = {"nprs": "72514-3", "odi": "97909-6", "ndi": "82237-9", "knee-left": "41343-5", "knee-right": "41347-6",
         "extension": "41349-2", "shoulder": "41389-8", "vas": "38214-3", "faces": "38221-8"}  # fmt: skip


def concept(name: str) -> Json:
    if name in LOINC:
        return {"coding": [{"system": "http://loinc.org", "code": LOINC[name]}]}
    return {"coding": [{"system": OUTCOME, "code": name}]}


def measured(name: str, day: str, value: str | None, unit: str = "{score}", **elements: Any) -> Json:
    """An Observation, its value in the unit."""
    quantity = {"value": Decimal(value), "system": "http://unitsofmeasure.org", "code": unit} if value else None
    content: Json = {"resourceType": "Observation", "id": f"{name}-{day}-{value}", "status": "final"}
    content |= {"code": concept(name), "effectiveDateTime": day}
    return content | ({"valueQuantity": quantity} if quantity else {}) | elements


def by(name: str) -> Json:
    return {"performer": [{"reference": f"Practitioner/{name}"}]}


def course(name: str, *values: str, unit: str = "{score}") -> list[Json]:
    """One measurement a week, from 2026-01-01."""
    return [measured(name, f"2026-01-{1 + 7 * week:02}", value, unit) for week, value in enumerate(values)]


def only(observations: list[Json]) -> Any:
    """What the one series of Observations comes to."""
    (series,), _ = collect(observations, MEASURES, UTC)
    return compared(series)


def left_out(observation: Json) -> str:
    _, (found,) = collect([observation], MEASURES, UTC)
    return found.reason


CLASSES = [
    ("pain 7 to 3: -4 is 2 or more", course("nprs", "7", "5", "3"), "improved", "-4", "-57.1", "change"),
    ("pain 3 to 2: -1 is 33.3 %", course("nprs", "3", "2"), "improved", "-1", "-33.3", "percent"),
    ("pain 4 to 3: -1 is 25 %", course("nprs", "4", "3"), "no-change", "-1", "-25.0", None),
    ("pain 5 to 7", course("nprs", "5", "7"), "worse", "2", "40.0", "change"),
    ("pain 0 to 1: no percentage of nothing", course("nprs", "0", "1"), "no-change", "1", None, None),
    ("pain stays 0", course("nprs", "0", "0"), "no-change", "0", None, None),
    ("one measurement", course("nprs", "7"), "insufficient-data", None, None, None),
    ("disability 42 to 26 %", course("odi", "42", "26", unit="%"), "improved", "-16", "-38.1", "change"),
    ("disability 42 to 33 %: -9 is 21.4 %", course("odi", "42", "33", unit="%"), "no-change", "-9", "-21.4", None),
    ("raw disability has no source", course("odi", "40", "10"), "unknown", "-30", "-75.0", None),
    ("neck, raw: 10 of 50", course("ndi", "30", "20"), "improved", "-10", "-33.3", "change"),
    ("neck, raw: 9 of 50, whatever percentage", course("ndi", "12", "3"), "no-change", "-9", "-75.0", None),
    ("neck in percent has no number", course("ndi", "60", "20", unit="%"), "unknown", "-40", "-66.7", None),
    ("higher is better", course("psfs", "3.5", "6.2"), "improved", "2.7", "77.1", "change"),
    ("higher is better, and it falls", course("psfs", "6.2", "3.5"), "worse", "-2.7", "-43.5", "change"),
    ("faces have no threshold", course("faces", "8", "0"), "unknown", "-8", "-100.0", None),
]


@pytest.mark.parametrize("observations, progress, change, percent, basis", [row[1:] for row in CLASSES],
                         ids=[row[0] for row in CLASSES])  # fmt: skip
def test_a_change_is_called_what_the_source_calls_it(
    observations: list[Json], progress: str, change: str | None, percent: str | None, basis: str | None
) -> None:
    found = only(observations)
    as_decimal = [None if each is None else Decimal(each) for each in (change, percent)]
    assert (found.progress, [found.change, found.percent], found.basis) == (progress, as_decimal, basis)


def test_first_latest_best_and_worst_are_told() -> None:
    found = only(course("nprs", "6", "8", "2", "4"))
    values = [int(each.value) for each in (found.baseline, found.latest, found.best, found.worst)]
    assert values == [6, 4, 2, 8]


@pytest.mark.parametrize(
    "values, trend, per_week",
    [(("8", "6", "4"), "improving", "-2.00"), (("4", "6", "5"), "worsening", "0.50"), (("5", "9", "5"), "level", "0")],
)
def test_the_trend_is_the_line_through_all(values: tuple[str, ...], trend: str, per_week: str) -> None:
    found = only(course("nprs", *values))
    assert (found.trend, found.per_week) == (trend, Decimal(per_week))


def test_measurements_of_one_moment_have_no_trend() -> None:
    found = only([measured("nprs", "2026-01-01", "7"), measured("nprs", "2026-01-01", "3")])
    assert (found.trend, found.per_week) == ("unknown", None)


def test_raw_scores_and_percentages_are_never_one_series() -> None:
    series, _ = collect([*course("odi", "21", "13"), *course("odi", "42", unit="%")], MEASURES, UTC)
    assert [(each.unit, len(each.readings)) for each in series] == [("%", 1), ("{score}", 2)]


@pytest.mark.parametrize("told_apart", [
    [measured("knee-left", "2026-01-01", "90", "deg"), measured("knee-right", "2026-01-08", "120", "deg")],
    [measured("nprs", "2026-01-01", "7", bodySite={"text": "neck"}),
     measured("nprs", "2026-01-08", "3", bodySite={"text": "back"})],
    [measured("rom-cervical", "2026-01-01", "40", "deg", method={"text": "rotation"}),
     measured("rom-cervical", "2026-01-08", "60", "deg", method={"text": "flexion"})],
], ids=["side", "site", "method"])  # fmt: skip
def test_what_cannot_be_compared_is_no_series(told_apart: list[Json]) -> None:
    series, _ = collect(told_apart, MEASURES, UTC)
    assert [compared(each).progress for each in series] == ["insufficient-data"] * 2


def test_lengths_are_converted() -> None:
    found = only([measured("vas", "2026-01-01", "6.5", "cm"), measured("vas", "2026-01-08", "45", "mm")])
    assert (found.baseline.value, found.change, found.progress) == (65, -20, "improved")


@pytest.mark.parametrize(
    "value, code, unit, expected",
    [
        ("5", "mm", "cm", "0.5"),
        ("2", "wk", "d", "14"),
        ("98.6", "[degF]", "Cel", "37"),
        ("7", "{points}", "{score}", "7"),
        ("40", "%", "{score}", None),
        ("4", "{score}", "%", None),
        ("4", "deg", "cm", None),
        ("4", "nonsense", "cm", None),
    ],
)
def test_a_number_is_converted_where_nobody_guesses(value: str, code: str, unit: str, expected: str | None) -> None:
    assert in_unit(Decimal(value), code, unit) == (None if expected is None else Decimal(expected))


LEFT_OUT = [
    ("entered in error", {"status": "entered-in-error"}, "status"),
    ("cancelled", {"status": "cancelled"}, "status"),
    ("preliminary", {"status": "preliminary"}, "status"),
    ("registered", {"status": "registered"}, "status"),
    ("too high", {"valueQuantity": {"value": 11, "system": "http://unitsofmeasure.org", "code": "{score}"}}, "range"),
    ("too low", {"valueQuantity": {"value": -1, "system": "http://unitsofmeasure.org", "code": "{score}"}}, "range"),
    ("a half", {"valueQuantity": {"value": Decimal("3.5"), "code": "{score}", "system": "http://unitsofmeasure.org"}},
     "range"),
    ("a percentage", {"valueQuantity": {"value": 5, "system": "http://unitsofmeasure.org", "code": "%"}}, "unit"),
    ("an uncoded unit", {"valueQuantity": {"value": 5, "unit": "points"}}, "unit"),
    ("a bound", {"valueQuantity": {"value": 5, "comparator": "<", "system": "http://unitsofmeasure.org",
                                   "code": "{score}"}}, "value"),
    ("no value", {"valueQuantity": {}}, "value"),
    ("no time", {"effectiveDateTime": None}, "time"),
    ("a modifier", {"modifierExtension": [{"url": "http://example.org/x", "valueBoolean": True}]}, "value"),
]  # fmt: skip


@pytest.mark.parametrize("changed, reason", [row[1:] for row in LEFT_OUT], ids=[row[0] for row in LEFT_OUT])
def test_what_does_not_count_is_named(changed: Json, reason: str) -> None:
    content = measured("nprs", "2026-01-01", "5") | changed
    assert left_out({name: value for name, value in content.items() if value is not None}) == reason


def test_a_plain_integer_is_a_score_where_there_is_one_unit() -> None:
    found = only([measured("nprs", "2026-01-01", None, valueInteger=7), measured("nprs", "2026-01-08", "3")])
    assert found.change == -4


def test_a_plain_integer_is_none_where_there_are_two_units() -> None:
    assert left_out(measured("odi", "2026-01-01", None, valueInteger=40)) == "unit"


def test_the_baseline_is_of_the_day_of_the_order_or_later() -> None:
    authored = datetime(2026, 1, 8, 9, tzinfo=UTC)
    (series,), (early,) = collect(course("nprs", "9", "7", "4"), MEASURES, UTC, since=authored)
    assert (str(compared(series).baseline.value), early.reason) == ("7", "early")


def test_what_comes_later_than_asked_for_is_passed_over() -> None:
    until = datetime(2026, 1, 10, tzinfo=UTC)
    (series,), left = collect(course("nprs", "9", "7", "4"), MEASURES, UTC, until=until)
    assert ([int(each.value) for each in series.readings], left) == ([9, 7], [])


def test_of_angles_the_same_rater_is_compared_first() -> None:
    found = only([measured("extension", "2026-01-01", "20", "deg", **by("a")),
                  measured("extension", "2026-01-02", "12", "deg", **by("b")),
                  measured("extension", "2026-01-09", "10", "deg", **by("b"))])  # fmt: skip
    assert (found.change, found.is_same_rater, found.progress) == (-2, True, "below-mdc")


def test_different_raters_must_differ_by_more() -> None:
    found = only([measured("extension", "2026-01-01", "20", "deg", **by("a")),
                  measured("extension", "2026-01-09", "10", "deg", **by("b"))])  # fmt: skip
    assert (found.change, found.threshold.detectable, found.progress) == (-10, Decimal("10.4"), "below-mdc")


def test_more_than_the_measuring_is_still_no_improvement_without_a_source() -> None:
    found = only([measured("extension", "2026-01-01", "20", "deg", **by("a")),
                  measured("extension", "2026-01-09", "5", "deg", **by("a"))])  # fmt: skip
    assert found.progress == "unknown"


def test_a_precision_of_different_raters_says_nothing_of_one() -> None:
    found = only([measured("shoulder", "2026-01-01", "90", "deg", **by("a")),
                  measured("shoulder", "2026-01-09", "95", "deg", **by("a"))])  # fmt: skip
    assert (found.threshold, found.progress) == (None, "unknown")


@pytest.mark.parametrize("code", [code for code, row in CATALOGUE.outcome_measures.items() if row.change is not None])
def test_every_threshold_is_told_with_the_source_that_names_it(code: str) -> None:
    row = CATALOGUE.outcome_measures[code]
    low, high = row.values[0].low, row.values[0].high
    found = only(course(code, f"{high:g}", f"{low:g}", unit=row.values[0].unit))
    assert f"{row.change:g}" in found.threshold.text
    assert CATALOGUE.sources[found.threshold.sources[0]].display in told(found, CATALOGUE.sources)


PAIN_GOAL: Json = {
    "resourceType": "Goal",
    "lifecycleStatus": "active",
    "startDate": "2026-01-01",
    "target": [
        {
            "measure": concept("nprs"),
            "detailQuantity": {"value": 4, "system": "http://unitsofmeasure.org", "code": "{score}"},
            "dueDate": "2026-02-01",
        }
    ],
}
BEFORE, AFTER = datetime(2026, 1, 31, 12, tzinfo=UTC), datetime(2026, 2, 2, tzinfo=UTC)


def target(**changes: Any) -> Json:
    (before,) = PAIN_GOAL["target"]
    changed = {name: value for name, value in (before | changes).items() if value is not None}
    return PAIN_GOAL | {"target": [changed]}


ACHIEVED = [
    ("met", course("nprs", "7", "4"), PAIN_GOAL, BEFORE, "achieved"),
    ("met in time, and it is over", course("nprs", "7", "4"), PAIN_GOAL, AFTER, "achieved"),
    ("better, not met", course("nprs", "9", "5"), PAIN_GOAL, BEFORE, "improving"),
    ("not met in time", course("nprs", "9", "5"), PAIN_GOAL, AFTER, "not-achieved"),
    ("met too late", [*course("nprs", "9"), measured("nprs", "2026-02-02", "3")], PAIN_GOAL, AFTER, "not-achieved"),
    ("worse", course("nprs", "6", "9"), PAIN_GOAL, BEFORE, "worsening"),
    ("the same", course("nprs", "6", "6"), PAIN_GOAL, BEFORE, "no-change"),
    ("measured once", course("nprs", "6"), PAIN_GOAL, BEFORE, "in-progress"),
    ("not measured", [], PAIN_GOAL, BEFORE, "in-progress"),
    ("never measured", [], PAIN_GOAL, AFTER, "not-achieved"),
    ("no number", course("nprs", "7", "4"), target(detailQuantity=None, detailString="less"), AFTER, None),
    ("another unit", course("odi", "20", "10"), target(
        measure=concept("odi"), detailQuantity={"value": 30, "system": "http://unitsofmeasure.org", "code": "%"}),
     AFTER, None),
    ("of no measure", course("nprs", "7"), target(measure={"text": "Joy"}), BEFORE, None),
    ("less than", course("nprs", "7", "4"), target(detailQuantity={"value": 4, "comparator": "<"}), BEFORE,
     "improving"),
    ("in a range", course("nprs", "7", "2"), target(detailQuantity=None, detailRange={"high": {"value": 3}}), BEFORE,
     "achieved"),
    ("a whole number", course("nprs", "7", "4"), target(detailQuantity=None, detailInteger=4), BEFORE, "achieved"),
    ("within four weeks", course("nprs", "7", "5"), target(dueDate=None, dueDuration={"value": 4, "code": "wk"}),
     BEFORE, "not-achieved"),
    ("within a month, with no end yet", course("nprs", "7", "5"),
     target(dueDate=None, dueDuration={"value": 1, "code": "mo"}), BEFORE, "improving"),
    ("higher is better", course("psfs", "3", "6"), target(
        measure=concept("psfs"),
        detailQuantity={"value": 6, "system": "http://unitsofmeasure.org", "code": "{score}"}), BEFORE, "achieved"),
]  # fmt: skip


@pytest.mark.parametrize("observations, goal, as_of, expected", [row[1:] for row in ACHIEVED],
                         ids=[row[0] for row in ACHIEVED])  # fmt: skip
def test_the_achievement_of_a_goal_follows_from_its_target(
    observations: list[Json], goal: Json, as_of: datetime, expected: str | None
) -> None:
    series, _ = collect(observations, MEASURES, UTC)
    assert achievement_of(goal, series, MEASURES, as_of=as_of, zone=UTC) == expected


def test_of_several_targets_the_least_favourable_counts() -> None:
    goal = PAIN_GOAL | {"target": [*PAIN_GOAL["target"], *target(detailQuantity={"value": 2})["target"]]}
    series, _ = collect(course("nprs", "7", "4"), MEASURES, UTC)
    assert is_met(goal, series[0], MEASURES) is False
    assert achievement_of(goal, series, MEASURES, as_of=BEFORE, zone=UTC) == "improving"


def test_words_say_what_was_measured_and_by_whom_it_matters() -> None:
    assert told(only(course("nprs", "7", "5", "3")), CATALOGUE.sources, reached="reached") == (
        "Pain, numeric rating from 0 to 10: 7 on 2026-01-01, then 3 on 2026-01-15, in points; 3 measurements, "
        "the best 3 (lower is better). It has fallen by 4 (57.1 %), which is an improvement by Ostelo 2008, "
        "doi 10.1097/BRS.0b013e31815e3a10: 2 points, or 30 %. By the latest measurement the goal is met."
    )


def test_words_claim_nothing_without_a_source() -> None:
    text = told(only(course("faces", "8", "2")), CATALOGUE.sources)
    assert "It has fallen by 6 (75 %). How large a change matters to a patient is not known" in text


def test_what_was_decided_for_this_service_is_no_citation() -> None:
    found = only([measured("rom-cervical", "2026-01-01", "40", "deg", **by("a")),
                  measured("rom-cervical", "2026-01-09", "42", "deg", **by("a"))])  # fmt: skip
    assert told(found, CATALOGUE.sources).endswith(
        "It has risen by 2 (5 %), which may be the measuring (5 degrees: until there is evidence)."
    )


def test_numbers_beyond_all_measures_are_told_without_percentages() -> None:
    found = only(course("faces", "1E-90", "1E90"))
    assert (found.percent, found.per_week, found.progress) == (None, None, "unknown")


@pytest.mark.parametrize("duration", [{"value": 10**9, "code": "a"}, {"value": 10**9, "code": "wk"}, {"value": 1}])
def test_a_due_date_beyond_the_calendar_is_none(duration: Json) -> None:
    goal = target(dueDate=None, dueDuration=duration)
    assert achievement_of(goal, [], MEASURES, as_of=AFTER, zone=UTC) == "in-progress"


MEASURED = st.builds(
    measured,
    st.sampled_from(["nprs", "psfs"]),
    st.sampled_from(["2026-01-01", "2026-01-01T09:00:00Z", "2026-01-01T10:00:00Z", "2026-01-02", "2026-01"]),
    st.integers(-1, 11).map(str),
    status=st.sampled_from(["final", "final", "amended", "preliminary", "entered-in-error"]),
)


@given(st.lists(MEASURED, max_size=8, unique_by=lambda each: each["id"]), st.randoms(use_true_random=False))
def test_the_order_of_posting_changes_nothing(observations: list[Json], random: Any) -> None:
    mixed = observations.copy()
    random.shuffle(mixed)
    assert collect(mixed, MEASURES, UTC) == collect(observations, MEASURES, UTC)


@given(st.lists(st.integers(0, 10).map(str), min_size=2, max_size=4))
def test_what_is_improved_is_worse_the_other_way_round_by_points(values: list[str]) -> None:
    there, back = only(course("nprs", *values)), only(course("nprs", *reversed(values)))
    assert there.change == -back.change
    if there.basis == "change":
        assert {there.progress, back.progress} == {"improved", "worse"}
