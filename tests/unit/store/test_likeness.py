"""Likeness: the same for resources of one type that have values for the same search parameters."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from service.fhir.definitions import load
from service.store.likeness import SPAN, UNKNOWN, least_likeness, likeness_of

ROWS: dict[str, list[tuple[Any, ...]]] = {
    "token": [(1, 0, None, "a"), (2, 0, None, "b")],
    "reference": [(3, 0, 7, "target")],
    "quantity": [(4, 0, Decimal(1), None, None, None, None, "m", Decimal(1), None)],
}
OPEN = (4, 0, None, Decimal(1), None, None, None, "m", None, Decimal(1))


@pytest.mark.parametrize(
    "kind,rows",
    [
        ("token", [(2, 0, None, "c"), (1, 3, None, "d"), (1, 0, None, "e")]),
        ("reference", [(3, 0, 7, "other"), (3, 0, 7, "another")]),
        ("text", [(1, 0, "a text")]),
        ("date", []),
    ],
)
def test_values_make_no_difference(kind: str, rows: list[tuple[Any, ...]]) -> None:
    """Nor their number and order, nor the texts of codes."""
    assert likeness_of("Task", ROWS | {kind: rows}) == likeness_of("Task", ROWS)


@pytest.mark.parametrize(
    "kind,rows",
    [
        ("token", []),
        ("token", [(1, 0, None, "a")]),
        ("date", [(5, 0)]),
        ("reference", [(3, 0, 8, "x")]),
        ("quantity", [OPEN]),
    ],
)
def test_what_there_are_values_for_makes_one(kind: str, rows: list[tuple[Any, ...]]) -> None:
    """The sources, the types of targets, and whether a quantity has a lower end."""
    assert likeness_of("Task", ROWS | {kind: rows}) != likeness_of("Task", ROWS)


def test_types_have_likenesses_of_their_own() -> None:
    """Side by side in 64 bits, and none is the one that stands for what is not known."""
    found = sorted(load().all_type_names, key=least_likeness)
    for one, following in zip(found, [*found[1:], None], strict=True):
        least = least_likeness(one)
        assert least <= likeness_of(one, ROWS) <= least + SPAN == least | SPAN
        assert not least <= UNKNOWN <= least + SPAN
        assert least + SPAN < (1 << 63 if following is None else least_likeness(following))
