"""Which media type a client gets: Accept, `_format`, `_pretty`, the FHIR version."""

from __future__ import annotations

import pytest

from service.fhir.outcome import FhirError
from service.rest.negotiation import BodyKind, body_kind, representation
from tests.unit.rest.recording import RecordingEngine, application, exchange

FHIR_JSON = "application/fhir+json; charset=utf-8"
JSON = "application/json; charset=utf-8"
VERSIONED = "application/fhir+json; fhirVersion=4.0; charset=utf-8"

ACCEPTS = (
    ("", FHIR_JSON),
    ("*/*", FHIR_JSON),
    ("*", FHIR_JSON),
    ("application/*", FHIR_JSON),
    ("application/fhir+json", FHIR_JSON),
    ("APPLICATION/FHIR+JSON", FHIR_JSON),
    ("application/json", JSON),
    ("text/json", JSON),
    ("application/fhir+json, application/json", FHIR_JSON),
    ("application/json, application/fhir+json", FHIR_JSON),
    ("application/json;q=0.9, application/fhir+json;q=0.8", JSON),
    ("application/fhir+json;q=0, */*", JSON),
    ("application/fhir+xml, application/json;q=0.5", JSON),
    ("application/fhir+xml;q=0.9, */*;q=0.1", FHIR_JSON),
    ("application/fhir+json;fhirVersion=4.0", VERSIONED),
    ('application/fhir+json; FHIRVersion="4.0"', VERSIONED),
    ("application/fhir+json;fhirVersion=5.0, application/fhir+json;fhirVersion=4.0;q=0.1", VERSIONED),
    ("application/fhir+json;fhirVersion=5.0, */*;q=0.1", FHIR_JSON),
    ("text/html", JSON),
    ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", JSON),
    ("text/html;q=0.5, application/fhir+json", FHIR_JSON),
    (", ,", FHIR_JSON),
    ("application/fhir+json;q=high", FHIR_JSON),
)


@pytest.mark.parametrize("accept, content_type", ACCEPTS)
def test_accept_chooses_the_media_type(accept: str, content_type: str) -> None:
    """Weights, ranges and versions are read as HTTP says; a browser gets JSON that it can show."""
    assert representation(accept.encode(), None, None).content_type.decode() == content_type


@pytest.mark.parametrize(
    "accept, code",
    [
        ("application/fhir+xml", "not-acceptable"),
        ("text/turtle, application/xml;q=0.9", "not-acceptable"),
        ("application/fhir+json;q=0", "not-acceptable"),
        ("*/*;q=0", "not-acceptable"),
        ("application/fhir+json;fhirVersion=3.0", "fhir-version-unsupported"),
        ("application/json;fhirVersion=5.0", "fhir-version-unsupported"),
    ],
)
def test_what_cannot_be_made_is_not_acceptable(accept: str, code: str) -> None:
    """XML, Turtle and other FHIR versions are refused, never approximated."""
    with pytest.raises(FhirError) as refusal:
        representation(accept.encode(), None, None)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    "format_parameter, content_type",
    [
        ("json", FHIR_JSON),
        ("application/json", JSON),
        ("text/json", JSON),
        ("application/fhir+json", FHIR_JSON),
        ("application/fhir json", FHIR_JSON),
        ("application/fhir+json;fhirVersion=4.0", VERSIONED),
    ],
)
def test_format_wins_over_accept(format_parameter: str, content_type: str) -> None:
    """`_format` is for clients that cannot set headers; an unescaped + arrives as a space."""
    assert representation(b"application/fhir+xml", format_parameter, None).content_type.decode() == content_type


@pytest.mark.parametrize("format_parameter", ["xml", "pdf", "ttl", "application/fhir+xml", "json,json"])
def test_another_format_is_not_acceptable(format_parameter: str) -> None:
    """A format that the service does not write is refused."""
    with pytest.raises(FhirError) as refusal:
        representation(b"", format_parameter, None)
    assert refusal.value.code == "not-acceptable"


@pytest.mark.parametrize("pretty, lines", [("true", True), ("false", False), (None, False)])
async def test_pretty_is_for_the_eyes_of_a_person(pretty: str | None, lines: bool) -> None:
    """`_pretty=true` breaks the JSON into lines."""
    target = "/Patient/a" + (f"?_pretty={pretty}" if pretty else "")
    response = await exchange(application(RecordingEngine()), "GET", target)
    assert ("\n" in response.text) == lines


async def test_a_refusal_is_written_as_the_client_asked() -> None:
    """An OperationOutcome follows Accept and `_pretty` like any resource."""
    headers = (("Accept", "application/json"), ("If-None-Match", "?"))
    response = await exchange(application(RecordingEngine()), "GET", "/Patient/a?_pretty=true", headers)
    assert response.status_code == 400
    assert response.headers["content-type"] == JSON
    assert "\n" in response.text


async def test_an_empty_format_is_none() -> None:
    """R4 has no empty media type: Accept decides."""
    response = await exchange(application(RecordingEngine()), "GET", "/Patient/a?_format=", (("Accept", "text/json"),))
    assert (response.status_code, response.headers["content-type"]) == (200, JSON)


async def test_a_form_can_say_the_format() -> None:
    """The parameters of `_search` may all be in the body, `_format` too."""
    headers = (("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "text/turtle"))
    response = await exchange(
        application(RecordingEngine()), "POST", "/Patient/_search", headers, b"_format=application/json"
    )
    assert response.headers["content-type"] == JSON


@pytest.mark.parametrize(
    "content_type",
    ["application/fhir+json", "Application/FHIR+JSON;charset=UTF-8", 'application/fhir+json; charset="utf-8"'],
)
def test_the_content_type_is_read_without_regard_to_case(content_type: str) -> None:
    """Media types and charsets have no case; quotes around a parameter's value are allowed."""
    assert body_kind(content_type.encode(), (BodyKind.FHIR_JSON,)) is BodyKind.FHIR_JSON
