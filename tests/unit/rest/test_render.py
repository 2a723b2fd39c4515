"""Every kind of answer: its status, its headers, its body."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from service.fhir.interaction import Answer
from service.fhir.outcome import CANONICAL, FhirError, Issue, Result, failure
from tests.api.outcome import assert_outcome
from tests.unit.rest.recording import FHIR, PATIENT, Headers, RecordingEngine, application, exchange, version

BUNDLE = b'{"resourceType":"Bundle","type":"searchset"}'
LOCATION = "https://clinic.example.org/fhir/Patient/a/_history/3"
WARNING = Issue(code=None, severity="warning", diagnostics="The plan has no goal.")
CREATED = Answer(result=Result.CREATED, version=version())
UPDATED = Answer(result=Result.OK, version=version(), issues=(WARNING,))
DELETED = Answer(result=Result.DELETED, version=version(None, version_id=4))


def preferring(value: str) -> Headers:
    """The headers of a write with a preference."""
    return (FHIR, ("Prefer", f"return={value}"))


async def test_a_read_carries_the_version_and_may_be_kept_by_the_client_alone() -> None:
    """The stored bytes, the entity tag, the instant, and no cache that others share."""
    response = await exchange(application(RecordingEngine()), "GET", "/Patient/a")
    assert response.status_code == 200
    assert response.content == PATIENT
    assert dict(response.headers) == {
        "cache-control": "private, no-cache",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        "content-length": str(len(PATIENT)),
        "content-type": "application/fhir+json; charset=utf-8",
        "etag": 'W/"3"',
        "last-modified": "Fri, 09 Jan 2026 08:00:00 GMT",
        "vary": "accept, accept-encoding, origin, prefer",
        "x-content-type-options": "nosniff",
        "x-request-id": "fresh-id",
    }


async def test_head_answers_with_the_headers_of_get_and_no_body() -> None:
    """The length is that of the body that GET would send."""
    read = await exchange(application(RecordingEngine()), "GET", "/Patient/a")
    head = await exchange(application(RecordingEngine()), "HEAD", "/Patient/a")
    assert head.content == b""
    assert head.headers == read.headers


async def test_what_the_client_still_has_is_not_sent_again() -> None:
    """304 carries the entity tag and no body, no type, no length."""
    engine = RecordingEngine(Answer(result=Result.NOT_MODIFIED, version=version()))
    response = await exchange(application(engine), "GET", "/Patient/a", (("If-None-Match", 'W/"3"'),))
    assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", 'W/"3"')
    assert not {"content-type", "content-length"} & set(response.headers)


@pytest.mark.parametrize(
    "method, target, answer, headers, status, body",
    [
        ("POST", "/Patient", CREATED, (FHIR,), 201, PATIENT),
        ("POST", "/Patient", CREATED, preferring("representation"), 201, PATIENT),
        ("POST", "/Patient", CREATED, preferring("minimal"), 201, b""),
        ("POST", "/Patient", Answer(result=Result.OK, version=version()), (FHIR,), 200, PATIENT),
        ("PUT", "/Patient/a", UPDATED, (FHIR,), 200, PATIENT),
        ("PUT", "/Patient/a", UPDATED, preferring("minimal"), 200, b""),
    ],
)
async def test_a_write_says_where_the_version_is_and_returns_what_is_preferred(
    method: str, target: str, answer: Answer, headers: Headers, status: int, body: bytes
) -> None:
    """Location names the version, also where a conditional create found it; nobody may keep the answer."""
    response = await exchange(application(RecordingEngine(answer)), method, target, headers, PATIENT)
    assert (response.status_code, response.content) == (status, body)
    assert response.headers["location"] == LOCATION
    assert response.headers["etag"] == 'W/"3"'
    assert response.headers["cache-control"] == "no-store"
    assert ("content-type" in response.headers) == bool(body)


@pytest.mark.parametrize(
    "answer, status, severity",
    [(CREATED, 201, "information"), (UPDATED, 200, "warning"), (DELETED, 200, "information")],
)
async def test_a_client_may_ask_for_the_outcome(answer: Answer, status: int, severity: str) -> None:
    """`return=OperationOutcome` shows the issues of a success, or says that all is well."""
    method, target = ("DELETE", "/Patient/a") if answer is DELETED else ("PUT", "/Patient/a")
    response = await exchange(
        application(RecordingEngine(answer)), method, target, preferring("OperationOutcome"), PATIENT
    )
    outcome = response.json()
    assert response.status_code == status
    assert outcome["resourceType"] == "OperationOutcome"
    assert [issue["severity"] for issue in outcome["issue"]] == [severity]
    assert response.headers["preference-applied"] == "return=OperationOutcome"


async def test_a_deletion_has_no_content() -> None:
    """204 names the tombstone's version and no place."""
    response = await exchange(application(RecordingEngine(DELETED)), "DELETE", "/Patient/a")
    assert (response.status_code, response.content, response.headers["etag"]) == (204, b"", 'W/"4"')
    assert not {"location", "content-length", "content-type"} & set(response.headers)


