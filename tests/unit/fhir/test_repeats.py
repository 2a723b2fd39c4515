"""Of what repeats itself a minute leaves one record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from service.fhir.audit.repeats import Repeats

if TYPE_CHECKING:
    import pytest

NOW = datetime(2026, 1, 9, 8, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_a_minute_is_counted_from_what_is_on_record_and_not_from_what_is_left_out() -> None:
    repeats = Repeats()
    told = [repeats.is_one("ehr", at(seconds)) for seconds in (0, 30, 59.9, 60, 61, 119.9, 120)]
    assert told == [False, True, True, False, True, True, False]


def test_everybody_is_counted_apart() -> None:
    repeats = Repeats()
    assert [repeats.is_one(who, NOW) for who in ("ehr", "clinic", "ehr")] == [False, False, True]


def test_a_clock_that_was_put_back_silences_nobody() -> None:
    repeats = Repeats()
    assert [repeats.is_one("ehr", at(seconds)) for seconds in (3600, 0)] == [False, False]


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.fhir.audit.repeats._MOST", 10)
    repeats = Repeats()
    for number in range(100):
        repeats.is_one(str(number), NOW)
    assert len(repeats._last) == 10
    assert repeats.is_one("99", NOW)
