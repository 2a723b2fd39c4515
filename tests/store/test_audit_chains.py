"""Audit records stay as they were kept, and what was done to them behind the service's back is found."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from service.fhir.audit.record import Record
from service.fhir.outcome import FhirError
from service.store.audit.chain import Chains
from service.store.audit.journal import Journal
from service.store.audit.verification import verify
from service.store.change import Conflict
from service.store.pool import Pool
from service.store.store import Store
from service.store.together import Company
from tests.store.test_claims import change

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from service.store.audit.verification import Verified

NOW = datetime(2026, 1, 9, tzinfo=UTC)


def record(number: int, **changes: Any) -> Record:
    given: dict[str, Any] = {"interaction": "read", "status": 200, "type": "Patient", "id": str(number)}
    return Record(at=NOW + timedelta(seconds=number), patients=(str(number),), client="ehr", **(given | changes))


class Worker:
    """What a worker keeps records with."""

    def __init__(self, url: str, connections: int = 1) -> None:
        self.chains = Chains()
        self.pool = Pool(url, min_size=0, max_size=connections, on_connect=self.chains.open)
        self.journal = Journal(self.pool, self.chains, now=lambda: NOW)
        self.store = Store(self.pool, chains=self.chains)


@pytest.fixture
async def worker(database_url: str) -> AsyncIterator[Worker]:
    running = Worker(database_url)
    yield running
    await running.pool.close()


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    """Somebody who may do anything to the database."""
    opened = await asyncpg.connect(database_url)
    await opened.execute("SET session_replication_role = replica")
    yield opened
    await opened.close()


async def verified(connection: asyncpg.Connection[Any]) -> Verified:
    return await verify(connection)


async def keep(worker: Worker, numbers: range) -> None:
    for number in numbers:
        await worker.journal.keep([record(number)])


async def test_what_was_kept_holds(worker: Worker, connection: asyncpg.Connection[Any]) -> None:
    await keep(worker, range(5))
    await worker.journal.keep([record(number) for number in range(5, 9)])
    found = await verified(connection)
    assert (found.records, found.problems) == (9, [])


REWORDED = "replace(convert_from(content, 'UTF8'), 'ehr', 'who')::bytea"
THIRD = "(SELECT l FROM audit_link l WHERE number = 3)"
JOINED = 'replace(convert_from(content, \'UTF8\'), \'"records":[\', \'"records":[{"at":"2026-01-09T00:00:01Z","interaction":"read","status":200},\')::bytea'  # noqa: E501


@pytest.mark.parametrize(
    "statement, told",
    [
        (f"UPDATE audit_link SET content = {REWORDED} WHERE number = 2", "changed"),  # noqa: S608
        (f"UPDATE audit_link SET content = {REWORDED} WHERE number = 5", "changed"),  # noqa: S608
        ("UPDATE audit_link SET content = 'nothing' WHERE number = 2", "changed"),
        ("UPDATE audit_link SET hash = sha256('x') WHERE number = 2", "changed"),
        ("UPDATE audit_link SET recorded = now() WHERE number = 2", "found by other values"),
        ("DELETE FROM audit_clue WHERE number = 2", "found by other values"),
        ("DELETE FROM audit_link WHERE number = 2", "1 records are missing after record 1-1"),
        ("DELETE FROM audit_link WHERE number = 1", "1 records are missing at the start of chain 1"),
        ("DELETE FROM audit_link WHERE number = 8", "3 records are missing after record 1-5"),
        (f"UPDATE audit_link SET content = {REWORDED} WHERE number = 8", "1-8 (with those from 1-6) was changed"),  # noqa: S608
        (
            f"UPDATE audit_link SET content = {JOINED}, hash = sha256({JOINED}) WHERE number = 3",  # noqa: S608
            "has records under numbers that are taken",
        ),
        (
            f"UPDATE audit_link SET content = ({THIRD}).content, hash = ({THIRD}).hash WHERE number = 2",  # noqa: S608
            "is another record, 1-3",
        ),
        (
            f"UPDATE audit_link SET content = {REWORDED}, hash = sha256({REWORDED}) WHERE number = 2",  # noqa: S608
            "record 1-3 follows another record",
        ),
    ],
)
async def test_what_was_done_to_a_record_is_found(
    worker: Worker, connection: asyncpg.Connection[Any], statement: str, told: str
) -> None:
    """Even by somebody who can switch the triggers off."""
    await keep(worker, range(5))
    await worker.journal.keep([record(number) for number in range(5, 8)])
    await keep(worker, range(8, 9))
    await connection.execute(statement)
    assert told in "\n".join((await verified(connection)).problems)


async def test_a_tail_that_was_cut_off_is_missed_by_an_anchor_on_another_chain(
    database_url: str, worker: Worker, connection: asyncpg.Connection[Any]
) -> None:
    await keep(worker, range(5))
    other = Worker(database_url)
    await other.journal.anchor()
    await connection.execute("DELETE FROM audit_link WHERE chain = 1 AND number >= 4")
    found = await verified(connection)
    assert found.problems == ["record 1-5 is missing: it was the last one of its chain when that was noted"]
    await other.pool.close()


async def test_a_tail_that_was_cut_off_and_grew_again_is_missed(
    database_url: str, worker: Worker, connection: asyncpg.Connection[Any]
) -> None:
    await keep(worker, range(5))
    other = Worker(database_url)
    await other.journal.anchor()
    await worker.pool.close()
    await connection.execute("DELETE FROM audit_link WHERE chain = 1 AND number >= 4")
    again = Worker(database_url)
    await keep(again, range(3))
    assert [each.split(" is")[0] for each in (await verified(connection)).problems] == ["record 1-5"]
    await other.pool.close()
    await again.pool.close()


async def test_a_head_that_was_noted_outside_is_missed(worker: Worker, connection: asyncpg.Connection[Any]) -> None:
    await keep(worker, range(5))
    noted = (await verified(connection)).heads
    await connection.execute("DELETE FROM audit_link")
    assert (await verified(connection)).problems == []
    assert len((await verify(connection, noted)).problems) == 1


async def test_an_anchor_is_kept_once_while_nothing_happens(
    worker: Worker, connection: asyncpg.Connection[Any]
) -> None:
    await keep(worker, range(1))
    await worker.journal.anchor()
    await worker.journal.anchor()
    assert (await verified(connection)).records == 2


async def test_the_next_connection_goes_on_with_the_chain(
    database_url: str, worker: Worker, connection: asyncpg.Connection[Any]
) -> None:
    await keep(worker, range(3))
    await worker.pool.close()
    again = Worker(database_url)
    await keep(again, range(3))
    found = await verified(connection)
    assert found.problems == []
    assert [(head.chain, head.number) for head in found.heads] == [(1, 6)]
    await again.pool.close()


@pytest.mark.parametrize("table", ["audit_link", "audit_clue"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET number = 0", "DELETE FROM {}", "TRUNCATE {}"])
async def test_records_are_only_ever_added(database_url: str, statement: str, table: str) -> None:
    plain = await asyncpg.connect(database_url)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await plain.execute(statement.format(table))
    await plain.close()


async def test_records_of_one_moment_share_a_statement(worker: Worker, connection: asyncpg.Connection[Any]) -> None:
    sent: list[str] = []
    await asyncio.gather(*(worker.journal.keep([record(number)]) for number in range(3)))
    async with worker.pool.acquire() as own:
        own.add_query_logger(lambda seen: sent.append(seen.query))
    await asyncio.gather(*(worker.journal.keep([record(number)]) for number in range(40)))
    await asyncio.sleep(0)
    assert len(sent) == 1
    assert (await verified(connection)).records == 43


async def test_who_comes_when_too_many_wait_is_refused(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker.journal._group, "_most_waiting", 2)
    kept = await asyncio.gather(*(worker.journal.keep([record(number)]) for number in range(5)), return_exceptions=True)
    assert [error.code for error in kept if isinstance(error, FhirError)] == ["busy", "busy"]


class TestWrites:
    async def test_a_write_and_its_record_are_one_statement(
        self, worker: Worker, connection: asyncpg.Connection[Any]
    ) -> None:
        await worker.store.create(change(1, records=(record(1),)))
        tables = "resource", "audit_link", "audit_clue"
        transactions = [await connection.fetchval(f"SELECT xmin FROM {table} LIMIT 1") for table in tables]  # noqa: S608
        assert len(set(transactions)) == 1
        assert (await verified(connection)).problems == []

    async def test_creates_of_one_moment_bring_all_of_their_records(
        self, worker: Worker, connection: asyncpg.Connection[Any]
    ) -> None:
        await asyncio.gather(*(worker.store.create(change(number, records=(record(number),))) for number in range(20)))
        found = await verified(connection)
        assert (found.records, found.problems) == (20, [])

    async def test_a_write_that_was_too_late_leaves_no_record_and_no_gap(
        self, worker: Worker, connection: asyncpg.Connection[Any]
    ) -> None:
        await worker.store.create(change(1, records=(record(1),)))
        async with worker.store.session() as session:
            with pytest.raises(Conflict):
                await session.write([change(1, 3, records=(record(1),))])
        with pytest.raises(Conflict):
            await worker.store.create(change(1, records=(record(1),)))
        await worker.store.create(change(2, records=(record(2),)))
        found = await verified(connection)
        assert (found.records, found.problems) == (2, [])

    async def test_a_transaction_that_is_undone_leaves_no_record_and_no_gap(
        self, worker: Worker, connection: asyncpg.Connection[Any]
    ) -> None:
        with contextlib.suppress(ZeroDivisionError):
            async with worker.store.transaction() as session:
                await session.write([change(1, records=(record(1), record(2)))])
                raise ZeroDivisionError
        async with worker.store.transaction() as session:
            await session.write([change(2, records=(record(2),))])
            await session.write([change(3, records=(record(3),))])
        await worker.store.create(change(4, records=(record(4),)))
        found = await verified(connection)
        assert (found.records, found.problems) == (3, [])


async def test_records_of_those_who_are_expected_share_a_statement(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the first of them finds nobody writing."""
    monkeypatch.setattr(worker.journal._group, "_company", Company(moment_seconds=60))
    await asyncio.gather(*(worker.journal.keep([record(number)]) for number in range(3)))
    sent: list[str] = []
    async with worker.pool.acquire() as own:
        own.add_query_logger(lambda seen: sent.append(seen.query))

    async def ask(number: int) -> None:
        for _ in range(number):
            await asyncio.sleep(0)
        worker.journal.forget()
        await worker.journal.keep([record(number)])

    for _ in range(4):
        worker.journal.expect()
    await asyncio.gather(*(ask(number) for number in range(4)))
    await asyncio.sleep(0)
    assert len(sent) == 1


async def test_nobody_waits_long_for_those_who_do_not_come(worker: Worker) -> None:
    worker.journal.expect()
    async with asyncio.timeout(30):
        await worker.journal.keep([record(1)])


async def test_a_request_that_wants_no_record_keeps_nobody_waiting(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker.journal._group, "_company", Company(moment_seconds=60))
    worker.journal.expect()
    waiting = asyncio.ensure_future(worker.journal.keep([record(1)]))
    await asyncio.sleep(0)
    worker.journal.forget()
    async with asyncio.timeout(30):
        await waiting
