"""How these tests look at a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.fhir.outcome import ERROR_CODES, ERROR_SYSTEM

if TYPE_CHECKING:
    from tests.benchmarks.client import Reply


def error_code(reply: Reply) -> str:
    """The error code of an OperationOutcome."""
    outcome = reply.json()
    assert outcome["resourceType"] == "OperationOutcome", outcome
    codings = outcome["issue"][0]["details"]["coding"]
    return next(str(coding["code"]) for coding in codings if coding["system"] == ERROR_SYSTEM)


def assert_refused(reply: Reply, status: int, *codes: str) -> None:
    """Check status and error code; a refusal that asks for patience says for how long."""
    assert reply.status == status, (reply.status, reply.body)
    assert error_code(reply) in codes, reply.body
    assert set(codes) <= set(ERROR_CODES)
    if status in {429, 503}:
        assert int(reply.header("retry-after") or 0) > 0, reply.head