async def test_a_deletion_of_nothing_has_no_content_either() -> None:
    """There is no version to name where nothing was there."""
    response = await exchange(
        application(RecordingEngine(Answer(result=Result.DELETED))),
        "DELETE",
        "/Patient/a",
        preferring("representation"),
    )
    assert (response.status_code, response.content) == (204, b"")


async def test_a_warning_about_a_deletion_is_shown() -> None:
    """A deletion has no other body, so its issues are not hidden."""
    engine = RecordingEngine(Answer(result=Result.DELETED, version=version(None), issues=(WARNING,)))
    response = await exchange(application(engine), "DELETE", "/Patient/a")
    assert (response.status_code, response.json()["issue"][0]["severity"]) == (200, "warning")


@pytest.mark.parametrize(
    "method, target, headers, body",
    [
        ("GET", "/Patient", (), b""),
        ("GET", "/Patient", (("Prefer", "return=minimal"),), b""),
        ("POST", "/Patient/_search", (("Content-Type", "application/x-www-form-urlencoded"),), b"a=b"),
        ("POST", "/", (FHIR,), b'{"resourceType":"Bundle"}'),
        ("POST", "/", preferring("minimal"), b'{"resourceType":"Bundle"}'),
        ("POST", "/Patient/$validate", (FHIR,), PATIENT),
        ("GET", "/Patient/_history", (), b""),
        ("GET", "/metadata", (), b""),
    ],
)
async def test_a_set_is_answered_with_its_body(method: str, target: str, headers: Headers, body: bytes) -> None:
    """Bundles, outcomes of operations and the capabilities come as they are, whatever `Prefer: return` says."""
    engine = RecordingEngine(Answer(result=Result.OK, body=BUNDLE))
    response = await exchange(application(engine), method, target, headers, body)
    assert (response.status_code, response.content) == (200, BUNDLE)
    assert response.headers["cache-control"] == "no-store"
    assert "etag" not in response.headers


async def test_large_answers_are_compressed_for_those_who_accept_it() -> None:
    """The entity tag is weak and stays; HEAD announces the same length."""
    content = b'{"resourceType":"Patient","text":"' + b"massage " * 1000 + b'"}'
    engine = RecordingEngine(Answer(result=Result.OK, version=version(content)))
    headers = (("Accept-Encoding", "gzip"),)
    response = await exchange(application(engine), "GET", "/Patient/a", headers)
    assert response.headers["content-encoding"] == "gzip"
    assert int(response.headers["content-length"]) < len(content) / 10
    assert response.content == content
    assert response.headers["etag"] == 'W/"3"'
    plain = await exchange(application(engine), "GET", "/Patient/a")
    assert "content-encoding" not in plain.headers


async def test_small_answers_are_not_compressed() -> None:
    """Compression would cost more than it saves."""
    response = await exchange(application(RecordingEngine()), "GET", "/Patient/a", (("Accept-Encoding", "gzip"),))
    assert "content-encoding" not in response.headers


async def test_a_very_large_answer_is_compressed_beside_the_event_loop() -> None:
    """Megabytes are compressed in a thread, to the same result."""
    body = b'{"resourceType":"Bundle","x":"' + b"a" * (1 << 20) + b'"}'
    engine = RecordingEngine(Answer(result=Result.OK, body=body))
    response = await exchange(application(engine), "GET", "/Patient", (("Accept-Encoding", "gzip"),))
    assert response.content == body


@pytest.mark.parametrize(
    "target, kept",
    [
        ("/Patient/a?_summary=true", {"resourceType", "id", "meta", "active"}),
        ("/Patient/a?_summary=text", {"resourceType", "id", "meta", "text", "active"}),
        ("/Patient/a?_summary=data", {"resourceType", "id", "meta", "active", "contact"}),
        ("/Patient/a?_elements=contact", {"resourceType", "id", "meta", "contact", "active"}),
        ("/Patient/a/_history/3?_elements=active", {"resourceType", "id", "meta", "active"}),
        ("/Patient/a?_summary=false", {"resourceType", "id", "meta", "active", "text", "contact"}),
    ],
)
async def test_a_read_can_be_asked_for_a_part(target: str, kept: set[str]) -> None:
    """The part is tagged SUBSETTED, so that nobody stores it back as the whole."""
    content = {**json.loads(PATIENT), "text": {"status": "empty"}, "contact": [{"gender": "other"}]}
    engine = RecordingEngine(Answer(result=Result.OK, version=version(json.dumps(content).encode())))
    response = await exchange(application(engine), "GET", target)
    assert set(response.json()) == kept
    assert ("tag" in response.json()["meta"]) == (kept != set(content))


async def test_the_capabilities_can_be_asked_for_a_part() -> None:
    """`_summary` and `_elements` work on the CapabilityStatement as on any resource."""
    body = b'{"resourceType":"CapabilityStatement","status":"active","kind":"instance","rest":[{"mode":"server"}]}'
    engine = RecordingEngine(Answer(result=Result.OK, body=body))
    response = await exchange(application(engine), "GET", "/metadata?_elements=kind")
    assert "rest" not in response.json()
    assert response.json()["kind"] == "instance"


