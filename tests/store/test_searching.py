"""A search that takes too long is refused by itself, whoever it was to go with."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from service.fhir.outcome import FhirError
from service.store.pool import Pool
from service.store.search import Statement
from service.store.searching import Searches

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SLOW = 17
TEXT = f"""SELECT $1::bigint AS key, 'Patient' AS type, 'x' AS id, 1 AS version_id, '' AS instant,
'{{}}'::json AS content
FROM pg_sleep(CASE WHEN $1::bigint = {SLOW} THEN 60 ELSE 0 END)"""  # noqa: S608 - constants only


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """One that ends what takes longer than a moment."""
    made = Pool(database_url, max_size=3, statement_timeout_seconds=0.5)
    yield made
    await made.close()


async def test_others_are_answered_beside_what_runs_into_the_timeout(pool: Pool) -> None:
    """And the connections are of use afterwards."""
    searches = Searches(pool)
    for _ in range(3):
        await searches.find(Statement(TEXT, (0,)))
    for _ in range(2):
        keys = [1, 2, 3, SLOW, 4]
        results = await asyncio.gather(
            *(searches.find(Statement(TEXT, (key,))) for key in keys), return_exceptions=True
        )
        refused = results.pop(keys.index(SLOW))
        assert isinstance(refused, FhirError)
        assert refused.code == "timeout"
        assert [each[0].key for each in results if not isinstance(each, BaseException)] == [1, 2, 3, 4]
