"""Index rows after a reindex are those that extraction gives, whoever wrote what in the meantime."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from service.fhir import codec
from service.jobs import rebuild
from service.jobs.rebuild import Progress, ReindexError, Selection, extraction_of
from service.reindex.report import selected
from service.store.checkpoint import saved
from service.store.index_rows import replace_rows
from tests.builders.minimal import minimal
from tests.builders.resources import observation, patient
from tests.reindex.rebuilding import BASE, command, found, index_rows, rebuilt

if TYPE_CHECKING:
    import asyncpg
    import httpx

    from service.assembly import Standard
    from service.interactions.parts import Parts
    from service.settings import Settings

JSON = {"Content-Type": "application/fhir+json"}


async def test_rows_that_are_as_they_should_be_are_left_alone(
    fresh_client: httpx.AsyncClient, parts: Parts, database: asyncpg.Connection[Any]
) -> None:
    """Of every type."""
    types = parts.definitions.resource_types
    for resource_type in types:
        content = minimal(parts.definitions, resource_type)
        made = await fresh_client.post(resource_type, content=codec.encode(content), headers=JSON)
        assert made.status_code == 201, made.text
    before = await index_rows(database)
    done = await rebuilt(parts)
    assert (done.passed, done.replaced) == (len(types), 0)
    assert await index_rows(database) == before


async def test_rows_that_are_missing_or_wrong_are_made_anew(
    fresh_client: httpx.AsyncClient, parts: Parts, database: asyncpg.Connection[Any]
) -> None:
    for number in range(5):
        await fresh_client.put(f"Patient/p{number}", json=patient(number, id=f"p{number}"))
    before = await index_rows(database)
    first = await database.fetchval("SELECT min(key) FROM resource")
    await database.execute("DELETE FROM index_token WHERE resource_key = $1", first)
    await database.execute("UPDATE index_string SET value = 'wrong' WHERE resource_key = $1", first + 1)
    await database.execute("INSERT INTO index_date SELECT * FROM index_date WHERE resource_key = $1", first + 2)
    assert (await rebuilt(parts)).replaced == 3
    assert await index_rows(database) == before
    assert await found(fresh_client, "Patient?family=example0") == ["p0"]


async def test_a_likeness_that_is_missing_is_found_out(
    fresh_client: httpx.AsyncClient, parts: Parts, database: asyncpg.Connection[Any]
) -> None:
    """As that of what was stored before there were any; it is the one that a write gives."""
    await fresh_client.put("Patient/p1", json=patient(1, id="p1"))
    await fresh_client.put("Patient/p1", json={"resourceType": "Patient", "id": "p1", "gender": "male"})
    await fresh_client.put("Patient/p2", json=patient(2, id="p2"))
    select = "SELECT likeness FROM resource ORDER BY key"
    before = [row["likeness"] for row in await database.fetch(select)]
    assert len(set(before)) == 2
    await database.execute("UPDATE resource SET likeness = 0")
    assert await found(fresh_client, "Patient?birthdate:missing=true") == ["p1"]
    assert (await rebuilt(parts)).replaced == 2
    assert [row["likeness"] for row in await database.fetch(select)] == before
    assert await found(fresh_client, "Patient?birthdate:missing=true") == ["p1"]


async def test_a_tombstone_has_no_rows(
    fresh_client: httpx.AsyncClient, parts: Parts, database: asyncpg.Connection[Any]
) -> None:
    await fresh_client.put("Patient/p1", json=patient(id="p1"))
    await database.execute("CREATE TABLE kept AS SELECT * FROM index_token")
    await fresh_client.delete("Patient/p1")
    await database.execute("INSERT INTO index_token SELECT * FROM kept")
    assert (await rebuilt(parts)).replaced == 1
    assert await database.fetchval("SELECT count(*) FROM index_token") == 0


async def test_the_types_that_were_asked_for_are_looked_at(
    fresh_client: httpx.AsyncClient, parts: Parts, database: asyncpg.Connection[Any]
) -> None:
    await fresh_client.put("Patient/p1", json=patient(id="p1"))
    await fresh_client.put("Observation/o1", json=observation("Patient/p1", id="o1"))
    await database.execute("DELETE FROM index_token")
    chosen = selected(parts.registry, ["Observation", "Patient"], ["birthdate"])
    assert chosen == Selection(types=("Patient",))
    done = await rebuilt(parts, chosen)
    assert (done.passed, done.replaced) == (1, 1)


@pytest.mark.parametrize(
    "types,parameters,told",
    [(["Nonsense"], [], "Nonsense: no such type is served"), ([], ["nonsense"], "nonsense: no such search parameter")],
)
def test_what_there_is_none_of_is_named(standard: Standard, types: list[str], parameters: list[str], told: str) -> None:
    with pytest.raises(ReindexError, match=told):
        selected(standard.registry, types, parameters)


async def test_an_interrupted_reindex_goes_on_where_it_rested(
    fresh_client: httpx.AsyncClient,
    parts: Parts,
    database: asyncpg.Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rebuild, "_BATCH", 2)
    monkeypatch.setattr(rebuild, "_BATCHES_TO_A_REST", 2)
    for number in range(10):
        await fresh_client.put(f"Patient/p{number}", json=patient(number, id=f"p{number}"))
    before = await index_rows(database)
    await database.execute("DELETE FROM index_token")
    told: list[int] = []

    def interrupt(progress: Progress) -> None:
        told.append(progress.passed)
        if progress.passed == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await rebuilt(parts, watch=interrupt)
    assert told == [0, 4, 8]
    async with parts.store.session() as session:
        point = await saved(session, Selection().checkpoint_name(extraction_of(parts, BASE)))
    assert point
    assert (point.passed, point.finished) == (8, False)
    assert (await rebuilt(parts)).replaced == 2
    assert await index_rows(database) == before
    async with parts.store.session() as session:
        assert await saved(session, Selection().checkpoint_name(extraction_of(parts, BASE))) is None


async def test_writers_and_a_reindex_leave_the_rows_of_the_latest_versions(
    fresh_client: httpx.AsyncClient,
    parts: Parts,
    database: asyncpg.Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every batch finds something to replace, while clients update, delete and create."""
    monkeypatch.setattr(rebuild, "_BATCH", 3)
    for number in range(20):
        await fresh_client.put(f"Patient/p{number}", json=patient(number, id=f"p{number}"))

    async def write(turn: int) -> None:
        for number in range(20):
            if (number + turn) % 7 == 0:
                await fresh_client.delete(f"Patient/p{number}")
            content = patient(1000 * turn + number, id=f"p{number}")
            assert (await fresh_client.put(f"Patient/p{number}", json=content)).status_code in {200, 201}

    async def spoil_and_rebuild() -> None:
        for _ in range(6):
            await database.execute("DELETE FROM index_token WHERE resource_key % 2 = 0")
            await rebuilt(parts, again=True)

    await asyncio.gather(*(write(turn) for turn in range(1, 5)), spoil_and_rebuild())
    after = await index_rows(database)
    assert (await rebuilt(parts)).replaced == 0
    assert await index_rows(database) == after


