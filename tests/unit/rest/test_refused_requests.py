"""Requests that cannot be understood: refused with a code that says why, before the engine is asked."""

from __future__ import annotations

import pytest

from tests.api.outcome import assert_outcome
from tests.unit.rest.recording import FHIR, JSON_PATCH, PATIENT, Headers, RecordingEngine, application, exchange

REFUSALS: tuple[tuple[str, str, Headers, bytes, int, str, str], ...] = (
    # paths
    ("GET", "/", (), b"", 404, "not-found", "http.path"),
    ("GET", "/patient/a", (), b"", 404, "type-unknown", "http.path"),
    ("GET", "/Nonsense", (), b"", 404, "type-unknown", "http.path"),
    ("GET", "/Account", (), b"", 404, "type-unknown", "http.path"),
    ("GET", "/Patient/a_b", (), b"", 400, "id-invalid", "http.path"),
    ("GET", f"/Patient/{'a' * 65}", (), b"", 400, "id-invalid", "http.path"),
    ("GET", "/Patient/a%2Fb", (), b"", 400, "id-invalid", "http.path"),
    ("GET", "/Patient/a%0D%0Aset-cookie:x", (), b"", 400, "id-invalid", "http.path"),
    ("GET", "/Patient/%00", (), b"", 400, "parameter-value", "http.path"),
    ("GET", "/Patient/%ff", (), b"", 400, "parameter-value", "http.path"),
    ("GET", "/Patient/%zz", (), b"", 400, "parameter-value", "http.path"),
    ("GET", "/Patient//a", (), b"", 404, "not-found", "http.path"),
    ("GET", "/Patient/../metadata", (), b"", 404, "not-found", "http.path"),
    ("GET", "/%2e%2e/metadata", (), b"", 404, "not-found", "http.path"),
    ("GET", "/Patient/a/_history/2/x", (), b"", 404, "not-found", "http.path"),
    ("GET", "/Patient/a/_history/_", (), b"", 404, "not-found", "http.path"),
    ("GET", "/metadata/x", (), b"", 404, "not-found", "http.path"),
    ("GET", "/Organization/a/Observation", (), b"", 404, "not-found", "http.path"),
    ("GET", "/Patient/a/Nonsense", (), b"", 404, "type-unknown", "http.path"),
    ("GET", "/Patient/$", (), b"", 404, "operation-unknown", "http.path"),
    ("GET", "/Patient/$a/b", (), b"", 400, "id-invalid", "http.path"),
    ("GET", f"/Patient?name={'x' * 20_000}", (), b"", 400, "url-too-long", "http.url"),
    # parameters
    ("GET", "/Patient?name=%ff", (), b"", 400, "parameter-value", "http.name"),
    ("GET", "/Patient?name=100%", (), b"", 400, "parameter-value", "http.name"),
    ("GET", "/Patient?name=%00", (), b"", 400, "parameter-value", "http.name"),
    ("GET", f"/Patient?{'a=b&' * 1001}", (), b"", 400, "too-costly", "http.query"),
    ("GET", "/Patient/a?name=x", (), b"", 400, "parameter-unknown", "http.name"),
    ("GET", "/Patient/a?_pretty=yes", (), b"", 400, "parameter-value", "http._pretty"),
    ("GET", "/Patient/a?_summary=count", (), b"", 400, "parameter-value", "http._summary"),
    ("GET", "/Patient/a?_summary=some", (), b"", 400, "parameter-value", "http._summary"),
    ("GET", "/Patient/a?_elements=nonsense", (), b"", 400, "parameter-value", "http._elements"),
    ("GET", "/Patient/a?_elements=", (), b"", 400, "parameter-value", "http._elements"),
    ("GET", "/Patient/a?_elements=name&_summary=true", (), b"", 400, "parameter-value", "http._elements"),
    ("GET", "/metadata?mode=all", (), b"", 400, "parameter-value", "http.mode"),
    ("GET", "/metadata?mood=full", (), b"", 400, "parameter-unknown", "http.mood"),
    ("PUT", "/Patient", (FHIR,), PATIENT, 400, "criteria-required", "http.query"),
    ("PATCH", "/Patient?_format=json", (JSON_PATCH,), b"[]", 400, "criteria-required", "http.query"),
    ("DELETE", "/Patient", (), b"", 400, "criteria-required", "http.query"),
    ("DELETE", "/Patient?_summary=true", (), b"", 400, "criteria-required", "http.query"),
    # representations
    ("GET", "/Patient/a?_format=xml", (), b"", 406, "not-acceptable", "http._format"),
    ("GET", "/Patient/a?_format=pdf", (), b"", 406, "not-acceptable", "http._format"),
    ("GET", "/Patient/a", (("Accept", "application/fhir+xml"),), b"", 406, "not-acceptable", "http.Accept"),
    (
        "GET",
        "/Patient/a",
        (("Accept", "application/fhir+json; fhirVersion=5.0"),),
        b"",
        406,
        "fhir-version-unsupported",
        "http.Accept",
    ),
    # headers
    ("PUT", "/Patient/a", (FHIR, ("If-Match", 'W/"3')), PATIENT, 400, "header-invalid", "http.If-Match"),
    ("PUT", "/Patient/a", (FHIR, ("If-Match", '"3", *')), PATIENT, 400, "header-invalid", "http.If-Match"),
    ("PUT", "/Patient/a", (FHIR, ("If-Match", "")), PATIENT, 400, "header-invalid", "http.If-Match"),
    ("PUT", "/Patient/a", (FHIR, ("If-None-Match", '"3"')), PATIENT, 400, "header-invalid", "http.If-None-Match"),
    ("PUT", "/Patient/a", (FHIR, ("If-None-Exist", "a=b")), PATIENT, 400, "header-invalid", "http.If-None-Exist"),
    ("DELETE", "/Patient/a", (("If-None-Match", "*"),), b"", 400, "header-invalid", "http.If-None-Match"),
    ("POST", "/Patient", (FHIR, ("If-None-Exist", "")), PATIENT, 400, "criteria-required", "http.If-None-Exist"),
    ("POST", "/Patient", (FHIR, ("If-None-Exist", "Task?a=b")), PATIENT, 400, "header-invalid", "http.If-None-Exist"),
    ("GET", "/Patient/a", (("Host", "a/b"),), b"", 400, "header-invalid", "http.Host"),
    ("GET", "/Patient/a", (("Host", "a.org"), ("Host", "b.org")), b"", 400, "header-invalid", "http.Host"),
    # bodies
    ("POST", "/Patient", (), PATIENT, 415, "media-type-unsupported", "http.Content-Type"),
    (
        "POST",
        "/Patient",
        (("Content-Type", "text/plain"),),
        PATIENT,
        415,
        "media-type-unsupported",
        "http.Content-Type",
    ),
    (
        "POST",
        "/Patient",
        (("Content-Type", "application/fhir+xml"),),
        PATIENT,
        415,
        "media-type-unsupported",
        "http.Content-Type",
    ),
    (
        "POST",
        "/Patient",
        (("Content-Type", "application/fhir+json; charset=iso-8859-1"),),
        PATIENT,
        415,
        "media-type-unsupported",
        "http.Content-Type",
    ),
    (
        "POST",
        "/Patient",
        (("Content-Type", "application/fhir+json; fhirVersion=3.0"),),
        PATIENT,
        415,
        "media-type-unsupported",
        "http.Content-Type",
    ),
    ("POST", "/Patient", (FHIR,), b"", 400, "body-required", "http.body"),
    ("POST", "/Patient", (), b"", 400, "body-required", "http.body"),
    ("POST", "/Patient", (FHIR,), b"[]", 400, "type-mismatch", "http.body"),
    ("POST", "/Patient", (FHIR,), b"null", 400, "type-mismatch", "http.body"),
    ("PATCH", "/Patient/a", (), b"[]", 415, "media-type-unsupported", "http.Content-Type"),
    ("PATCH", "/Patient/a", (JSON_PATCH,), b"{}", 400, "patch-invalid", "http.body"),
    ("PATCH", "/Patient/a", (FHIR,), b"[]", 400, "patch-invalid", "http.body"),
    ("PATCH", "/Patient/a", (JSON_PATCH,), b"", 400, "body-required", "http.body"),
    ("POST", "/Patient/_search", (FHIR,), b"{}", 415, "media-type-unsupported", "http.Content-Type"),
)


