"""Reads of one moment share a statement, and nobody finds in it what another sees."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from service.fhir.sight import EVERYTHING, Sight
from service.store import store as stores
from service.store.pool import Pool
from service.store.reading import read_wanted, wanted
from service.store.store import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from service.store.reading import Wanted

HERE, THERE = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
MADE = """INSERT INTO resource (identity, last_updated, version_id, type, id, method, content, likeness)
SELECT identity, now(), 1, type, id, method, content::json, 0 FROM (VALUES
  ($1::uuid, 'Patient', 'ours', 'PUT', '{}'), ($2, 'Patient', 'theirs', 'PUT', '{}'),
  ($3, 'Patient', 'gone', 'DELETE', NULL), ($4, 'Organization', 'open', 'PUT', '{}'),
  ($5, 'Patient', 'shared', 'PUT', '{}')) AS r(identity, type, id, method, content)"""
SHOWN = "INSERT INTO seen_by SELECT key, 1, $1::uuid, true FROM resource WHERE id = ANY($2::text[])"
IDS = ("ours", "theirs", "gone", "open", "shared", "absent")


def by(*organisations: str) -> Sight:
    """The sight of organisations."""
    return Sight(by=tuple(UUID(each) for each in organisations))


def asked(logical_id: str, sight: Sight | None) -> Wanted:
    """The resource with the id, as somebody wants it."""
    return wanted(asked_type(logical_id), logical_id, sight)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """On a database where one organisation has some resources, another one others, and both one."""
    filled = Pool(database_url, max_size=3)
    identities: list[UUID] = [asked(each, None).identity for each in IDS[:5]]
    async with filled.acquire() as connection:
        await connection.execute(MADE, *identities)
        await connection.execute(SHOWN, UUID(HERE), ["ours", "gone", "shared"])
        await connection.execute(SHOWN, UUID(THERE), ["theirs", "shared"])
    yield filled
    await filled.close()


SEEN: tuple[tuple[Sight | None, set[str]], ...] = (
    (None, {"ours", "theirs", "gone", "open", "shared"}),
    (EVERYTHING, {"ours", "theirs", "gone", "open", "shared"}),
    (by(HERE), {"ours", "gone", "open", "shared"}),
    (by(THERE), {"theirs", "open", "shared"}),
    (by(HERE, THERE), {"ours", "theirs", "gone", "open", "shared"}),
    (by(), {"open"}),
)


@pytest.mark.parametrize("sight, seen", SEEN)
async def test_each_by_itself_is_found_where_it_is_seen(pool: Pool, sight: Sight | None, seen: set[str]) -> None:
    store = Store(pool).within(sight) if sight else Store(pool)
    alone = [each for each in IDS if await store.read(asked_type(each), each) is not None]
    assert set(alone) == seen


def asked_type(logical_id: str) -> str:
    """The type of the resource with the id."""
    return "Organization" if logical_id == "open" else "Patient"


async def test_in_one_statement_each_finds_what_he_sees(pool: Pool) -> None:
    group = [(sight, each, asked(each, sight)) for sight, _ in SEEN for each in IDS]
    async with pool.acquire() as connection:
        await read_wanted(connection, [one for _, _, one in group])
    for sight, seen in SEEN:
        assert {each for by_, each, one in group if by_ is sight and one.found is not None} == seen


@pytest.mark.parametrize("sight, seen", SEEN)
async def test_those_who_see_the_same_find_what_each_would_by_himself(
    pool: Pool, sight: Sight | None, seen: set[str]
) -> None:
    group = [(each, asked(each, sight)) for each in IDS if each != "open"]
    async with pool.acquire() as connection:
        await read_wanted(connection, [one for _, one in group])
    assert {each for each, one in group if one.found is not None} == seen - {"open"}


async def test_a_deleted_one_is_found_as_its_tombstone(pool: Pool) -> None:
    found = await Store(pool).within(by(HERE)).read("Patient", "gone")
    assert found is not None
    assert found.content is None
    assert found.method == "DELETE"


async def test_those_of_one_moment_share_statements(pool: Pool) -> None:
    """One for who came first, another for all the others."""
    groups: list[int] = []
    store = Store(pool)

    async def counting(connection: Any, group: Sequence[Wanted]) -> None:
        groups.append(len(group))
        await read_wanted(connection, group)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stores, "read_wanted", counting)
        found = await asyncio.gather(*(store.read("Patient", "ours") for _ in range(40)))
    assert all(each is not None and each.id == "ours" for each in found)
    assert groups == [1, 39]


async def test_one_that_takes_long_keeps_nobody_waiting(pool: Pool) -> None:
    """Something huge, say: who comes after it is served beside it."""
    released = asyncio.Event()
    store = Store(pool)

    async def slow(connection: Any, group: Sequence[Wanted]) -> None:
        if group[0].identity == asked("theirs", None).identity:
            await released.wait()
        await read_wanted(connection, group)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stores, "read_wanted", slow)
        first = asyncio.create_task(store.read("Patient", "theirs"))
        await asyncio.sleep(0)
        async with asyncio.timeout(30):
            assert await store.read("Patient", "ours") is not None
        assert not first.done()
        released.set()
        assert await first is not None


async def test_what_fails_is_told_to_whom_it_concerns(pool: Pool) -> None:
    """And the next one is served."""
    store = Store(pool)

    async def failing(_connection: Any, _group: Sequence[Wanted]) -> None:
        raise ValueError("no")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stores, "read_wanted", failing)
        results = await asyncio.gather(*(store.read("Patient", "ours") for _ in range(5)), return_exceptions=True)
    assert [type(each) for each in results] == [ValueError] * 5
    assert await store.read("Patient", "ours") is not None