async def test_rows_that_a_waiting_writer_could_not_see_do_not_stay(
    fresh_client: httpx.AsyncClient,
    parts: Parts,
    database: asyncpg.Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A statement that began before they were replaced, and waited, leaves both; they are looked at again."""
    await fresh_client.put("Patient/p1", json=patient(1, id="p1"))
    await database.execute("UPDATE index_token SET code = 'wrong'")
    waiting: list[asyncio.Task[httpx.Response]] = []

    async def with_a_writer_in_line(*arguments: Any) -> set[int]:
        changed = await replace_rows(*arguments)
        if not waiting:
            waiting.append(asyncio.create_task(fresh_client.put("Patient/p1", json=patient(2, id="p1"))))
            while not await database.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110
                await asyncio.sleep(0)
        return changed

    monkeypatch.setattr(rebuild, "replace_rows", with_a_writer_in_line)
    done = await rebuilt(parts)
    assert (await waiting[0]).status_code == 200
    assert done.replaced == 2
    assert await found(fresh_client, "Patient?identifier=MRN-1") == []
    assert await found(fresh_client, "Patient?identifier=MRN-2") == ["p1"]
    assert (await rebuilt(parts)).replaced == 0


async def test_references_that_no_parameter_reads_are_indexed_where_integrity_needs_them(
    fresh_client: httpx.AsyncClient, parts: Parts
) -> None:
    from dataclasses import replace as with_changes

    content = observation("Patient/p1", id="o1", note=[{"text": "a", "authorReference": {"reference": "Patient/p2"}}])
    await fresh_client.put("Observation/o1", json=content)
    strict = with_changes(parts, limits=with_changes(parts.limits, referential_integrity=True))
    assert (await rebuilt(strict)).replaced == 1
    assert (await rebuilt(strict)).replaced == 0


async def test_the_command_tells_what_it_did(
    fresh_client: httpx.AsyncClient, settings: Settings, database: asyncpg.Connection[Any]
) -> None:
    await fresh_client.put("Patient/p1", json=patient(id="p1"))
    await database.execute("DELETE FROM index_token")
    code, printed = await command(settings, "--type", "Patient")
    assert code == 0
    assert printed.startswith("1 resources, 1 of them with other index rows than before, in ")
