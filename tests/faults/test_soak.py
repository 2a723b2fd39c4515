"""A long day: clinics write and search, EHRs post referrals more than once; at the end everything must agree.

`make soak`; SOAK_SECONDS says for how long, ten minutes when it does not.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from rich.progress import Progress

from tests.benchmarks.client import Connection
from tests.benchmarks.serving import the_service
from tests.benchmarks.standing import worker_megabytes
from tests.builders.referral import referral_bundle
from tests.builders.resources import EHR, identifier
from tests.faults.agreement import disagreements, tagged_versions
from tests.faults.storm import ENTRIES, MARKS, Storm, missing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.benchmarks.serving import Serving
    from tests.faults.database import Database

pytestmark = pytest.mark.soak

_SECONDS = float(os.environ.get("SOAK_SECONDS", "600"))
_WRITERS, _SEARCHERS, _EHRS = 8, 6, 2
_REFERRALS = 500
_LOOKED_UP = 20_000
_WORKER_MEGABYTES = 150


@dataclass(slots=True)
class Day:
    """What happened: the writers' storm, what searchers found wrong, how often an EHR was refused."""

    service: Serving
    database: Database
    storm: Storm
    wrong: list[str] = field(default_factory=list)
    referred: set[int] = field(default_factory=set)
    searches: int = 0

    async def live(self, seconds: float) -> None:
        """Let everybody work for `seconds`."""
        ends = time.monotonic() + seconds
        people = [self._searcher(number, ends) for number in range(_SEARCHERS)]
        people += [self._ehr(number, ends) for number in range(_EHRS)]
        writing = asyncio.create_task(self.storm.run())
        await asyncio.gather(self._watch(ends, seconds), *people)
        self.storm.stopped.set()
        await writing

    async def _watch(self, ends: float, seconds: float) -> None:
        with Progress() as progress:
            task = progress.add_task("soaking", total=seconds)
            while (left := ends - time.monotonic()) > 0:
                progress.update(task, completed=seconds - left)
                await asyncio.sleep(min(1, left))

    async def _searcher(self, number: int, ends: float) -> None:
        """Search for what was acknowledged; whatever is found must carry what was asked for."""
        dice = random.Random(number)  # noqa: S311
        await self.storm.until_acknowledged(1)
        async with Connection(self.service.port) as connection:
            while time.monotonic() < ends:
                mark = dice.choice(self.storm.acknowledged).mark
                reply = await connection.request("GET", f"/fhir/Observation?identifier={MARKS}|{mark}&status=final")
                entries = reply.json().get("entry", []) if reply.status == 200 else []
                if reply.status != 200:
                    self.wrong.append(f"search: {reply.status} {reply.body[:300]!r}")
                if any(entry["resource"]["identifier"] != [identifier(MARKS, str(mark))] for entry in entries):
                    self.wrong.append(f"another identifier than {mark} was found")
                self.searches += 1

    async def _ehr(self, number: int, ends: float) -> None:
        """Post referrals, most of them not for the first time and at the same time as another EHR."""
        dice = random.Random(-number)  # noqa: S311
        async with Connection(self.service.port) as connection:
            while time.monotonic() < ends:
                referral = dice.randrange(_REFERRALS)
                reply = await connection.request("POST", "/fhir", referral_bundle(referral))
                if reply.status == 200:
                    self.referred.add(referral)
                else:
                    self.wrong.append(f"referral: {reply.status} {reply.body[:300]!r}")


@pytest.fixture(scope="module")
async def day(database: Database) -> AsyncIterator[Day]:
    """The service after the day."""
    async with the_service(database.folder, workers=2, log_level="warning") as service:
        day = Day(service, database, Storm(service.port, clients=_WRITERS, seed=7))
        await day.live(_SECONDS)
        yield day


async def test_nothing_was_refused_and_every_search_was_answered_rightly(day: Day) -> None:
    assert day.storm.refused == []
    assert day.wrong == []
    assert day.searches > 0


async def test_acknowledged_versions_are_readable_as_they_were_sent(day: Day) -> None:
    acknowledged = day.storm.acknowledged
    some = random.Random(1).sample(acknowledged, min(_LOOKED_UP, len(acknowledged)))  # noqa: S311
    assert await missing(day.service.port, some) == []


async def test_every_transaction_is_there_whole(day: Day) -> None:
    found = await tagged_versions(day.database.url, MARKS)
    assert set(day.storm.transactions) <= set(found)
    assert set(found.values()) == {ENTRIES}


async def test_every_referral_is_there_once(day: Day) -> None:
    assert day.referred
    for referral in day.referred:
        found = await day.service.get(f"/fhir/ServiceRequest?identifier={EHR}/orders|ORDER-{referral}")
        assert len(found.json()["entry"]) == 1


async def test_contents_history_and_index_rows_agree(day: Day) -> None:
    assert await disagreements(day.database.url, day.service.base) == []


async def test_the_workers_have_not_grown(day: Day) -> None:
    assert worker_megabytes(day.service) <= _WORKER_MEGABYTES
