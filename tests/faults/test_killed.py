"""kill -9 in a storm of writes: whatever was acknowledged is there, whatever was not is there whole or not at all."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.benchmarks.client import Connection
from tests.benchmarks.serving import the_service
from tests.builders.referral import referral_bundle
from tests.faults.agreement import disagreements, tagged_versions
from tests.faults.database import KILL, Database, data_folder
from tests.faults.storm import ENTRIES, MARKS, Storm, missing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from tests.benchmarks.serving import Serving

_EHRS = 8
_REFERRALS = 60
_HELD = dict.fromkeys(("Patient", "Condition", "Coverage", "ServiceRequest", "Task"), _REFERRALS) | dict.fromkeys(
    ("Organization", "Practitioner", "PractitionerRole"), 1
)
"""What all referrals come to: the EHR's people and organisation are the same in each of them."""
_ROUNDS = (100, 250, 400)
"""After how many acknowledged versions the service is killed, round after round on the same data."""


class Survived:
    """What is left after the last kill, with the service running again."""

    def __init__(self, service: Serving, database: Database, storms: Sequence[Storm]) -> None:
        self.service = service
        self.database = database
        self.acknowledged = [one for storm in storms for one in storm.acknowledged]
        self.transactions = [mark for storm in storms for mark in storm.transactions]
        self.refused = [refusal for storm in storms for refusal in storm.refused]


async def _storm_and_kill(service: Serving, seed: int, acknowledged: int) -> Storm:
    storm = Storm(service.port, seed=seed)
    running = asyncio.create_task(storm.run())
    await storm.until_acknowledged(acknowledged)
    service.kill()
    await running
    return storm


@pytest.fixture(scope="module", params=["the service", "the service and Postgres"])
async def survived(request: pytest.FixtureRequest) -> AsyncIterator[Survived]:
    """What three storms that ended in a kill left; the service finds or starts its Postgres by itself each time."""
    with data_folder() as folder:
        service = the_service(Path(folder), workers=2, log_level="warning")
        database = Database(Path(folder) / "data")
        storms = []
        try:
            for seed, acknowledged in enumerate(_ROUNDS):
                service.start()
                await service.wait_until_ready()
                storms.append(await _storm_and_kill(service, seed, acknowledged))
                if request.param == "the service and Postgres":
                    database.end(KILL)
            service.start()
            await service.wait_until_ready()
            with database:
                yield Survived(service, database, storms)
        finally:
            service.kill()
            database.start_and_stop()


async def test_every_acknowledged_version_is_readable_as_it_was_sent(survived: Survived) -> None:
    assert len(survived.acknowledged) >= sum(_ROUNDS)
    assert await missing(survived.service.port, survived.acknowledged) == []


async def test_an_acknowledged_transaction_is_there_whole(survived: Survived) -> None:
    found = await tagged_versions(survived.database.url, MARKS)
    assert survived.transactions
    assert [mark for mark in survived.transactions if found[mark] != ENTRIES] == []


async def test_no_transaction_is_there_by_half(survived: Survived) -> None:
    found = await tagged_versions(survived.database.url, MARKS)
    assert [mark for mark, entries in found.items() if entries != ENTRIES] == []


async def test_index_rows_and_history_agree_with_the_contents(survived: Survived) -> None:
    assert await disagreements(survived.database.url, survived.service.base) == []


async def test_nothing_was_refused_before_the_kill(survived: Survived) -> None:
    assert survived.refused == []


class Referring:
    """Several clients that post all referrals between them, each of them once."""

    def __init__(self, port: int) -> None:
        self.answered: list[int] = []
        self.half = asyncio.Event()
        numbers = iter(range(_REFERRALS))
        self.ended = asyncio.gather(*(self._client(port, numbers) for _ in range(_EHRS)))

    async def _client(self, port: int, numbers: Iterator[int]) -> None:
        """Post one referral after the other until there are no more, or nobody answers."""
        try:
            async with Connection(port) as connection:
                for number in numbers:
                    reply = await connection.request("POST", "/fhir", referral_bundle(number))
                    assert reply.status == 200, reply
                    self.answered.append(number)
                    if len(self.answered) >= _REFERRALS // 2:
                        self.half.set()
        except (ConnectionError, OSError):
            return


async def test_referrals_sent_again_after_a_kill_are_there_once() -> None:
    with data_folder() as folder, Database(Path(folder) / "data") as database:
        service = the_service(Path(folder), workers=2, log_level="warning")
        async with service:
            interrupted = Referring(service.port)
            await interrupted.half.wait()
            service.kill()
            await interrupted.ended
        async with service:
            again = Referring(service.port)
            await again.ended
        assert sorted(again.answered) == list(range(_REFERRALS))
        async with database.connection() as connection:
            rows = await connection.fetch("SELECT type, count(*) AS held FROM resource GROUP BY type")
        held = {row["type"]: row["held"] for row in rows}
        assert {name: held.get(name) for name in _HELD} == _HELD
