"""What is measured without load: validation, start-up, memory, disk."""

from __future__ import annotations

import asyncio
import compileall
import shutil
import time
import timeit
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from service.fhir import codec
from service.fhir.definitions import load
from service.fhir.validation import Validator
from tests.benchmarks.bare import PAGES_TABLE, TABLE
from tests.benchmarks.serving import ROOT, the_service
from tests.benchmarks.workload import compact
from tests.builders.resources import service_request

if TYPE_CHECKING:
    from tests.benchmarks.serving import Serving

_FIRST_ANSWER: Final = "/fhir/Patient?_count=1"
"""Answered by the database, the registry and the engine together."""
_BATCH: Final = 50
_POLL_SECONDS: Final = 0.002
_LIMIT_SECONDS: Final = 60.0
_SIZE: Final = """SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"""


def validation_microseconds(*, repeats: int) -> float:
    """The time to validate the content of a referral, in process: the batch that was disturbed least."""
    validator = Validator(load())
    content = codec.decode(compact(service_request("Patient/1", "PractitionerRole/1")).encode())
    if validator.issues(content, "ServiceRequest"):
        raise ValueError("the referral is not valid")
    timer = timeit.Timer(lambda: validator.issues(content, "ServiceRequest"))
    return 1e6 * min(timer.repeat(repeats, _BATCH)) / _BATCH


async def start_seconds(folder: Path, *, repeats: int) -> tuple[float, float]:
    """Median seconds from command to first answer: with a database that exists (stopped), and from nothing.

    The bytecode is there, as `make`, pip and the image make it, whatever this environment does about it.
    """
    compileall.compile_dir(ROOT / "service", quiet=1)
    from_nothing, existing = [], []
    for turn in range(repeats):
        data = folder / f"start-{turn}"
        from_nothing.append(await _first_answer(data))
        existing.append(await _first_answer(data))
        shutil.rmtree(data)
    return median(existing), median(from_nothing)


async def _first_answer(folder: Path) -> float:
    service = the_service(folder, log_level="warning")
    began = time.perf_counter()
    service.start()
    try:
        while await service.status_of(_FIRST_ANSWER) != 200:
            if time.perf_counter() - began > _LIMIT_SECONDS:
                raise RuntimeError(f"no answer; the log ends with:\n{service.log[-4000:]}")
            await asyncio.sleep(_POLL_SECONDS)
        return time.perf_counter() - began
    finally:
        service.stop()


def worker_megabytes(service: Serving) -> float:
    """The resident memory of the largest worker, pages that it shares with others included."""
    return max(_resident_bytes(pid) for pid in service.workers()) / 1e6


def _resident_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


async def size_of(url: str) -> int:
    """The bytes on disk of all tables with their indexes and TOAST."""
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval(_SIZE))
    finally:
        await connection.close()


async def create_databases(server_url: str, *names: str) -> list[str]:
    """New databases on the server; their URLs."""
    connection = await asyncpg.connect(server_url)
    try:
        for name in names:
            await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    return [urlunsplit(urlsplit(server_url)._replace(path=f"/{name}")) for name in names]


async def fill_yardstick(url: str, contents: list[str]) -> list[str]:
    """Give the yardstick rows to select; their ids."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(TABLE)
        insert = "INSERT INTO bare SELECT gen_random_uuid(), c::json FROM unnest($1::text[]) AS c RETURNING id"
        return [str(row["id"]) for row in await connection.fetch(insert, contents)]
    finally:
        await connection.close()


async def fill_pages(url: str, contents: list[str], pages: int) -> None:
    """Give the yardstick pages to select, each with a row for every content."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(PAGES_TABLE)
        insert = """INSERT INTO bare_page SELECT number, place, content::json
            FROM generate_series(0, $2::int - 1) AS number, unnest($1::text[]) WITH ORDINALITY AS c(content, place)"""
        await connection.execute(insert, contents, pages)
        await connection.execute("VACUUM ANALYZE bare_page")
    finally:
        await connection.close()


async def analyze(*urls: str) -> None:
    """Refresh the planner's statistics and write what is dirty, so that no measurement pays for the loading."""
    for url in urls:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute("VACUUM ANALYZE")
            await connection.execute("CHECKPOINT")
        finally:
            await connection.close()
