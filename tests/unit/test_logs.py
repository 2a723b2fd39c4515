"""The logs: one line per event that a machine can read, the request's id on it, no patient's data ever."""

from __future__ import annotations

import io
import json
import logging
from contextvars import Context
from typing import TYPE_CHECKING, Any

import pytest

from service.logs import NEVER_LOGGED, AccessLog, JsonLines, TextLines, event, request_id

if TYPE_CHECKING:
    from collections.abc import Iterator


class Written(io.StringIO):
    """A stream that can be asked for its lines."""

    @property
    def last(self) -> dict[str, Any]:
        line: dict[str, Any] = json.loads(self.getvalue().splitlines()[-1])
        return line


@pytest.fixture
def written() -> Iterator[Written]:
    stream = Written()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root = logging.getLogger("service")
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


LOGGER = logging.getLogger("service.test")


def test_an_event_is_one_json_object_on_one_line(written: Written) -> None:
    event(LOGGER, logging.INFO, "something happened", count=3, at="line\nbreak")
    assert written.getvalue().count("\n") == 1
    assert written.last["message"] == "something happened"
    assert written.last["count"] == 3
    assert written.last["level"] == "info"


def test_the_time_is_in_utc(written: Written) -> None:
    event(LOGGER, logging.INFO, "now")
    assert written.last["time"].endswith("+00:00")


def test_a_line_names_the_request_that_it_belongs_to(written: Written) -> None:
    token = request_id.set("request-7")
    event(LOGGER, logging.INFO, "within")
    request_id.reset(token)
    assert written.last["request_id"] == "request-7"


@pytest.mark.parametrize("key", sorted(NEVER_LOGGED))
def test_a_forbidden_key_is_dropped(key: str, written: Written) -> None:
    event(LOGGER, logging.INFO, "it", **{key: "Pat Example", key.title(): "Pat Example"})
    assert "Pat Example" not in written.getvalue()


def test_an_exception_is_logged_by_type_and_place_but_not_by_its_text(written: Written) -> None:
    try:
        int("Pat Example")
    except ValueError:
        LOGGER.exception("unexpected fault")
    assert "Pat Example" not in written.getvalue()
    assert written.last["exception"] == "ValueError"
    assert "test_logs.py" in written.last["at"][-1]


def test_a_request_is_logged_by_its_route(written: Written) -> None:
    AccessLog()(
        method="GET", route="/Patient/{id}", status=200, milliseconds=1.2345, size_bytes=10, request_id="request-7"
    )
    logged = {
        key: written.last[key] for key in ("method", "route", "status", "milliseconds", "size_bytes", "request_id")
    }
    assert logged == {
        "method": "GET",
        "route": "/Patient/{id}",
        "status": 200,
        "milliseconds": 1.23,
        "size_bytes": 10,
        "request_id": "request-7",
    }


def test_the_text_form_quotes_values_with_blanks() -> None:
    record = logging.LogRecord("service", logging.INFO, "", 0, "served", None, None)
    record.fields = {"route": "/a b", "status": 200}
    # outside of any request, whatever has set the request id before
    line = Context().run(TextLines().format, record)
    assert line.endswith("served logger=service route='/a b' status=200")
