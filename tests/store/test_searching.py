"""A search that takes too long is refused by itself, whoever it was to go with."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
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
CANCEL = """SELECT pg_cancel_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event = 'PgSleep'"""


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """One with connections for a search that takes too long and for others beside it."""
    made = Pool(database_url, max_size=3)
    yield made
    await made.close()


async def test_others_are_answered_beside_what_runs_into_the_timeout(pool: Pool, database_url: str) -> None:
    """Here it is over once they are; and the connections are of use afterwards."""
    searches = Searches(pool)
    database = await asyncpg.connect(database_url)
    for _ in range(3):
        await searches.find(Statement(TEXT, (0,)))
    for _ in range(2):
        others = [asyncio.create_task(searches.find(Statement(TEXT, (key,)))) for key in (1, 2, 3, SLOW, 4)]
        slow = others.pop(3)
        async with asyncio.timeout(30):
            assert [found[0].key for found in await asyncio.gather(*others)] == [1, 2, 3, 4]
            while not slow.done():
                await database.execute(CANCEL)  # as its timeout does
                await asyncio.sleep(0)
        with pytest.raises(FhirError) as refused:
            await slow
        assert refused.value.code == "timeout"
    await database.close()
