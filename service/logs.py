"""Structured logs: one line per event, JSON for machines or key=value for people, never a patient's data.

A log line names parameters, codes, routes and counts. Keys in `NEVER_LOGGED` are dropped wherever they are handed in,
and a request is logged by its route, never by its path: an id leads to a person. Exceptions are logged by type and
place only, because the text of an exception can quote what was sent.
"""

from __future__ import annotations

import logging
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

NEVER_LOGGED: Final = frozenset(
    {
        "access_token",
        "arguments",
        "assertion",
        "authorization",
        "body",
        "client_assertion",
        "content",
        "cookie",
        "cursor_secret",
        "database_url",
        "diagnostics",
        "headers",
        "identifier",
        "name",
        "parameters",
        "password",
        "patient",
        "query",
        "query_string",
        "resource",
        "secret",
        "token",
        "url",
        "value",
    }
)
"""Keys whose values may hold patients' data or secrets."""

request_id: Final[ContextVar[str | None]] = ContextVar("request_id", default=None)
"""The id of the request that the current task works for; added to every line."""

_ATTRIBUTE: Final = "fields"
_FRAMES: Final = 12


def event(logger: logging.Logger, level: int, message: str, /, **fields: object) -> None:
    """Log `message`, a constant sentence, with `fields`; those in `NEVER_LOGGED` are dropped."""
    if logger.isEnabledFor(level):
        logger.log(level, message, extra={_ATTRIBUTE: fields})


class AccessLog:
    """One line per request. `route` has placeholders for ids, and there is no query string."""

    _logger: Final = logging.getLogger("service.access")

    def __call__(
        self, *, method: str, route: str, status: int, milliseconds: float, size_bytes: int, request_id: str
    ) -> None:
        """Log a request that is over."""
        event(
            self._logger,
            logging.INFO,
            "request",
            method=method,
            route=route,
            status=status,
            milliseconds=round(milliseconds, 2),
            size_bytes=size_bytes,
            request_id=request_id,
        )


class _Lines(logging.Formatter):
    """What both formats share: the keys of a line, in order."""

    def keys(self, record: logging.LogRecord) -> dict[str, Any]:
        """The line as a mapping."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if identifier := request_id.get():
            line["request_id"] = identifier
        fields: Mapping[str, object] = getattr(record, _ATTRIBUTE, {})
        line.update((key, value) for key, value in fields.items() if key.lower() not in NEVER_LOGGED)
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__name__
            line["at"] = [
                f"{frame.filename.rpartition('/service/')[2]}:{frame.lineno} {frame.name}"
                for frame in traceback.extract_tb(record.exc_info[2])[-_FRAMES:]
            ]
        return line


class JsonLines(_Lines):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        return msgspec.json.encode(self.keys(record), enc_hook=str).decode()


class TextLines(_Lines):
    """``time level message key=value ...`` for a person at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as text on one line."""
        line = self.keys(record)
        head = f"{line.pop('time')} {line.pop('level'):7} {line.pop('message')}"
        return " ".join(
            [head, *(f"{key}={str(value)!r}" if " " in str(value) else f"{key}={value}" for key, value in line.items())]
        )


def set_up_logs(level: Literal["debug", "info", "warning", "error"], form: Literal["auto", "json", "text"]) -> None:
    """Send every logger's lines to standard error in one format; uvicorn's own access log is switched off."""
    handler = logging.StreamHandler(sys.stderr)
    as_text = form == "text" or (form == "auto" and sys.stderr.isatty())
    handler.setFormatter(TextLines() if as_text else JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for noisy in ("uvicorn.access", "asyncio", "alembic.runtime.plugins"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.raiseExceptions = False
