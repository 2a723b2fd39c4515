"""Receiving a body: limits, parts, content codings, clients that leave."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from typing import Any

import pytest

from service.rest.body import Body, ClientDisconnectedError
from service.rest.coding import accepts_gzip
from tests.api.outcome import assert_outcome
from tests.unit.rest.recording import FHIR, PATIENT, RecordingEngine, application, exchange

LIMIT = 4096
CONTENT = json.loads(PATIENT)


def raw_deflate(data: bytes) -> bytes:
    """The data in the deflate format without the zlib header."""
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


@pytest.mark.parametrize(
    "encoding, body",
    [
        ("identity", PATIENT),
        ("gzip", gzip.compress(PATIENT)),
        ("GZIP", gzip.compress(PATIENT)),
        ("x-gzip", gzip.compress(PATIENT)),
        ("gzip", gzip.compress(PATIENT[:9]) + gzip.compress(PATIENT[9:])),
        ("deflate", zlib.compress(PATIENT)),
        ("deflate", raw_deflate(PATIENT)),
        ("deflate, gzip", gzip.compress(zlib.compress(PATIENT))),
    ],
)
async def test_a_compressed_body_is_read(encoding: str, body: bytes) -> None:
    """Both gzip and deflate, in the forms that clients send."""
    engine = RecordingEngine()
    response = await exchange(application(engine), "POST", "/Patient", (FHIR, ("Content-Encoding", encoding)), body)
    assert response.status_code == 200, response.text
    interaction: Any = engine.asked[0][0]
    assert interaction.content == CONTENT


@pytest.mark.parametrize(
    "encoding, body, status, code",
    [
        ("gzip", PATIENT, 400, "encoding-invalid"),
        ("gzip", gzip.compress(PATIENT)[:-4], 400, "encoding-invalid"),
        ("gzip", gzip.compress(PATIENT) + b"x", 400, "encoding-invalid"),
        ("deflate", b"\x78\x9cnonsense", 400, "encoding-invalid"),
        ("deflate", zlib.compress(PATIENT) + b"x", 400, "encoding-invalid"),
        ("gzip", gzip.compress(b" " * (LIMIT + 1)), 413, "body-too-large"),
        ("gzip", gzip.compress(b" " * LIMIT) + gzip.compress(b" "), 413, "body-too-large"),
        ("deflate", zlib.compress(b" " * 50_000_000), 413, "body-too-large"),
        ("br", PATIENT, 415, "media-type-unsupported"),
        ("gzip, gzip, gzip", PATIENT, 415, "media-type-unsupported"),
        ("gzip", b"", 400, "body-required"),
    ],
)
async def test_a_body_that_does_not_match_its_coding_is_refused(
    encoding: str, body: bytes, status: int, code: str
) -> None:
    """Broken, unknown and exploding codings each have their error code; the limit counts what is inflated."""
    headers = (FHIR, ("Content-Encoding", encoding))
    parts = [body[:LIMIT], body[LIMIT:]] if len(body) > LIMIT and status != 413 else body
    response = await exchange(application(RecordingEngine(), max_body_bytes=LIMIT), "POST", "/Patient", headers, parts)
    assert_outcome(response, status, code)


async def test_a_body_announced_too_large_is_refused_before_it_is_received() -> None:
    """A client that waits for `100 Continue` never has to send it."""
    headers = (FHIR, ("Content-Length", str(LIMIT + 1)))
    response = await exchange(application(RecordingEngine()), "POST", "/Patient", headers, ())
    assert_outcome(response, 413, "body-too-large", "http.body")


async def test_a_body_that_grows_too_large_is_refused_while_it_arrives() -> None:
    """Chunked bodies are counted as they come."""
    parts = [b" " * 1000] * 5
    response = await exchange(application(RecordingEngine()), "POST", "/Patient", (FHIR,), parts)
    assert_outcome(response, 413, "body-too-large", "http.body")


async def test_a_body_in_parts_is_put_together() -> None:
    """Where a body is cut makes no difference."""
    engine = RecordingEngine()
    parts = [PATIENT[:5], b"", PATIENT[5:20], PATIENT[20:]]
    await exchange(application(engine), "POST", "/Patient", (FHIR,), parts)
    interaction: Any = engine.asked[0][0]
    assert interaction.content == CONTENT


async def test_a_body_at_the_limit_is_read() -> None:
    """The limit itself is allowed."""
    body = PATIENT.ljust(LIMIT)
    response = await exchange(application(RecordingEngine()), "POST", "/Patient", (FHIR,), body)
    assert response.status_code == 200


async def test_a_client_that_leaves_before_its_body_is_whole_gets_nothing_done() -> None:
    """Half a body is no request: nothing is performed and nothing is sent."""
    engine = RecordingEngine()
    lines: list[dict[str, Any]] = []
    with pytest.raises(ValueError, match="unpack"):
        await exchange(
            application(engine, access_log=lambda **line: lines.append(line)), "POST", "/Patient", (FHIR,), ()
        )
    assert engine.asked == []
    assert [line["status"] for line in lines] == [499]


@pytest.mark.parametrize("parts", [0, 1, 3])
async def test_a_body_that_does_not_come_in_time_is_refused(parts: int) -> None:
    """Whether nothing, or a little at a time, arrives; the connection is closed, for the rest may still come."""
    engine = RecordingEngine()
    served = application(engine, body_timeout_seconds=0.01)
    response = await exchange(served, "POST", "/Patient", (FHIR,), [b" "] * parts, stalls=True)
    assert_outcome(response, 408, "request-timeout", "http.body")
    assert response.headers["connection"] == "close"
    assert engine.asked == []


@pytest.mark.parametrize("length", ["-1", "1e3", "x", ""])
async def test_a_content_length_that_is_no_number_is_refused(length: str) -> None:
    """Servers usually refuse it before us; nobody should trust that."""
    response = await exchange(
        application(RecordingEngine()), "POST", "/Patient", (FHIR, ("Content-Length", length)), PATIENT
    )
    assert_outcome(response, 400, "header-invalid", "http.Content-Length")


@pytest.mark.parametrize(
    "accept_encoding, gzip_allowed",
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("x-gzip", True),
        ("*", True),
        ("gzip;q=0, *", False),
        ("gzip; q=0.000", False),
        ("br", False),
        ("identity", False),
        ("", False),
        (";;,=q", False),
    ],
)
def test_accept_encoding_says_whether_gzip_is_allowed(accept_encoding: str, gzip_allowed: bool) -> None:
    """Weights of zero forbid, names have no case."""
    assert accepts_gzip(accept_encoding.encode()) == gzip_allowed


async def test_a_gzip_body_of_many_members_is_refused() -> None:
    """Thousands of empty members would inflate to nothing and cost all the more."""
    body = gzip.compress(b"") * 100
    response = await exchange(
        application(RecordingEngine()), "POST", "/Patient", (FHIR, ("Content-Encoding", "gzip")), body
    )
    assert_outcome(response, 400, "encoding-invalid", "http.Content-Encoding")


def arriving_late(*messages: dict[str, Any]) -> Body:
    """A body of which nothing is there when it is asked for; each message comes in a later turn of the loop."""
    arrived: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def arrive(position: int = 0) -> None:
        if position < len(messages):
            arrived.put_nowait(messages[position])
            asyncio.get_running_loop().call_soon(arrive, position + 1)

    asyncio.get_running_loop().call_soon(arrive)
    headers = {b"content-type": b"application/fhir+json"}
    return Body(receive=arrived.get, headers=headers, max_bytes=LIMIT, timeout_seconds=60)


async def test_a_body_that_arrives_in_parts_is_read() -> None:
    """The parts are joined, whenever they come."""
    parts = ({"type": "http.request", "body": PATIENT[at : at + 9], "more_body": True} for at in range(0, 999, 9))
    body = arriving_late(*parts, {"type": "http.request", "body": b"", "more_body": False})
    assert await body.resource() == CONTENT


async def test_a_client_that_leaves_in_the_middle_is_noticed() -> None:
    """Half a body is not worth reading."""
    body = arriving_late({"type": "http.request", "body": PATIENT[:9], "more_body": True}, {"type": "http.disconnect"})
    with pytest.raises(ClientDisconnectedError):
        await body.resource()


async def test_a_fault_of_the_server_while_it_waits_is_passed_on() -> None:
    """What receiving raises reaches the caller as it is."""

    async def broken() -> dict[str, Any]:
        await asyncio.get_running_loop().run_in_executor(None, int, "x")
        raise AssertionError

    body = Body(receive=broken, headers={b"content-type": b"application/fhir+json"}, max_bytes=1, timeout_seconds=60)
    with pytest.raises(ValueError, match="invalid literal"):
        await body.resource()


async def test_a_task_that_waits_for_a_body_can_be_cancelled() -> None:
    """Cancelling is no timeout."""
    waiting = asyncio.create_task(arriving_late().resource())
    loop = asyncio.get_running_loop()
    loop.call_soon(lambda: loop.call_soon(waiting.cancel))
    with pytest.raises(asyncio.CancelledError):
        await waiting
