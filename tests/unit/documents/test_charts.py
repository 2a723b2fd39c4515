"""A chart shows what was measured, the goal and the band, and says it in words; nothing in it is executed."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal
from typing import Any, Final
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.documents.charts import band_of, chart
from service.massage.catalogue.rows import load
from service.massage.outcome import Measures, collect, compared, targets_of
from service.massage.systems import OUTCOME

Json = dict[str, Any]

MEASURES: Final = Measures(load())
SVG: Final = "{http://www.w3.org/2000/svg}"
PAIN: Final = {"coding": [{"system": OUTCOME, "code": "nprs"}]}
SHOULDER: Final = {"coding": [{"system": "http://loinc.org", "code": "41389-8"}]}


def course(*values: str, code: Json = PAIN, unit: str = "{score}", **elements: Any) -> list[Json]:
    """One measurement a week, from 2026-01-01."""
    return [
        {
            "resourceType": "Observation",
            "id": str(week),
            "status": "final",
            "code": code,
            "effectiveDateTime": f"2026-01-{1 + 7 * week:02}",
            "valueQuantity": {"value": Decimal(value), "system": "http://unitsofmeasure.org", "code": unit},
        }
        | elements
        for week, value in enumerate(values)
    ]


def goal(value: int, **elements: Any) -> Json:
    target = {"measure": PAIN, "detailQuantity": {"value": value}, "dueDate": "2026-02-12"} | elements
    return {"resourceType": "Goal", "id": "less-pain", "target": [target]}


def drawn(observations: list[Json], *goals: Json, name: str = "chart") -> ET.Element:
    (series,), _ = collect(observations, MEASURES, UTC)
    targets = [target for each in goals for target in targets_of(each, series, MEASURES, UTC)]
    return ET.fromstring(chart(series, targets=targets, name=name))  # noqa: S314 - it is our own


def texts(svg: ET.Element) -> list[str]:
    return [each.text or "" for each in svg.iter(f"{SVG}text")]


def test_every_value_is_written_beside_its_point() -> None:
    svg = drawn(course("7", "5", "3"))
    assert len(list(svg.iter(f"{SVG}circle"))) == 3 + 1
    assert {"7", "5", "3", "2026-01-01", "2026-01-15"} <= set(texts(svg))


def test_a_score_is_drawn_on_the_whole_of_its_range() -> None:
    """From 7 to 6 is a small step, and looks like one."""
    assert {"0", "10"} <= set(texts(drawn(course("7", "6"))))


def test_the_description_says_all_that_is_drawn() -> None:
    svg = drawn(course("7", "5", "3"), goal(4))
    said = svg.findtext(f"{SVG}desc")
    assert said == (
        "Lower is better. 2026-01-01: 7; 2026-01-08: 5; 2026-01-15: 3. Goal: 4 or less by 2026-02-12. "
        "Between 5 and 9 the change since the baseline is too small to count."
    )
    assert svg.get("role") == "img"
    assert svg.get("aria-labelledby") == "chart-title chart-description"
    assert svg.findtext(f"{SVG}title") == "Pain, numeric rating from 0 to 10, in points"


def test_a_goal_is_a_dashed_line_where_its_number_lies() -> None:
    svg = drawn(course("8", "4"), goal(4))
    (line, sample) = [each for each in svg.iter(f"{SVG}path") if each.get("stroke-dasharray")]
    latest = list(svg.iter(f"{SVG}circle"))[1]
    assert f" {latest.get('cy')}H" in str(line.get("d"))
    assert "goal: 4 or less by 2026-02-12" in texts(svg)
    assert sample.get("d") != line.get("d")


BANDS = [
    ("2 points about 7, as 30 % are 2.1", course("7", "5"), ("5", "9")),
    ("30 % of 4 are less than 2 points", course("4", "3"), ("2.8", "5.2")),
    ("nothing is a percentage of 0", course("0", "1"), ("-2", "2")),
]


@pytest.mark.parametrize("observations, ends", [row[1:] for row in BANDS], ids=[row[0] for row in BANDS])
def test_the_band_is_what_is_no_change_by_the_catalogue(observations: list[Json], ends: tuple[str, str]) -> None:
    (series,), _ = collect(observations, MEASURES, UTC)
    band = band_of(compared(series))
    assert band is not None
    assert (band.low, band.high) == (Decimal(ends[0]), Decimal(ends[1]))


def test_a_measure_without_a_number_for_a_change_has_no_band() -> None:
    faces = {"coding": [{"system": "http://loinc.org", "code": "38221-8"}]}
    said = drawn(course("8", "2", code=faces)).findtext(f"{SVG}desc")
    assert said == "Lower is better. 2026-01-01: 8; 2026-01-08: 2."


def test_what_may_be_the_measuring_is_said_so() -> None:
    svg = drawn(course("90", "95", code=SHOULDER, unit="deg"))
    assert any(each.endswith("may be the measuring") for each in texts(svg))


def test_many_points_carry_no_more_labels_than_can_be_read() -> None:
    observations = [each | {"id": str(place)} for place, each in enumerate(course("7", "6", "5", "4") * 20)]
    svg = drawn(observations)
    assert len(list(svg.iter(f"{SVG}circle"))) == 80 + 1
    labels = [each for each in svg.iter(f"{SVG}text") if each.get("paint-order")]
    assert 2 <= len(labels) <= 5


def test_the_ids_of_two_charts_differ_by_their_names() -> None:
    def ids(svg: ET.Element) -> set[str]:
        return {identity for each in svg.iter() if (identity := each.get("id"))}

    assert not ids(drawn(course("7"), name="one")) & ids(drawn(course("7"), name="two"))


def test_it_holds_nothing_that_a_strict_policy_would_stop() -> None:
    for each in drawn(course("7", "5"), goal(4)).iter():
        assert each.tag.removeprefix(SVG) not in {"script", "style", "a", "image", "foreignObject", "animate", "set"}
        assert not [name for name in each.attrib if name.startswith("on") or name in {"style", "href"}]


@given(st.lists(st.decimals(min_value=1, allow_nan=False, allow_infinity=False), min_size=1, max_size=4))
def test_any_number_of_a_measure_without_an_end_is_drawn(values: list[Decimal]) -> None:
    circumference = {"coding": [{"system": "http://loinc.org", "code": "56072-2"}]}
    observations = course(*(str(each) for each in values), code=circumference, unit="cm")
    assert len(list(drawn(observations).iter(f"{SVG}circle"))) == len(values) + 1
