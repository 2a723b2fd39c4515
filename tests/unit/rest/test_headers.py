"""What the engine is told about a request besides the interaction: base, request id, preferences, dates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.outcome import FhirError
from service.rest.headers import Preferences, entity_tags, http_date, if_modified_since, preferences
from tests.api.outcome import assert_outcome
from tests.unit.rest.recording import NOW, Headers, RecordingEngine, application, exchange


@pytest.mark.parametrize(
    "prefer, expected",
    [
        ("return=minimal", Preferences(returning="minimal")),
        ("return=representation", Preferences(returning="representation")),
        ("return=OperationOutcome", Preferences(returning="OperationOutcome")),
        ("Return = operationoutcome", Preferences(returning="OperationOutcome")),
        ('return="minimal"; foo=bar, handling=lenient', Preferences(returning="minimal", strict=False)),
        ("handling=strict", Preferences()),
        ("return=minimal, return=representation", Preferences(returning="minimal")),
        ("return=everything", Preferences()),
        ("respond-async, wait=10, nonsense", Preferences()),
        (",;=,,", Preferences()),
        ("", Preferences()),
    ],
)
def test_preferences_are_read_as_rfc_7240_says(prefer: str, expected: Preferences) -> None:
    """The first of a name counts; unknown preferences and values are ignored."""
    assert preferences(prefer.encode()) == expected


@pytest.mark.parametrize(
    "value, tags",
    [
        ('W/"3"', ("3",)),
        ('"3"', ("3",)),
        ("3", ("3",)),
        ("*", ("*",)),
        (' W/"3" , "4",5', ("3", "4", "5")),
        ('"3",', ("3",)),
        ('"3-gzip"', ("3-gzip",)),
        ('"a,b", "é"', ("a,b", "é")),
        ('""', ("",)),
        ('"*"', ('"*"',)),
    ],
)
def test_entity_tags_are_read_as_rfc_9110_says(value: str, tags: tuple[str, ...]) -> None:
    """A foreign tag is kept and matches nothing; only a bare * means any version."""
    assert entity_tags(value.encode("latin-1"), "If-Match") == tags


@pytest.mark.parametrize("value", ["", ",", "W/3", 'W/"3', '3"', '"3" "4"', '"3", *', "three", '"a b"'])
def test_a_malformed_entity_tag_is_refused(value: str) -> None:
    """A precondition that cannot be read must not be ignored."""
    with pytest.raises(FhirError, match="header-invalid"):
        entity_tags(value.encode("latin-1"), "If-Match")


async def test_several_prefer_headers_are_one_list() -> None:
    """A client may split its preferences over several headers."""
    engine = RecordingEngine()
    await exchange(
        application(engine), "GET", "/Patient/a", (("Prefer", "return=minimal"), ("Prefer", "handling=lenient"))
    )
    context = engine.asked[0][1]
    assert (context.preferred_return, context.strict) == ("minimal", False)


@pytest.mark.parametrize("base_url, told", [(None, False), ("http://x/fhir", False), ("https://x/fhir", True)])
async def test_a_service_behind_tls_says_that_it_is_called_so_only(base_url: str | None, told: bool) -> None:
    response = await exchange(application(RecordingEngine(), base_url=base_url), "GET", "/Patient/a")
    assert ("strict-transport-security" in response.headers) == told


@pytest.mark.parametrize(
    "headers, expected",
    [
        ((), "fresh-id"),
        ((("X-Request-Id", "abc.DEF_1-2"),), "abc.DEF_1-2"),
        ((("X-Request-Id", "x" * 64),), "x" * 64),
        ((("X-Request-Id", "x" * 65),), "fresh-id"),
        ((("X-Request-Id", "a b"),), "fresh-id"),
        ((("X-Request-Id", "a\r\nset-cookie: x"),), "fresh-id"),
        ((("X-Request-Id", ""),), "fresh-id"),
    ],
)
async def test_a_harmless_request_id_is_taken_over_and_echoed(headers: Headers, expected: str) -> None:
    """The client's id is kept where it cannot harm a header or a log, else there is a fresh one."""
    engine = RecordingEngine()
    response = await exchange(application(engine), "GET", "/Patient/a", headers)
    assert response.headers["x-request-id"] == expected
    assert engine.asked[0][1].request_id == expected