async def test_the_parts_of_a_search_are_left_to_the_engine() -> None:
    """A search hands `_summary` on and its Bundle is sent as the engine made it."""
    engine = RecordingEngine(Answer(result=Result.OK, body=BUNDLE))
    response = await exchange(application(engine), "GET", "/Patient?_summary=true&_elements=x")
    assert response.content == BUNDLE


REFUSALS: tuple[tuple[FhirError, int, dict[str, str]], ...] = (
    (failure("not-found", "No Patient has this id."), 404, {}),
    (failure("deleted", "Deleted."), 410, {}),
    (failure("version-conflict", "Another version."), 412, {}),
    (failure("busy", "No connection.", retry_after_seconds=2), 503, {"retry-after": "2"}),
    (failure("not-allowed", "No.", allowed_methods=("GET",)), 405, {"allow": "GET"}),
    (failure("unauthenticated", "No token."), 401, {"www-authenticate": 'Bearer realm="massage-fhir"'}),
    (FhirError(issues=(Issue(code="invariant", diagnostics="dom-2", expression=("Patient.contained",)),)), 400, {}),
)


@pytest.mark.parametrize("error, status, headers", REFUSALS)
async def test_a_refusal_becomes_an_outcome(error: FhirError, status: int, headers: dict[str, str]) -> None:
    """Status from the category, Retry-After and Allow where they help, and nothing to be cached."""
    response = await exchange(application(RecordingEngine(error=error)), "GET", "/Patient/a")
    assert_outcome(response, status, error.code)
    assert headers.items() <= dict(response.headers).items()
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_a_fault_tells_the_request_id_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    """What went wrong is in the log, under the request id."""
    engine = RecordingEngine(error=ValueError("Erika Mustermann"))
    response = await exchange(application(engine), "GET", "/Patient/a", (("X-Request-Id", "r-1"),))
    issue = assert_outcome(response, 500, "internal")
    assert "r-1" in issue["diagnostics"]
    assert "Mustermann" not in response.text
    (record,) = caplog.records
    assert vars(record)["fields"] == {"request_id": "r-1"}
    assert record.exc_info
    assert "Mustermann" not in record.getMessage()


async def test_an_outcome_names_the_error_code_in_the_services_own_system() -> None:
    """`details.coding` is what a program reads, `diagnostics` what a person reads."""
    engine = RecordingEngine(error=failure("deleted", "It was deleted."))
    response = await exchange(application(engine), "GET", "/Patient/a")
    coding = response.json()["issue"][0]["details"]["coding"][0]
    assert (coding["system"], coding["code"]) == (f"{CANONICAL}/CodeSystem/error-code", "deleted")


async def test_new_requests_are_refused_once_the_service_stops() -> None:
    """503 and Retry-After send the client to another worker."""
    engine = RecordingEngine()
    served = application(engine)
    served.begin_shutdown()
    response = await exchange(served, "GET", "/Patient/a")
    assert_outcome(response, 503, "shutting-down")
    assert response.headers["retry-after"] == "1"
    assert engine.asked == []


@pytest.mark.parametrize(
    "method, target, route, status",
    [
        ("GET", "/Patient/a?name=x", "/Patient/{id}", 400),
        ("GET", "/Patient?name=x", "/Patient", 200),
        ("HEAD", "/Patient/a/_history/3", "/Patient/{id}/_history/{vid}", 200),
        ("GET", "/Patient/a/Observation", "/Patient/{id}/{member}", 200),
        ("GET", "/Patient/a/$everything", "/Patient/{id}/${operation}", 200),
        ("GET", "/Erika/a", "-", 404),
        ("DELETE", "/", "/", 405),
        ("OPTIONS", "/metadata", "/metadata", 204),
    ],
)
async def test_the_access_log_has_one_line_per_request_and_no_ids(
    method: str, target: str, route: str, status: int
) -> None:
    """Neither ids nor parameters nor unknown paths reach the log."""
    lines: list[dict[str, Any]] = []
    await exchange(application(RecordingEngine(), access_log=lambda **line: lines.append(line)), method, target)
    (line,) = lines
    assert (line["method"], line["route"], line["status"]) == (method, route, status)
    assert line["request_id"] == "fresh-id"
    assert line["milliseconds"] >= 0


async def test_the_access_log_counts_the_bytes_as_sent() -> None:
    """After compression, and none for HEAD."""
    lines: list[dict[str, Any]] = []
    body = b'"' + b"a" * 5000 + b'"'
    served = application(
        RecordingEngine(Answer(result=Result.OK, body=body)), access_log=lambda **line: lines.append(line)
    )
    await exchange(served, "GET", "/Patient", (("Accept-Encoding", "gzip"),))
    await exchange(served, "HEAD", "/Patient")
    assert 0 < lines[0]["size_bytes"] < len(gzip.compress(body)) + 100
    assert lines[1]["size_bytes"] == 0
