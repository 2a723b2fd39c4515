"""The search parameters of now: when the database is asked for them, and what is worked with until it answers."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.outcome import FhirError, failure
from service.interactions.current import CurrentParts
from service.store import search_parameters
from service.store.lease import LEASE_SECONDS
from service.store.search_parameters import Generation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from service.assembly import Standard
    from service.interactions.parts import Parts


class Database:
    """Answers with a generation, slowly, or not at all."""

    def __init__(self) -> None:
        self.asked = 0
        self.lost = False
        self.generation = 1

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Database]:
        await asyncio.sleep(0)
        if self.lost:
            raise failure("database-unavailable", "The database is lost.")
        self.asked += 1
        yield self

    def under(self, _lease: Any) -> Database:
        return self


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def lapsed(*parts: Parts) -> list[bool]:
    return [each.lease.lapsed for each in parts]


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    made = Database()

    async def generation(_session: Any) -> Generation:
        return Generation(made.generation, jobs=False)

    async def parameters(_session: Any) -> tuple[int, list[Any]]:
        return made.generation, []

    monkeypatch.setattr(search_parameters, "generation", generation)
    monkeypatch.setattr(search_parameters, "parameters", parameters)
    return made


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def current(standard: Standard, database: Database, clock: Clock) -> CurrentParts:
    from datetime import UTC

    from service.fhir.address import routes_of
    from service.fhir.search.extract import Extractor
    from service.interactions.parts import Limits, Parts

    store: Any = database
    parts = Parts(
        store=store,
        definitions=standard.definitions,
        registry=standard.registry,
        validator=standard.validator,
        extractor=Extractor(standard.registry),
        limits=Limits(),
        cursor_secret=b"",
        zone=UTC,
        link_map=standard.link_map,
        routes=routes_of(standard.definitions),
        software_version="1",
        started_on="2026-01-09",
    )
    return CurrentParts(replace(parts), clock=clock)


async def test_nothing_is_worked_with_before_the_database_was_asked(current: CurrentParts, database: Database) -> None:
    assert current.parts.lease.lapsed
    assert not (await current.current()).lease.lapsed
    assert database.asked == 1


async def test_it_is_asked_again_when_the_lease_is_over_and_not_before(
    current: CurrentParts, database: Database, clock: Clock
) -> None:
    await current.current()
    clock.now += LEASE_SECONDS * 0.9
    await current.current()
    assert database.asked == 1
    clock.now += LEASE_SECONDS * 0.1
    await current.current()
    assert database.asked == 2


async def test_many_who_find_the_lease_over_ask_once(current: CurrentParts, database: Database) -> None:
    await asyncio.gather(*(current.current() for _ in range(20)))
    assert database.asked == 1


async def test_a_lease_lasts_from_before_the_question(current: CurrentParts, database: Database, clock: Clock) -> None:
    """What the database answers may be old by the time that the answer is there."""
    ask = database.session

    @asynccontextmanager
    async def slowly() -> AsyncIterator[Database]:
        async with ask() as session:
            yield session
        clock.now += 2

    database.session = slowly  # type: ignore[method-assign]
    parts = await current.renewed()
    clock.now += LEASE_SECONDS - 2
    assert parts.lease.lapsed


async def test_without_an_answer_nothing_is_written_any_more(
    current: CurrentParts, database: Database, clock: Clock
) -> None:
    await current.current()
    database.lost = True
    clock.now += LEASE_SECONDS
    with pytest.raises(FhirError, match="lost"):
        await current.current()
    assert current.parts.lease.lapsed


async def test_parts_of_before_are_given_no_more_time(current: CurrentParts, database: Database, clock: Clock) -> None:
    """Once the parameters are others; who works with them may do so until their lease is over."""
    before = await current.current()
    clock.now += LEASE_SECONDS / 2
    database.generation = 2
    after = await current.renewed()
    assert after is not before
    assert lapsed(before, after) == [False, False]
    clock.now += LEASE_SECONDS / 2
    await current.renewed()
    assert lapsed(before, after) == [True, False]


async def stored_meanwhile(current: CurrentParts, database: Database, *, by: Parts) -> None:
    """Looks for the search parameters, while somebody who works by the parts stores another one."""
    ask = database.session

    @asynccontextmanager
    async def overtaken() -> AsyncIterator[Database]:
        async with ask() as session:
            yield session
        database.session = ask  # type: ignore[method-assign]
        database.generation += 1
        by.lease.lapse()

    database.session = overtaken  # type: ignore[method-assign]
    await current.renewed()


async def test_who_looked_while_a_parameter_was_stored_looks_again(current: CurrentParts, database: Database) -> None:
    """Whoever stored it is answered by it from then on."""
    before = await current.current()
    await stored_meanwhile(current, database, by=before)
    assert database.asked == 3
    assert current.parts is not before
    assert lapsed(before, current.parts) == [True, False]


async def test_what_is_stored_by_parts_of_before_ends_those_of_now(current: CurrentParts, database: Database) -> None:
    """They may be those from between the two."""
    before = await current.current()
    database.generation = 2
    between = await current.renewed()
    before.lease.lapse()
    assert lapsed(before, between) == [True, True]
    await current.renewed()
    database.generation = 3
    await stored_meanwhile(current, database, by=before)
    assert lapsed(before, between, current.parts) == [True, True, False]
    assert database.asked == 5