async def test_a_correlation_id_is_echoed_beside_the_request_id() -> None:
    """R4 lets a client follow one transaction over several requests."""
    response = await exchange(application(RecordingEngine()), "GET", "/Patient/a", (("X-Correlation-Id", "c-1"),))
    assert (response.headers["x-correlation-id"], response.headers["x-request-id"]) == ("c-1", "fresh-id")


@pytest.mark.parametrize(
    "headers, base",
    [
        ((), "https://clinic.example.org/fhir"),
        ((("Host", "127.0.0.1:8000"),), "https://127.0.0.1:8000/fhir"),
        ((("Host", "[::1]:8000"),), "https://[::1]:8000/fhir"),
    ],
)
async def test_the_base_is_what_the_client_called(headers: Headers, base: str) -> None:
    """Without a configured base URL, links lead back to where the request came in."""
    engine = RecordingEngine()
    await exchange(application(engine), "GET", "/Patient/a", headers)
    assert engine.asked[0][1].base == base


async def test_a_configured_base_wins_over_the_host() -> None:
    """Behind a proxy the Host header may be anything."""
    engine = RecordingEngine()
    await exchange(application(engine, base_url="https://fhir.example.org/r4"), "GET", "/Patient/a", (("Host", "<>"),))
    assert engine.asked[0][1].base == "https://fhir.example.org/r4"


@pytest.mark.parametrize("host", ["a b", "a/b", "a@b", "a?b", "", "é", "a\r\nx: y"])
async def test_a_hostile_host_is_refused(host: str) -> None:
    """A Host header goes into every link, so it may hold nothing but a name and a port."""
    response = await exchange(application(RecordingEngine()), "GET", "/Patient/a", (("Host", host),))
    assert_outcome(response, 400, "header-invalid", "http.Host")


async def test_the_engine_is_told_the_instant_of_arrival() -> None:
    """Time is an argument: it comes from the application's clock."""
    engine = RecordingEngine()
    await exchange(application(engine), "GET", "/Patient/a")
    assert engine.asked[0][1].received_at == NOW


async def test_the_request_id_is_bound_before_anything_is_performed() -> None:
    """Log lines of other packages can name the request."""
    bound: list[str] = []
    await exchange(application(RecordingEngine(), bind_request_id=bound.append), "GET", "/nonsense")
    assert bound == ["fresh-id"]


@given(st.datetimes(timezones=st.just(UTC)).filter(lambda instant: 1000 <= instant.year <= 9998))
def test_an_http_date_is_read_back_to_the_second(instant: datetime) -> None:
    """Last-Modified sent back as If-Modified-Since is the same instant, without its fraction."""
    assert if_modified_since(http_date(instant)) == instant.replace(microsecond=0)


def test_an_http_date_is_in_greenwich_time() -> None:
    """An instant in another zone is converted."""
    instant = datetime(2026, 1, 9, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    assert http_date(instant) == b"Thu, 08 Jan 2026 23:30:00 GMT"


@pytest.mark.parametrize("text", ["Friday, 09-Jan-26 08:00:00 GMT", "Fri Jan  9 08:00:00 2026"])
def test_the_obsolete_forms_of_a_date_are_read(text: str) -> None:
    """RFC 9110 demands that recipients still accept them."""
    assert if_modified_since(text.encode()) == datetime(2026, 1, 9, 8, tzinfo=UTC)


@given(st.binary(max_size=60))
def test_no_date_header_is_too_strange(value: bytes) -> None:
    """A malformed date is no date, never an exception."""
    if_modified_since(value)
