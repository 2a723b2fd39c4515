"""date: how search values are read. What they match is shown in ``tests/search``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from service.fhir.outcome import FhirError
from service.fhir.search.query import DateValue, Matches, Updated
from service.fhir.search.types.date import SHORTEST
from service.fhir.temporal import EARLIEST, LATEST, Range

if TYPE_CHECKING:
    from tests.unit.search.conftest import Parse, Values

DAY = Range(datetime(2024, 1, 14, tzinfo=UTC), datetime(2024, 1, 15, tzinfo=UTC))


def date(parse: Parse, text: str) -> DateValue:
    """The only value of an Observation's only criterion."""
    (criterion,) = parse("Observation", f"date={quote(text)}").where.criteria
    assert isinstance(criterion, Matches)
    (value,) = criterion.values
    assert isinstance(value, DateValue)
    return value


@pytest.mark.parametrize("prefix", ["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"])
def test_a_prefix_comes_before_the_date(parse: Parse, prefix: str) -> None:
    """All of R4's."""
    assert date(parse, f"{prefix}2024-01-14") == DateValue(prefix=prefix, range=DAY)  # type: ignore[arg-type]


def test_without_a_prefix_a_date_is_equal(parse: Parse) -> None:
    """R4's default."""
    assert date(parse, "2024-01-14") == DateValue(prefix="eq", range=DAY)


def test_approximately_is_a_tenth_of_the_gap_to_now(parse: Parse) -> None:
    """Now is the 22nd in these tests: the 15th ends seven days before."""
    found = date(parse, "ap2024-01-14").range
    assert (DAY.low - found.low, found.high - DAY.high) == ((datetime(2024, 1, 22, tzinfo=UTC) - DAY.high) / 10,) * 2


@pytest.mark.parametrize(
    "text", ["2024-13", "GE2024", "xx2024", "ge", "gege2024", "2024-01-14T10", "today", "2024|", "ge 2024", "-2024"]
)
def test_a_malformed_date_is_refused(parse: Parse, text: str) -> None:
    """Saying which forms and prefixes there are, not what was sent."""
    with pytest.raises(FhirError) as refusal:
        date(parse, text)
    assert refusal.value.code == "parameter-value"
    assert "prefixes eq, ne" in refusal.value.issues[0].diagnostics
    assert text not in refusal.value.issues[0].diagnostics.split()


def test_last_updated_takes_dates(parse: Parse) -> None:
    """And the modifier of all parameters, but no other."""
    (criterion,) = parse("Patient", "_lastUpdated=ge2024-01-14").where.criteria
    assert criterion == Updated(values=(DateValue(prefix="ge", range=DAY),))
    with pytest.raises(FhirError) as refusal:
        parse("Patient", "_lastUpdated:not=2024")
    assert refusal.value.code == "modifier-unsupported"


@pytest.mark.parametrize(
    "element,expected",
    [
        ({"effectiveDateTime": "2024-01-14"}, {(DAY.low, DAY.high)}),
        ({"effectiveInstant": "2024-01-14T00:00:00Z"}, {(DAY.low, DAY.low + SHORTEST)}),
        ({"effectivePeriod": {"start": "2024-01-14"}}, {(DAY.low, LATEST)}),
        ({"effectivePeriod": {"end": "2024-01-14"}}, {(EARLIEST, DAY.high)}),
        ({"effectiveTiming": {"event": ["2024-01-14"]}}, {(DAY.low, DAY.high)}),
        ({"effectiveTiming": {"code": {"text": "BID"}}}, set()),
        ({"valueDateTime": "2024-01-14"}, set()),
    ],
)
def test_what_an_observation_is_found_by(
    values: Values, element: dict[str, Any], expected: set[tuple[datetime, datetime]]
) -> None:
    """Every type that effective[x] may have, and nothing else."""
    assert values({"resourceType": "Observation"} | element, "date") == expected
