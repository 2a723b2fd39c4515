"""The primitive types: what each of them takes."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.primitive import PATTERNS

if TYPE_CHECKING:
    from service.fhir.validation import Validator

BIG: Final = 2**31

ACCEPTED: Final[dict[str, list[Any]]] = {
    "base64Binary": ["aGVsbG8=", "aGVs bG8=\r\n", "aA==", "QUJD", "+/+/"],
    "boolean": [True, False],
    "canonical": ["http://example.org/q", "http://example.org/q|1.0", "#q"],
    "code": ["a", "a b", "<="],
    "date": ["2026", "2026-01", "2026-01-31", "2024-02-29", "2000-02-29", "0001"],
    "dateTime": ["2026", "2026-01", "2026-01-31", "2026-01-31T23:59:60Z", "2026-01-31T10:00:00.123456789+14:00"],
    "decimal": [0, -1, 10**20, Decimal("1.50"), Decimal("1E-22")],
    "id": ["a", "A-1.b", "x" * 64],
    "instant": ["2026-01-31T10:00:00Z", "2026-01-31T10:00:00.000-05:00"],
    "integer": [0, -1, BIG - 1, -BIG],
    "markdown": ["# a\n\n* b"],
    "oid": ["urn:oid:1.2.3", "urn:oid:2.16.840.1.113883"],
    "positiveInt": [1, BIG - 1],
    "string": ["a", " a ", "ä", "😀", "a\nb\tc\r"],
    "time": ["00:00:00", "23:59:59.999"],
    "unsignedInt": [0, BIG - 1],
    "uri": ["urn:x", "a", "http://example.org/ä"],
    "url": ["http://example.org", "mailto:a@example.org"],
    "uuid": ["urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"],
}

REFUSED: Final[dict[str, list[Any]]] = {
    "base64Binary": ["a", "aGVsbG8", "aGVs=bG8", "a===", "ä===", " ", 1],
    "boolean": ["true", 1, 0],
    "canonical": ["a b", "", 1],
    "code": [" a", "a ", "a  b", "a\tb", "a\n", "", 1],
    "date": [
        "26",
        "2026-1",
        "2026-13",
        "2026-02-29",
        "1900-02-29",
        "2026-04-31",
        "2026-01-01T10:00:00Z",
        "0000",
        "2026\n",
    ],
    "dateTime": ["2026-01-01T10:00", "2026-01-01T10:00:00", "2026-01-01T24:00:00Z", "2026-02-30T10:00:00Z", "2026Z"],
    "decimal": ["1", True, 10**400],
    "id": ["", "a b", "x" * 65, "ä", "a_b", "a\n"],
    "instant": ["2026", "2026-01-31", "2026-01-31T10:00:00", "2026-01-31T10:00Z", "2026-01-31T10:00:00+15:00"],
    "integer": ["1", Decimal("1.0"), True, BIG, -BIG - 1],
    "markdown": ["", " ", "\x00"],
    "oid": ["1.2.3", "urn:oid:3.1", "urn:oid:1.02", "urn:oid:1"],
    "positiveInt": [0, -1, BIG],
    "string": ["", " ", "\n", "\x1f", 1, True, "x" * (1024 * 1024 + 1)],
    "time": ["24:00:00", "10:00", "10:00:00Z"],
    "unsignedInt": [-1, BIG],
    "uri": ["", "a b", "\n"],
    "url": ["", "http://example.org/a b"],
    "uuid": ["0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", "urn:uuid:0C3151BD-1CBF-4D64-B04D-CD9187A4C6E0", "urn:uuid:1"],
}


def held(kind: str, value: Any) -> dict[str, Any]:
    extension = {"url": "http://example.org/x", f"value{kind[0].upper()}{kind[1:]}": value}
    return {"resourceType": "Basic", "code": {"text": "text"}, "extension": [extension]}


@pytest.mark.parametrize("kind", ACCEPTED)
def test_a_primitive_takes_what_r4_gives_it(kind: str, validator: Validator) -> None:
    """Each accepted value is accepted."""
    assert [value for value in ACCEPTED[kind] if validator.issues(held(kind, value), "Basic")] == []


@pytest.mark.parametrize("kind", REFUSED)
def test_a_primitive_refuses_everything_else(kind: str, validator: Validator) -> None:
    """Each refused value is refused."""
    assert [value for value in REFUSED[kind] if not validator.issues(held(kind, value), "Basic")] == []


def test_binary_data_may_be_longer_than_a_string(validator: Validator) -> None:
    """The limit of 1 MB is one of strings."""
    assert validator.issues(held("base64Binary", "QUJD" * (300 * 1024)), "Basic") == []


@given(st.dates(min_value=date(1, 1, 1)))
def test_every_day_of_the_calendar_is_a_date(day: date) -> None:
    """The expression for days agrees with the calendar."""
    assert re.fullmatch(PATTERNS["date"], day.isoformat())


@given(st.integers(1, 9999), st.integers(1, 12), st.integers(1, 31))
def test_no_other_day_is_a_date(year: int, month: int, day: int) -> None:
    """A day that the calendar does not have is refused."""
    text = f"{year:04}-{month:02}-{day:02}"
    try:
        date.fromisoformat(text)
    except ValueError:
        assert not re.fullmatch(PATTERNS["date"], text)
    else:
        assert re.fullmatch(PATTERNS["date"], text)


@pytest.mark.parametrize(
    "tag, fits",
    [
        ("en", True),
        ("de-AT", True),
        ("zh-Hant-HK", True),
        ("x-klingon", True),
        ("english language", False),
        ("e", False),
    ],
)
def test_a_language_is_a_bcp_47_tag(tag: str, fits: bool, validator: Validator) -> None:
    """The value set of all languages cannot be listed; the form of its codes is checked."""
    content = {"resourceType": "Basic", "code": {"text": "text"}, "language": tag}
    assert (validator.issues(content, "Basic") == []) is fits


@pytest.mark.parametrize(
    "media_type, fits",
    [
        ("application/pdf", True),
        ("text/plain; charset=utf-8", True),
        ('multipart/x; a="b c"', True),
        ("application/fhir+json;fhirVersion=4.0", True),
        ("pdf", False),
        ("text/", False),
        ("text/plain; charset", False),
    ],
)
def test_a_media_type_has_the_form_of_one(media_type: str, fits: bool, validator: Validator) -> None:
    """The value set of media types cannot be listed; the form of its codes is checked."""
    content = {"resourceType": "Binary", "contentType": media_type}
    assert (validator.issues(content, "Binary") == []) is fits


def test_a_whole_number_that_is_too_large_is_told_how_large_it_may_be(validator: Validator) -> None:
    (issue,) = validator.issues(held("decimal", 10**309), "Basic")
    assert issue.diagnostics == "valueDecimal must be a JSON number up to 1e308, without quotes."
