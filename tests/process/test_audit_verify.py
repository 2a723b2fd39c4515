"""``massage-fhir audit verify`` on the records of a service that was stopped, or killed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import httpx

from service.store.embedded import Embedded
from tests.benchmarks.serving import the_service
from tests.builders.resources import patient
from tests.process.test_command_line import run

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.benchmarks.serving import Serving


async def use(service: Serving, *, kill: bool = False) -> int:
    """Write and read by several clients at once; how many requests were answered, until the service was killed."""
    answered = 0
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{service.port}/fhir/", timeout=60) as http:

        async def one(number: int) -> None:
            nonlocal answered
            for turn in range(20):
                name = f"Patient/p-{number}-{turn}"
                made = await http.put(name, json=patient(number, id=name[8:]))
                answered += made.status_code == 201
                read = await http.get(name)
                answered += read.status_code == 200
                if kill and number == 0 and turn == 10:
                    service.kill()

        await asyncio.gather(*(one(number) for number in range(8)), return_exceptions=True)
    return answered


async def execute(folder: Path, statement: str) -> None:
    """Do something to the records with the rights of their owner."""
    with Embedded(folder / "data") as embedded:
        connection = await asyncpg.connect(await asyncio.to_thread(embedded.wait_until_ready))
        await connection.execute(f"SET session_replication_role = replica; {statement}")
        await connection.close()


async def verify(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(run, "audit", "verify", *arguments, data_dir=folder / "data")


async def test_after_a_clean_stop_all_records_hold_and_a_cut_tail_is_missed(tmp_path: Path) -> None:
    heads = str(tmp_path / "heads")
    async with the_service(tmp_path, audit="on", workers=2) as service:
        answered = await use(service)
    assert answered == 320
    verified = await verify(tmp_path, "--heads", heads)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert int(verified.stdout.split()[0]) > answered
    # the last record before the closing anchors, whatever its chain is
    await execute(
        tmp_path,
        "DELETE FROM audit_link WHERE (chain, number) = (SELECT chain, number FROM audit_link "
        "WHERE position('anchor'::bytea in content) = 0 ORDER BY recorded DESC LIMIT 1)",
    )
    verified = await verify(tmp_path)
    assert verified.returncode == 1
    assert "missing" in verified.stdout
    await execute(tmp_path, "DELETE FROM audit_link")
    assert (await verify(tmp_path)).returncode == 0
    verified = await verify(tmp_path, "--heads", heads)
    assert verified.returncode == 1
    assert "is missing: it was the last one of its chain when that was noted" in verified.stdout


async def test_after_a_kill_what_was_answered_is_on_record_and_holds(tmp_path: Path) -> None:
    async with the_service(tmp_path, audit="on", workers=2) as service:
        answered = await use(service, kill=True)
        assert 0 < answered < 320
    verified = await verify(tmp_path)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert int(verified.stdout.split()[0]) >= answered
