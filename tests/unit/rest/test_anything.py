"""Whatever is sent, the answer is a proper one: no exception, no 500, no header that a client could have written."""

from __future__ import annotations

import json
from urllib.parse import urlencode

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.rest.recording import RecordingEngine, application, exchange

METHODS = st.sampled_from(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", "X"))
SEGMENTS = st.one_of(
    st.sampled_from(
        ("Patient", "Observation", "a", "1", "_history", "_search", "metadata", "$validate", "*", "", ".", "..", "%2F")
    ),
    st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="?#/"), max_size=12),
)
PATHS = st.lists(SEGMENTS, max_size=5).map(lambda segments: "/" + "/".join(segments))
PAIRS = st.tuples(
    st.one_of(
        st.sampled_from(("_format", "_pretty", "_summary", "_elements", "_count", "name", "mode", "identifier")),
        st.text(max_size=5),
    ),
    st.one_of(st.sampled_from(("json", "true", "xml", "application/fhir+json", "full")), st.text(max_size=10)),
)
QUERIES = st.one_of(
    st.lists(PAIRS, max_size=4).map(urlencode),
    st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_characters="#"), max_size=30),
)
LATIN = st.text(st.characters(max_codepoint=255), max_size=30)
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(
            (
                "Accept",
                "Accept-Encoding",
                "Access-Control-Request-Method",
                "Content-Encoding",
                "Content-Length",
                "Content-Type",
                "Host",
                "If-Match",
                "If-Modified-Since",
                "If-None-Exist",
                "If-None-Match",
                "Origin",
                "Prefer",
                "X-Request-Id",
            )
        ),
        st.one_of(
            LATIN,
            st.sampled_from(("application/fhir+json", "application/json-patch+json", "gzip", "*", 'W/"1"', "deflate")),
        ),
    ),
    max_size=5,
)
BODIES = st.one_of(
    st.binary(max_size=50),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    ).map(lambda value: json.dumps(value).encode()),
)


@settings(max_examples=400, deadline=None)
@given(METHODS, PATHS, QUERIES, HEADERS, BODIES)
async def test_anything_that_is_sent_gets_a_proper_answer(
    method: str, path: str, query: str, headers: list[tuple[str, str]], body: bytes
) -> None:
    """The stub engine never fails: whatever is refused is refused by a rule, before the engine is asked."""
    engine = RecordingEngine()
    response = await exchange(application(engine), method, f"{path}?{query}", headers, body)
    assert response.status_code < 500, response.text
    assert len(engine.asked) == (response.status_code == 200)
    for name, value in response.headers.raw:
        assert name == name.lower()
        assert not set(value) & set(b"\r\n\0")
    if response.status_code >= 400 and method != "HEAD":
        assert response.json()["resourceType"] == "OperationOutcome"