@pytest.mark.parametrize("method, target, headers, body, status, code, expression", REFUSALS)
async def test_what_cannot_be_understood_is_refused_before_anything_is_performed(
    method: str, target: str, headers: Headers, body: bytes, status: int, code: str, expression: str
) -> None:
    """A refusal names its error code and points at the part of the request that is wrong."""
    engine = RecordingEngine()
    response = await exchange(application(engine), method, target, headers, body)
    assert_outcome(response, status, code, expression)
    assert engine.asked == []


@pytest.mark.parametrize(
    "method, target, allow",
    [
        ("POST", "/Patient/a", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        ("PUT", "/", "GET, HEAD, POST, OPTIONS"),
        ("GET", "/Patient/_search", "POST, OPTIONS"),
        ("HEAD", "/_search", "POST, OPTIONS"),
        ("DELETE", "/Patient/_history", "GET, HEAD, OPTIONS"),
        ("PUT", "/Patient/a/_history/1", "GET, HEAD, OPTIONS"),
        ("POST", "/metadata", "GET, HEAD, OPTIONS"),
        ("PUT", "/$stats", "GET, HEAD, POST, OPTIONS"),
        ("TRACE", "/Patient", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
        ("get", "/Patient", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
    ],
)
async def test_a_method_that_a_place_does_not_take_is_refused_with_those_it_takes(
    method: str, target: str, allow: str
) -> None:
    """A 405 always says in Allow what would have worked."""
    response = await exchange(application(RecordingEngine()), method, target)
    assert response.status_code == 405
    assert response.headers["allow"] == allow
    if method != "HEAD":
        assert_outcome(response, 405, "not-allowed", "http.method")


@pytest.mark.parametrize("headers", [(("Content-Type", "text/plain"),), (JSON_PATCH, ("Content-Encoding", "br"))])
async def test_a_patch_of_an_unknown_type_is_told_which_are_read(headers: Headers) -> None:
    """https://www.rfc-editor.org/rfc/rfc5789#section-2.2"""
    response = await exchange(application(RecordingEngine()), "PATCH", "/Patient/a", headers, b"[]")
    assert response.status_code == 415
    assert response.headers["accept-patch"] == "application/json-patch+json, application/fhir+json"


async def test_a_misspelt_type_is_answered_with_the_nearest_name() -> None:
    """Type names are case sensitive; a near miss is named."""
    response = await exchange(application(RecordingEngine()), "GET", "/servicerequest")
    assert "ServiceRequest" in assert_outcome(response, 404, "type-unknown")["diagnostics"]
