"""Dates as ranges: https://hl7.org/fhir/R4/search.html#date"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.outcome import FhirError
from service.fhir.temporal import (
    EARLIEST,
    LATEST,
    Range,
    parse_instant_range,
    range_of,
    range_of_period,
    range_of_timing,
)


def utc(text: str) -> datetime:
    """An ISO text as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text,low,high",
    [
        ("2013", "2013-01-01", "2014-01-01"),
        ("2013-01", "2013-01-01", "2013-02-01"),
        ("2013-12", "2013-12-01", "2014-01-01"),
        ("2013-01-14", "2013-01-14", "2013-01-15"),
        ("2012-02-29", "2012-02-29", "2012-03-01"),
        ("2013-01-14T10:00", "2013-01-14T10:00:00", "2013-01-14T10:01:00"),
        ("2013-01-14T10:00Z", "2013-01-14T10:00:00", "2013-01-14T10:01:00"),
        ("2013-01-14T10:00:00", "2013-01-14T10:00:00", "2013-01-14T10:00:01"),
        ("2013-01-14T10:00:00+02:00", "2013-01-14T08:00:00", "2013-01-14T08:00:01"),
        ("2013-01-14T10:00:00 02:00", "2013-01-14T08:00:00", "2013-01-14T08:00:01"),
        ("2013-01-14T23:00:00-05:00", "2013-01-15T04:00:00", "2013-01-15T04:00:01"),
        ("2013-01-14T10:00:00.5Z", "2013-01-14T10:00:00.500000", "2013-01-14T10:00:00.600000"),
        ("2013-01-14T10:00:00.123Z", "2013-01-14T10:00:00.123000", "2013-01-14T10:00:00.124000"),
        ("2013-01-14T10:00:00.123456789Z", "2013-01-14T10:00:00.123456", "2013-01-14T10:00:00.123457"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00", "2017-01-01T00:00:01"),
    ],
)
def test_a_value_stands_for_the_range_of_its_precision(text: str, low: str, high: str) -> None:
    """From the year down to the microsecond, half-open."""
    assert range_of(text) == Range(utc(low), utc(high))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "13",
        "2013-1",
        "2013-13",
        "2013-02-29",
        "2013-00-01",
        "0000",
        "2013-01-14T10",
        "2013-01-14T24:00:00Z",
        "2013-01-14T10:60",
        "2013-01-14T10:00:61Z",
        "2013-01-14T10:00:00+14:01",
        "2013-01-14T10:00:00+0200",
        "2013-01-14 10:00:00",
        "2013-01-14T10:00:00.Z",
        "٢٠١٣",
        " 2013",
        "2013\n",
    ],
)
def test_what_is_no_fhir_date_has_no_range(text: str) -> None:
    """Malformed texts, and days that no calendar has."""
    assert range_of(text) is None


def test_a_value_without_an_offset_is_read_in_the_given_zone() -> None:
    """Its days last as long as they do there."""
    berlin = ZoneInfo("Europe/Berlin")
    assert range_of("2024-01-15", berlin) == Range(utc("2024-01-14T23:00:00"), utc("2024-01-15T23:00:00"))
    spring = range_of("2024-03-31", berlin)
    assert spring is not None
    assert spring.high - spring.low == timedelta(hours=23)
    assert range_of("2024-01-15T10:00:00Z", berlin) == range_of("2024-01-15T10:00:00Z")


@pytest.mark.parametrize(
    "text,expected",
    [
        ("9999", Range(utc("9999-01-01"), LATEST)),
        ("9999-12-31", Range(utc("9999-12-31"), LATEST)),
        ("0001-01-01T00:00:00+14:00", Range(EARLIEST, EARLIEST + timedelta(seconds=1))),
        ("9999-12-31T23:59:59-12:00", Range(LATEST - timedelta(microseconds=1), LATEST)),
    ],
)
def test_the_ends_of_time_are_clamped(text: str, expected: Range) -> None:
    """An offset cannot move a value out of the years 1 to 9999, and no range is empty."""
    assert range_of(text) == expected


