"""The latest Observations of each code, as R4 groups them."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.observed import latest

if TYPE_CHECKING:
    from collections.abc import Sequence

Json = dict[str, Any]


def observed(day: int, *codes: str, text: str | None = None) -> Json:
    code: Json = {"text": text} if text else {"coding": [{"system": "s", "code": each} for each in codes]}
    return {"code": code, "effectiveDateTime": f"2026-01-{day:02}"}


GROUPS = [
    ("three codes", [observed(3, "a"), observed(2, "b"), observed(1, "c")], [0, 1, 2]),
    ("a translation", [observed(3, "a"), observed(2, "b"), observed(1, "a", "c")], [0, 1]),
    ("translations of translations", [observed(3, "a"), observed(2, "b"), observed(1, "a", "b")], [0]),
    ("texts", [observed(3, text="M"), observed(2, text="m"), observed(1, text="m ")], [0, 1, 2]),
    ("a text is no code", [observed(3, "a"), observed(2, text="a")], [0, 1]),
    ("a tie", [observed(3, "a"), observed(3, "a"), observed(1, "a")], [0, 1]),
    ("the latest first", [observed(1, "a"), observed(3, "b"), observed(2, "c")], [1, 2, 0]),
]


@pytest.mark.parametrize("observations, expected", [row[1:] for row in GROUPS], ids=[row[0] for row in GROUPS])
def test_each_group_of_equal_codes_has_its_latest(observations: Sequence[Json], expected: list[int]) -> None:
    assert latest(observations, 1, UTC) == expected


def test_as_many_as_asked_for_and_ties_beyond_that() -> None:
    days = (1, 5, 4, 4, 2)
    assert latest([observed(day, "a") for day in days], 2, UTC) == [1, 2, 3]


def test_what_has_no_time_is_the_oldest() -> None:
    assert latest([{"code": {"text": "t"}}, observed(1, text="t")], 1, UTC) == [1]


def test_what_says_only_when_it_was_issued_was_made_then() -> None:
    issued = {"code": {"text": "t"}, "issued": "2026-01-02T10:00:00Z"}
    assert latest([observed(1, text="t"), issued], 1, UTC) == [1]
