"""What is in the database after a load, an interrupted one, a repeated one, and one with something invalid."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from msgspec.structs import replace

from service.fhir.interaction import Context
from service.fhir.outcome import FhirError
from service.load import batch
from service.load.batch import Tally, prepare, write
from service.load.loading import InvalidInputError, Plan, begin, load
from service.load.source import source_of
from service.store.checkpoint import Checkpoint, saved
from tests.benchmarks.clinic import clinic
from tests.builders.resources import observation, patient

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import httpx

    from service.interactions.parts import Parts
    from service.load.incoming import Refusal
    from service.load.source import Piece, Source
    from service.settings import Settings

Json = dict[str, Any]
NOW = datetime(2026, 1, 9, tzinfo=UTC)
CONTEXT = Context(base="", request_id="load", received_at=NOW)


class Notes:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.refusals: list[Refusal] = []
        self.begun: list[Checkpoint] = []

    def begins(self, source: Source, at: Checkpoint) -> None:
        assert source.digest
        self.begun.append(at)

    def read_to(self, size_bytes: int) -> None: ...

    def stored(self, tally: Tally) -> None:
        self.tally += tally

    def refused(self, refusals: Sequence[Refusal]) -> None:
        self.refusals += refusals


def ndjson(path: Path, contents: Iterable[Json]) -> Path:
    path.write_text("".join(json.dumps(content) + "\n" for content in contents))
    return path


async def pieces(parts: Parts, path: Path) -> list[Piece]:
    source = source_of(path)
    async with parts.store.session() as session:
        known = await saved(session, source.checkpoint_name)
    return list(source.pieces(known or Checkpoint(name=source.checkpoint_name), read_to=lambda _: None))


async def stored(parts: Parts, path: Path) -> Tally:
    """Load a file without processes of its own."""
    tally = Tally()
    for piece in await pieces(parts, path):
        prepared = prepare(parts, CONTEXT, piece)
        assert prepared.refusals == []
        tally += await write(parts, CONTEXT, prepared)
    return tally


async def versions(settings: Settings) -> tuple[int, int]:
    """The number of resources, and of superseded versions."""
    assert settings.database_url
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    try:
        return (
            await connection.fetchval("SELECT count(*) FROM resource"),
            await connection.fetchval("SELECT count(*) FROM resource_history"),
        )
    finally:
        await connection.close()


async def test_what_was_loaded_is_found(parts: Parts, fresh_client: httpx.AsyncClient, tmp_path: Path) -> None:
    contents = list(clinic(600))
    tally = await stored(parts, ndjson(tmp_path / "clinic", contents))
    assert tally == Tally(created=600)
    some = next(content for content in contents if content["resourceType"] == "ServiceRequest")
    read = (await fresh_client.get(f"ServiceRequest/{some['id']}")).json()
    assert {name: value for name, value in read.items() if name != "meta"} == some
    order = some["identifier"][0]
    found = (await fresh_client.get(f"ServiceRequest?identifier={order['system']}|{order['value']}")).json()
    assert [entry["resource"]["id"] for entry in found["entry"]] == [some["id"]]


async def test_the_same_content_makes_no_new_version(parts: Parts, settings: Settings, tmp_path: Path) -> None:
    await stored(parts, ndjson(tmp_path / "one", [patient(id="p1"), patient()]))
    again = await stored(parts, ndjson(tmp_path / "two", [patient(id="p1"), patient(), patient(2, id="p2")]))
    assert again == Tally(created=1, unchanged=2)
    assert await versions(settings) == (3, 0)


async def test_other_content_is_the_next_version(parts: Parts, fresh_client: httpx.AsyncClient, tmp_path: Path) -> None:
    await stored(parts, ndjson(tmp_path / "one", [patient(id="p1")]))
    assert await stored(parts, ndjson(tmp_path / "two", [patient(id="p1", active=False)])) == Tally(updated=1)
    read = (await fresh_client.get("Patient/p1")).json()
    assert (read["meta"]["versionId"], read["active"]) == ("2", False)


async def test_without_a_base_a_reference_that_may_be_local_ends_the_load(
    parts: Parts, settings: Settings, tmp_path: Path
) -> None:
    """It would be stored where no search for the patient finds it."""
    absolute = observation("http://127.0.0.1:8222/fhir/Patient/p1", id="o1")
    with pytest.raises(FhirError, match=r"line 2 has an absolute reference .* BASE_URL or --base-url"):
        await stored(parts, ndjson(tmp_path / "file", [patient(id="p1"), absolute]))
    assert await versions(settings) == (0, 0)


async def test_with_a_base_an_absolute_reference_on_it_is_local(
    parts: Parts, fresh_client: httpx.AsyncClient, tmp_path: Path
) -> None:
    absolute = observation("http://testserver/fhir/Patient/p1", id="o1")
    context = replace(CONTEXT, base="http://testserver/fhir")
    (piece,) = await pieces(parts, ndjson(tmp_path / "file", [absolute]))
    assert await write(parts, context, prepare(parts, context, piece)) == Tally(created=1)
    assert (await fresh_client.get("Observation?patient=Patient/p1")).json()["total"] == 1


async def test_of_two_contents_with_one_id_the_later_one_stays(
    parts: Parts, fresh_client: httpx.AsyncClient, tmp_path: Path
) -> None:
    twice = [patient(id="p1"), patient(2, id="p2"), patient(id="p1", active=False)]
    assert await stored(parts, ndjson(tmp_path / "file", twice)) == Tally(created=2, updated=1)
    assert (await fresh_client.get("Patient/p1")).json()["active"] is False


async def test_a_piece_is_stored_with_its_checkpoint_or_not_at_all(
    parts: Parts, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever happens between the two, going on loses nothing and stores nothing twice."""
    path = ndjson(tmp_path / "file", (patient(number) for number in range(700)))
    first, *_ = await pieces(parts, path)

    async def broken(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patched, suppress(ConnectionError, FhirError):
        patched.setattr(batch, "save", broken)
        await write(parts, CONTEXT, prepare(parts, CONTEXT, first))
    assert await versions(settings) == (0, 0)
    await write(parts, CONTEXT, prepare(parts, CONTEXT, first))
    assert await stored(parts, path) == Tally(created=188)
    assert await versions(settings) == (700, 0)


async def test_two_loads_at_once_store_everything_once(parts: Parts, settings: Settings, tmp_path: Path) -> None:
    path = ndjson(tmp_path / "file", (patient(number) for number in range(300)))
    (piece,) = await pieces(parts, path)
    prepared = [prepare(parts, CONTEXT, piece) for _ in range(2)]
    tallies = await asyncio.gather(*(write(parts, CONTEXT, one) for one in prepared))
    assert sum(tally.created for tally in tallies) == 300
    assert await versions(settings) == (300, 0)


async def test_a_reference_that_leads_nowhere_is_refused_where_that_is_asked_for(
    parts: Parts, settings: Settings, tmp_path: Path
) -> None:
    from dataclasses import replace

    strict = replace(parts, limits=replace(parts.limits, referential_integrity=True))
    (piece,) = await pieces(parts, ndjson(tmp_path / "one", [observation("Patient/p1", id="o1")]))
    with pytest.raises(FhirError, match="reference-not-found"):
        await write(strict, CONTEXT, prepare(strict, CONTEXT, piece))
    whole = ndjson(tmp_path / "two", [observation("Patient/p1", id="o1"), patient(id="p1")])
    assert await stored(strict, whole) == Tally(created=2)


async def test_processes_store_in_the_order_of_the_files(settings: Settings, tmp_path: Path) -> None:
    """And stop before a resource that is not valid; what comes before it stays, and nothing of it is loaded again."""
    good = ndjson(tmp_path / "good", (patient(number, id=f"p{number}") for number in range(1200)))
    bad = ndjson(tmp_path / "bad", [patient(id="p1200"), patient(id="p1201", gender="the-secret")])
    plan = Plan(sources=[source_of(good), source_of(bad)], jobs=2)
    notes = Notes()
    with pytest.raises(InvalidInputError, match="bad: lines 1 to 2 and what follows were not stored"):
        await asyncio.to_thread(_load, settings, plan, await begin(settings, plan), notes)
    assert notes.tally == Tally(created=1200)
    assert [line for refusal in notes.refusals for line in refusal.lines()] == [
        f"{bad}:2: Patient.gender: gender must be one of the codes female, male, other, unknown."
    ]
    assert await versions(settings) == (1200, 0)

    on = Plan(sources=plan.sources, jobs=1, skip_invalid=True)
    notes = Notes()
    await asyncio.to_thread(_load, settings, on, await begin(settings, on), notes)
    assert [at.finished for at in notes.begun] == [True, False]
    assert notes.tally == Tally(created=1)
    assert await versions(settings) == (1201, 0)


def _load(settings: Settings, plan: Plan, places: Any, notes: Notes) -> None:
    load(settings, plan, places, clock=lambda: NOW, watcher=notes)
