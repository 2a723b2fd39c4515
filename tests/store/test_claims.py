"""What keeps a writing statement from going on: claims that others raised, versions that others superseded."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from service.fhir.definitions import load
from service.fhir.resource import Version
from service.fhir.search.parse import parse_criteria
from service.fhir.search.registry import Registry
from service.store.change import Change, Conflict
from service.store.claims import prune_claims
from service.store.joining import Births
from service.store.store import Session
from service.store.stored_content import head_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NOW = datetime(2026, 1, 9, tzinfo=UTC)
KEY = -(2**63)
NOBODY = parse_criteria(Registry(load()), "Patient", (("identifier", "nobody"),), base="http://here/fhir", zone=UTC)
ANYBODY = parse_criteria(Registry(load()), "Patient", (("_id", "1"),), base="http://here/fhir", zone=UTC)


def change(number: int, version_id: int = 1, **others: Any) -> Change:
    """A version of Patient `number`, with a token."""
    content = head_of("Patient", str(number), version_id, NOW) + b"}}"
    version = Version(
        type="Patient", id=str(number), version_id=version_id, last_updated=NOW, method="PUT", content=content
    )
    return Change(version=version, **others)


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A connection to a database with the tables in it."""
    opened = await _connect(database_url)
    yield opened
    await opened.close()


