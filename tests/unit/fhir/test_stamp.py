"""What the server adds to content."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import RFC_4122, UUID

import pytest

from service.fhir.stamp import instant_text, new_logical_id, new_logical_ids, next_instant, same_content, stamped

NOON = datetime(2026, 1, 9, 12, 0, 0, 123456, tzinfo=UTC)


def test_new_ids_are_version_7_uuids_that_sort_by_time() -> None:
    """The time comes first, then version and variant, then randomness."""
    earlier = new_logical_id(NOON, (1 << 74) - 1)
    later = new_logical_id(NOON + timedelta(milliseconds=1), 0)
    assert earlier < later
    assert (earlier[14], earlier[19]) == ("7", "b")
    assert new_logical_id(NOON) != new_logical_id(NOON)


def test_ids_that_are_made_together_are_those_of_one_instant_and_each_its_own() -> None:
    """The version of the UUID, the time in it, and 74 bits that differ."""
    made = new_logical_ids(NOON, 500)
    assert len({*made}) == 500
    assert {each[:15] for each in made} == {new_logical_id(NOON)[:15]}
    assert {UUID(each).variant for each in made} == {RFC_4122}
    assert new_logical_ids(NOON, 0) == []


def test_an_instant_is_written_in_utc_with_milliseconds() -> None:
    """Whatever the zone it came in."""
    assert instant_text(NOON.astimezone(timezone(timedelta(hours=2)))) == "2026-01-09T12:00:00.123Z"
    assert instant_text(NOON.replace(microsecond=0)) == "2026-01-09T12:00:00.000Z"


def test_a_new_version_is_always_later_than_the_one_before() -> None:
    """Even when the clock stepped back."""
    first = next_instant(NOON, None)
    assert first.microsecond == 123000
    assert next_instant(NOON - timedelta(hours=1), first) == first + timedelta(milliseconds=1)


def test_stamping_keeps_what_was_sent_in_its_order() -> None:
    """Only id and the server's part of meta are the server's."""
    content = {
        "status": "final",
        "resourceType": "Observation",
        "id": "other",
        "meta": {"tag": [{"code": "x"}], "versionId": "9", "lastUpdated": "2000-01-01T00:00:00Z"},
        "code": {"text": "pain"},
    }
    result = stamped(content, logical_id="a", version_id=2, last_updated=NOON)
    assert list(result) == ["resourceType", "id", "meta", "status", "code"]
    assert result["id"] == "a"
    assert result["meta"] == {"versionId": "2", "lastUpdated": "2026-01-09T12:00:00.123Z", "tag": [{"code": "x"}]}


@pytest.mark.parametrize(
    "one, other, same",
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": Decimal("1.50")}, {"a": Decimal("1.5")}, False),
        ({"meta": {"versionId": "1"}}, {}, True),
        ({"meta": {"versionId": "1", "tag": [1]}}, {"meta": {"tag": [1]}}, True),
        ({"meta": {"tag": [1]}}, {}, False),
        ({"id": "a"}, {"id": "b"}, True),
        ({"a": [1, 2]}, {"a": [2, 1]}, False),
    ],
)
def test_sameness_ignores_what_the_server_stamps_and_nothing_else(
    one: dict[str, object], other: dict[str, object], same: bool
) -> None:
    """Key order does not matter; the order of arrays and the text of decimals do."""
    assert same_content(one, other) is same
