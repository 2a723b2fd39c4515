"""Searches that arrive together share statements, and nobody waits or fails for the sake of another."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from service.fhir.outcome import FhirError, failure
from service.store import searching
from service.store.search.statement import Statement
from service.store.searching import Searches

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from service.store.found import Found

TEXT = "SELECT FROM resource WHERE key = $1::bigint AND type = ANY($2::text[])"
BAD, SLOW, ENDLESS = 13, 17, 19


class Database:
    """Finds the resource with the key that is asked for; a statement takes `seconds` for each that it is for.

    `groups` are the keys that were asked for in one statement each.
    """

    acquire_timeout_seconds = 60.0

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.seconds = 0.0001
        self.now = 0.0
        self.lost: FhirError | None = None
        self.end = asyncio.Event()

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Database]:
        """A connection."""
        if self.lost:
            raise self.lost
        yield self

    async def fetch(self, text: str, *arguments: Any, timeout: float | None = None) -> list[Any]:  # noqa: ASYNC109
        """The rows of a search, or of several."""
        keys = [arguments[0]] if text == TEXT else arguments[1]
        self.groups.append(keys)
        await asyncio.sleep(0)
        self.now += self.seconds * len(keys)
        if BAD in keys:
            raise asyncpg.DataError("no")
        if {SLOW, ENDLESS} & {*keys} and timeout is not None:
            raise TimeoutError
        if ENDLESS in keys:
            await self.end.wait()
        if text == TEXT:
            return [row(*keys)]
        return [(place, *([each] for each in row(key))) for place, key in enumerate(keys)]


def row(key: int) -> tuple[Any, ...]:
    """What is found of a resource."""
    return key, "Patient", str(key), 1, "", b"{}"


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    """One whose clock is that of the searches."""
    made = Database()
    monkeypatch.setattr(searching, "perf_counter", lambda: made.now)
    return made


def search(key: int, *types: str) -> Statement:
    """A search that finds a resource."""
    return Statement(TEXT, (key, [*types]))


async def known(database: Database) -> Searches:
    """Searches of a text that was asked before."""
    searches = Searches(database)  # type: ignore[arg-type]
    await searches.find(search(0))
    database.groups.clear()
    return searches


async def every(searches: Searches, keys: range | list[int]) -> list[list[Found] | BaseException]:
    """What searches of one moment come to."""
    return await asyncio.gather(*(searches.find(search(key)) for key in keys), return_exceptions=True)


def keys_of(results: list[list[Found] | BaseException]) -> list[int | None]:
    """The key that each found, None where it failed."""
    return [None if isinstance(each, BaseException) else each[0].key for each in results]


async def test_those_of_one_moment_share_statements(database: Database) -> None:
    """One for who came first, others for all the others; each finds its own."""
    searches = await known(database)
    assert keys_of(await every(searches, range(40, 60))) == [*range(40, 60)]
    assert [len(each) for each in database.groups] == [1, 16, 3]


async def test_who_is_alone_is_served_alone(database: Database) -> None:
    searches = await known(database)
    for key in (1, 2):
        await searches.find(search(key))
    assert database.groups == [[1], [2]]


async def test_nothing_is_shared_before_it_is_known_to_be_quick(database: Database) -> None:
    await every(Searches(database), range(4))  # type: ignore[arg-type]
    assert database.groups == [[0], [1], [2], [3]]


async def test_what_takes_long_is_not_shared(database: Database) -> None:
    database.seconds = 0.1
    searches = await known(database)
    await every(searches, range(4))
    assert database.groups == [[0], [1], [2], [3]]


async def test_no_more_are_shared_than_take_a_moment(database: Database) -> None:
    database.seconds = 0.0012
    searches = await known(database)
    assert keys_of(await every(searches, range(40, 48))) == [*range(40, 48)]
    assert sorted(map(len, database.groups)) == [1, 1, 3, 3]


async def test_what_becomes_slower_is_shared_less_and_less(database: Database) -> None:
    searches = await known(database)
    database.seconds = 0.1
    for _ in range(3):
        database.groups.clear()
        await every(searches, range(8))
    assert [len(each) for each in database.groups] == [1] * 8


async def test_who_asks_with_other_lists_is_served_beside(database: Database) -> None:
    searches = await known(database)
    await searches.find(search(0, "Patient"))
    database.groups.clear()
    asked = [search(1), search(2, "Patient"), search(3), search(4, "Patient"), search(5)]
    await asyncio.gather(*map(searches.find, asked))
    assert sorted(database.groups) == [[1], [2], [3, 5], [4]]


@pytest.mark.parametrize("key", [BAD, SLOW])
async def test_a_shared_statement_that_is_given_up_is_served_one_by_one(database: Database, key: int) -> None:
    searches = await known(database)
    found = keys_of(await every(searches, [1, 2, key, 4]))
    assert database.groups == [[1], [2, key, 4], [2], [key], [4]]
    assert found == [1, 2, None if key == BAD else key, 4]


async def test_nobody_waits_for_one_that_does_not_end(database: Database) -> None:
    """Neither those that were to go with it, nor those that come after it, and be there several."""
    searches = await known(database)
    endless = [asyncio.create_task(searches.find(search(ENDLESS))) for _ in range(4)]
    async with asyncio.timeout(5):
        for keys in ([1, 2, 4], [5, 6], [7]):
            assert keys_of(await every(searches, keys)) == keys
    assert not any(each.done() for each in endless)
    database.end.set()
    assert keys_of(await asyncio.gather(*endless)) == [ENDLESS] * 4


async def test_who_leaves_is_no_company(database: Database) -> None:
    """Whether it was served with others or by itself."""
    searches = await known(database)
    tasks = [asyncio.create_task(searches.find(search(key))) for key in (ENDLESS, 1, 2, 3)]
    await asyncio.sleep(0)
    for each in tasks:
        each.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    async with asyncio.timeout(5):
        await searches.find(search(5))
    assert [kind._together._under_way for kind in searches._kinds.values()] == [0]


async def test_who_fails_is_told_why(database: Database) -> None:
    searches = await known(database)
    results = await every(searches, [1, 2, BAD, 4])
    assert isinstance(results[2], asyncpg.DataError)


async def test_a_database_that_is_lost_is_told_to_all(database: Database) -> None:
    searches = await known(database)
    database.lost = failure("database-unavailable", "The database is away.")
    results = await every(searches, range(4))
    assert all(isinstance(each, FhirError) and each.code == "database-unavailable" for each in results)
    assert database.groups == []


async def test_kinds_of_searches_are_forgotten_where_there_are_too_many(database: Database) -> None:
    """Memory is bounded: each of them is then a first one again."""
    searches = await known(database)
    for number in range(searching._MOST_KINDS):
        await searches.find(search(1, str(number)))
    assert len(searches._kinds) <= searching._MOST_KINDS
