"""What being on record takes: no statement more for a write, one for a read, less than one for reads of one moment."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.builders.resources import patient
from tests.statements import logged, statements_of

if TYPE_CHECKING:
    from tests.api.audit.conftest import Audited


@pytest.fixture
def sent(audited: Audited) -> list[str]:
    """The statements that the service sends from now on."""
    return statements_of(audited.app)


@pytest.mark.parametrize(
    "method, url, body, expected",
    [
        ("POST", "/Patient", patient(2), 1),
        ("PUT", "/Patient/p", patient(1, id="p", active=False), 2),
        ("DELETE", "/Patient/p", None, 2),
        ("GET", "/Patient/p", None, 2),
        ("GET", "/Patient?active=true", None, 2),
        ("GET", "/metadata", None, 1),
    ],
)
async def test_an_interaction_sends_a_known_number_of_statements(
    audited: Audited, sent: list[str], method: str, url: str, body: Any, expected: int
) -> None:
    await audited.http.put("/Patient/p", json=patient(1, id="p"))
    await audited.http.get("/Patient/p")
    await logged()
    sent.clear()
    assert (await audited.http.request(method, url, json=body)).status_code < 300
    await logged()
    assert len(sent) == expected, "\n".join(sent)


async def test_reads_of_one_moment_share_the_statement_of_their_records(audited: Audited, sent: list[str]) -> None:
    await audited.http.put("/Patient/p", json=patient(1, id="p"))
    for _ in range(2):  # connections are opened, statements prepared
        await asyncio.gather(*(audited.http.get("/Patient/p") for _ in range(20)))
    await logged()
    sent.clear()
    await asyncio.gather(*(audited.http.get("/Patient/p") for _ in range(20)))
    await logged()
    assert len([text for text in sent if "audit_link" in text]) <= 10
    assert len([record for record in await audited.records() if record["interaction"] == "read"]) == 60