@pytest.mark.parametrize(
    "period,expected",
    [
        ({"start": "2013-01", "end": "2013-03"}, Range(utc("2013-01-01"), utc("2013-04-01"))),
        ({"start": "2013-01"}, Range(utc("2013-01-01"), LATEST)),
        ({"end": "2013-03-14"}, Range(EARLIEST, utc("2013-03-15"))),
        ({}, None),
        ({"start": "soon", "end": "2013"}, None),
    ],
)
def test_a_period_without_an_end_is_open_there(period: dict[str, str], expected: Range | None) -> None:
    """A missing start is earlier, a missing end later than anything."""
    assert range_of_period(period) == expected


@pytest.mark.parametrize(
    "timing,expected",
    [
        ({"event": ["2013-01-31", "2013-01-01"]}, Range(utc("2013-01-01"), utc("2013-02-01"))),
        ({"repeat": {"boundsPeriod": {"start": "2013-01-31", "end": "2013-03-24"}}, "code": {"text": "BID"}},
         Range(utc("2013-01-31"), utc("2013-03-25"))),
        ({"event": ["2012-12-24"], "repeat": {"boundsPeriod": {"start": "2013"}}}, Range(utc("2012-12-24"), LATEST)),
        ({"repeat": {"frequency": 1, "period": 1, "periodUnit": "wk"}}, None),
        ({"repeat": {"boundsDuration": {"value": 6, "code": "wk"}}}, None),
    ],
)  # fmt: skip
def test_of_a_timing_only_the_outer_limits_count(timing: dict[str, object], expected: Range | None) -> None:
    """R4: a schedule of every second day includes the days between."""
    assert range_of_timing(timing) == expected


def test_approximately_widens_by_a_tenth_of_the_gap_to_now() -> None:
    """And not at all when now lies within."""
    day = Range(utc("2024-01-11"), utc("2024-01-12"))
    assert day.approximately(utc("2024-01-22")) == Range(utc("2024-01-10"), utc("2024-01-13"))
    assert day.approximately(utc("2024-01-01")) == Range(utc("2024-01-10"), utc("2024-01-13"))
    assert day.approximately(utc("2024-01-11T12:00:00")) == day


def test_a_malformed_instant_parameter_is_refused_by_name() -> None:
    """The refusal says what is accepted and does not repeat what was sent."""
    with pytest.raises(FhirError) as refusal:
        parse_instant_range("last week", UTC, "_since")
    assert refusal.value.code == "parameter-value"
    assert refusal.value.issues[0].expression == ("http._since",)
    assert "last week" not in str(refusal.value)


def test_a_blank_before_an_offset_is_the_plus_that_the_url_lost() -> None:
    """Clients forget to escape it, and nothing else can be meant."""
    assert parse_instant_range("2013-01-14T10:00:00 02:00", UTC, "_since")[0] == utc("2013-01-14T08:00:00")


@given(st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 12, 31)))  # noqa: DTZ001 - a text's digits
def test_ranges_nest_by_precision(moment: datetime) -> None:
    """A year contains its months, they their days, down to the second."""
    text = moment.isoformat(timespec="seconds")
    ranges = [found for length in (4, 7, 10, 16, 19) if (found := range_of(text[:length]))]
    assert len(ranges) == 5
    for wider, narrower in pairwise(ranges):
        assert wider.contains(narrower)
        assert wider.overlaps(narrower)


@given(st.text())
def test_no_text_breaks_the_parser(text: str) -> None:
    """It is a date or it is not."""
    range_of(text)


@given(
    st.from_regex(
        r"[0-9]{4}(-[0-9]{2}(-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?)?)?)?", fullmatch=True
    )
)
def test_no_range_is_empty(text: str) -> None:
    """Whatever zone it is read in."""
    for zone in (UTC, ZoneInfo("Pacific/Kiritimati"), ZoneInfo("America/Los_Angeles")):
        found = range_of(text, zone)
        assert found is None or found.low < found.high
