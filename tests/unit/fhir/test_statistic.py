"""Statistics of numbers, by hand, and against the standard library."""

from __future__ import annotations

import statistics
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.statistic import COMPUTED, statistic

OF_FIVE = {
    "average": "5",
    "maximum": "9",
    "minimum": "2",
    "median": "4",
    "std-dev": "2.91547594742",
    "sum": "25",
    "variance": "8.5",
    "20-percent": "2.8",
    "80-percent": "7.4",
    "4-lower": "3",
    "4-upper": "7",
    "4-dev": "2",
    "5-1": "2.8",
    "5-2": "3.6",
    "5-3": "5.2",
    "5-4": "7.4",
}
"""Of 2, 3, 4, 7 and 9."""


@pytest.mark.parametrize("code", COMPUTED)
def test_every_statistic_is_what_it_is_by_hand(code: str) -> None:
    assert statistic(code, [Decimal(each) for each in (9, 2, 7, 4, 3)]) == Decimal(OF_FIVE[code])


@pytest.mark.parametrize("code", COMPUTED)
def test_of_nothing_there_are_none(code: str) -> None:
    assert statistic(code, []) is None


def test_one_number_does_not_deviate() -> None:
    assert [statistic(code, [Decimal(3)]) for code in ("std-dev", "variance", "median")] == [None, None, 3]


@pytest.mark.parametrize("code", COMPUTED)
def test_numbers_beyond_all_measures_are_computed_too(code: str) -> None:
    found = statistic(code, [Decimal("1E-90"), Decimal("1E90"), Decimal("-1E90")])
    assert found is not None
    assert found.is_finite()


@given(st.lists(st.decimals(0, 1000, places=2), min_size=2, max_size=20))
def test_they_are_those_of_the_standard_library(numbers: list[Decimal]) -> None:
    expected = {
        "average": statistics.mean(numbers),
        "median": statistics.median(numbers),
        "variance": statistics.variance(numbers),
        "4-lower": statistics.quantiles(numbers, n=4, method="inclusive")[0],
        "80-percent": statistics.quantiles(numbers, n=5, method="inclusive")[3],
    }
    for code, value in expected.items():
        assert float(statistic(code, numbers) or 0) == pytest.approx(float(value), rel=1e-9, abs=1e-9)
