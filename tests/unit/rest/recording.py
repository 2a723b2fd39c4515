"""An engine that records what it is asked and answers what it is told to, and a way to send it raw HTTP requests."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httpx

from service.fhir.definitions import load
from service.fhir.interaction import Answer
from service.fhir.outcome import Result
from service.fhir.resource import Version
from service.rest.application import FhirApplication

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping, Sequence

    from service.fhir.interaction import Context, Interaction

NOW = datetime(2026, 1, 9, 8, 0, 0, 123_000, UTC)
DEFINITIONS = load()
FHIR = ("Content-Type", "application/fhir+json")
JSON_PATCH = ("Content-Type", "application/json-patch+json")
PATIENT = b'{"resourceType":"Patient","id":"a","meta":{"versionId":"3"},"active":true}'

Headers = tuple[tuple[str, str], ...]


def version(content: bytes | None = PATIENT, *, version_id: int = 3) -> Version:
    """A version of Patient/a; a tombstone without content."""
    return Version(
        type="Patient",
        id="a",
        version_id=version_id,
        last_updated=NOW,
        method="PUT" if content else "DELETE",
        content=content,
    )


@dataclass
class RecordingEngine:
    """Answers everything with `answer`, or raises `error`; `asked` holds what it was asked."""

    answer: Answer = field(default_factory=lambda: Answer(result=Result.OK, version=version()))
    error: BaseException | None = None
    asked: list[tuple[Interaction, Context]] = field(default_factory=list)

    async def perform(self, interaction: Interaction, context: Context) -> Answer:
        """Record, then answer or raise."""
        self.asked.append((interaction, context))
        if self.error:
            raise self.error
        return self.answer


def application(engine: RecordingEngine, **options: Any) -> FhirApplication:
    """The application with a fixed clock and fixed request ids."""
    fixed: dict[str, Any] = {"now": lambda: NOW, "new_request_id": lambda: "fresh-id", "max_body_bytes": 4096}
    return FhirApplication(engine, definitions=DEFINITIONS, **{**fixed, **options})


def scope_of(method: str, target: str, headers: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The ASGI scope of a request below the mount point ``/fhir``, as uvicorn would make it."""
    path, _, query = target.partition("?")
    lower = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    if not any(name == b"host" for name, _ in lower):
        lower.append((b"host", b"clinic.example.org"))
    return {
        "type": "http",
        "method": method,
        "scheme": "https",
        "path": unquote(f"/fhir{path}"),
        "raw_path": f"/fhir{path}".encode("latin-1", "replace"),
        "root_path": "/fhir",
        "query_string": query.encode("utf-8", "surrogateescape"),
        "headers": lower,
        "server": ("127.0.0.1", 8000),
    }


async def exchange(
    served: FhirApplication,
    method: str,
    target: str,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes | Sequence[bytes] = b"",
    *,
    stalls: bool = False,
) -> httpx.Response:
    """Send a request below the mount point ``/fhir`` as uvicorn would hand it over; a body in parts stays in parts.

    A client that `stalls` leaves the body without an end.
    """
    parts = [body] if isinstance(body, bytes) else list(body)
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        if not parts and stalls:
            await asyncio.Event().wait()
        if not parts:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts) or stalls}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await served(scope_of(method, target, headers), receive, send)
    start, end = sent
    return httpx.Response(
        start["status"], headers=start["headers"], content=end["body"], request=httpx.Request(method, "https://x")
    )