async def _connect(url: str) -> asyncpg.Connection[Any]:
    opened = await asyncpg.connect(url)
    await opened.set_type_codec("json", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary")
    return opened


async def stored(connection: asyncpg.Connection[Any]) -> int:
    """How many versions there are."""
    tables = "SELECT (SELECT count(*) FROM resource) + (SELECT count(*) FROM resource_history)"
    return int(await connection.fetchval(tables))


async def generation(connection: asyncpg.Connection[Any]) -> int:
    """What a unit of work that matches now sees of the claim; 0 where there is none."""
    matched = await Session(connection).match([NOBODY], [KEY])
    return matched.claims[KEY]


async def grow_old(connection: asyncpg.Connection[Any], minutes: int) -> None:
    """All claims were touched so long ago."""
    await connection.execute("UPDATE criteria_claim SET touched_at = now() - make_interval(mins => $1)", minutes)


async def test_what_was_claimed_since_is_not_made_again(connection: asyncpg.Connection[Any]) -> None:
    """The second saw what the first saw, and writes nothing at all."""
    session = Session(connection)
    await session.write([change(1)], {KEY: 0})
    with pytest.raises(Conflict):
        await session.write([change(2), change(3)], {KEY: 0, 5: 0})
    assert await stored(connection) == 1


async def test_what_was_claimed_before_may_be_made_again(connection: asyncpg.Connection[Any]) -> None:
    """The resource may have been deleted since."""
    session = Session(connection)
    await session.write([change(1)], {KEY: 0})
    await session.write([change(2)], {KEY: await generation(connection)})
    await session.write([change(3)], {KEY: await generation(connection)})
    assert await stored(connection) == 3


async def test_of_two_at_the_same_time_one_makes_it(connection: asyncpg.Connection[Any], database_url: str) -> None:
    """The second waits until the first commits."""
    other = await _connect(database_url)
    transaction = connection.transaction()
    await transaction.start()
    await Session(connection).write([change(1)], {KEY: 0, 7: 0})
    waiting = asyncio.create_task(Session(other).write([change(2)], {7: 0}))
    await _until_waiting(connection)
    await transaction.commit()
    with pytest.raises(Conflict):
        await waiting
    await other.close()
    assert await stored(connection) == 1


async def test_what_is_new_is_looked_for_and_made_in_one_statement(connection: asyncpg.Connection[Any]) -> None:
    """The claim then stands as if it had been looked for before."""
    assert await Session(connection).write_unless_matched([change(1)], [NOBODY], [KEY], births=Births()) is None
    assert await stored(connection) == 1
    assert await generation(connection) > 0


async def test_what_is_known_is_told_and_nothing_is_made(connection: asyncpg.Connection[Any]) -> None:
    """With the claims, as one sees them who looks for a match first."""
    session = Session(connection)
    await session.write([change(1)], {KEY: 0})
    found = await session.write_unless_matched([change(2), change(3)], [NOBODY, ANYBODY], [KEY, 7], births=Births())
    assert found is not None
    assert found.found == [[], [("Patient", "1")]]
    assert found.versions == {("Patient", "1"): 1}
    assert found.claims == {KEY: await generation(connection), 7: 0}
    assert await stored(connection) == 1


async def test_what_is_looked_for_while_another_makes_it_is_not_made_again(
    connection: asyncpg.Connection[Any], database_url: str
) -> None:
    """The second saw neither the claim nor the resource of the first, waits for it, and writes nothing."""
    other = await _connect(database_url)
    transaction = connection.transaction()
    await transaction.start()
    await Session(connection).write([change(1)], {KEY: 0})
    waiting = asyncio.create_task(Session(other).write_unless_matched([change(2)], [ANYBODY], [KEY], births=Births()))
    await _until_waiting(connection)
    await transaction.commit()
    with pytest.raises(Conflict):
        await waiting
    await other.close()
    assert await stored(connection) == 1


async def test_an_undone_claim_counts_for_nothing(connection: asyncpg.Connection[Any], database_url: str) -> None:
    """The first rolls back, the second goes on."""
    other = await _connect(database_url)
    transaction = connection.transaction()
    await transaction.start()
    await Session(connection).write([change(1)], {KEY: 0})
    waiting = asyncio.create_task(Session(other).write([change(2)], {KEY: 0}))
    await _until_waiting(connection)
    await transaction.rollback()
    await waiting
    await other.close()
    assert await stored(connection) == 1


async def test_one_superseded_version_stops_all_changes(connection: asyncpg.Connection[Any]) -> None:
    """The statement commits by itself, so it must write all or none."""
    session = Session(connection)
    await session.write([change(1), change(2)])
    await session.write([change(1, 2)])
    with pytest.raises(Conflict):
        await session.write([change(1, 2), change(2, 2), change(3)])
    assert await stored(connection) == 3
    await session.write([change(1, 3), change(2, 2), change(3)])
    assert await stored(connection) == 6


async def test_claims_of_the_last_hour_stay(connection: asyncpg.Connection[Any]) -> None:
    """Whoever saw nothing less than an hour ago must find them."""
    session = Session(connection)
    await session.write([change(1)], {KEY: 0})
    await grow_old(connection, minutes=59)
    assert await prune_claims(session) == 0
    with pytest.raises(Conflict):
        await session.write([change(2)], {KEY: 0})


async def test_older_claims_are_removed(connection: asyncpg.Connection[Any]) -> None:
    session = Session(connection)
    await session.write([change(1)], {KEY: 0, 7: 0})
    await grow_old(connection, minutes=61)
    await session.write(
        [change(2)], {7: await connection.fetchval("SELECT generation FROM criteria_claim WHERE key = 7")}
    )
    assert await prune_claims(session) == 1
    assert [row["key"] for row in await connection.fetch("SELECT key FROM criteria_claim")] == [7]


async def test_what_was_seen_of_a_removed_claim_is_not_seen_again(connection: asyncpg.Connection[Any]) -> None:
    """The first saw a claim that went, and came again because the second made something: the first writes nothing."""
    session = Session(connection)
    await session.write([change(1)], {KEY: 0})
    await connection.execute("UPDATE criteria_claim SET generation = generation - (1::bigint << 32)")
    await grow_old(connection, minutes=61)
    seen = await generation(connection)
    assert await prune_claims(session) == 1
    await session.write([change(2)], {KEY: 0})
    with pytest.raises(Conflict):
        await session.write([change(3)], {KEY: seen})
    assert await stored(connection) == 2


async def test_a_claim_that_somebody_is_about_to_make_is_not_waited_for(
    connection: asyncpg.Connection[Any], database_url: str
) -> None:
    other = await _connect(database_url)
    await Session(connection).write([change(1)], {KEY: 0, 7: 0})
    await grow_old(connection, minutes=61)
    async with other.transaction():
        await Session(other).write([change(2)], {KEY: await generation(other)})
        assert await prune_claims(Session(connection)) == 1
    await other.close()
    assert [row["key"] for row in await connection.fetch("SELECT key FROM criteria_claim")] == [KEY]


async def _until_waiting(connection: asyncpg.Connection[Any]) -> None:
    """Until another session of the database waits for a lock."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    while not await connection.fetchval(waiting):
        await connection.execute("SELECT pg_stat_clear_snapshot()")
