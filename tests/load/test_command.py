"""The command itself: what it prints, how it ends, and that it can be stopped."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from service.settings import Settings
from tests.benchmarks.clinic import clinic
from tests.builders.resources import observation, patient
from tests.held_up import held_up

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[2]


def command(url: str, *arguments: str | Path) -> subprocess.Popen[str]:
    kept = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
    return subprocess.Popen(
        [sys.executable, "-m", "service", "load", *map(str, arguments)],
        cwd=ROOT,
        env=kept | {"DATABASE_URL": url, "LOG_LEVEL": "warning"},
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(url: str, *arguments: str | Path, given: str = "") -> tuple[int, str]:
    """The exit code and what was printed."""
    with command(url, "--jobs", "1", *arguments) as process:
        _, printed = process.communicate(given, timeout=60)
        return process.returncode, printed


def lines(contents: Iterable[dict[str, Any]]) -> str:
    return "".join(json.dumps(content) + "\n" for content in contents)


async def count(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM resource"))
    finally:
        await connection.close()


async def test_files_and_standard_input_are_loaded_once(database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "patients.ndjson.gz"
    path.write_bytes(gzip.compress(lines(patient(number) for number in range(5)).encode()))
    code, printed = run(database_url, path, "-", given=lines([patient(9, id="p9")]))
    assert (code, printed.splitlines()[-1].partition(" in ")[0]) == (0, "6 created, 0 updated, 0 unchanged")
    code, printed = run(database_url, path)
    assert (code, printed.splitlines()[0]) == (0, f"{path}: was loaded before; --again loads it once more")
    code, printed = run(database_url, "--again", path)
    assert (code, printed.splitlines()[-1].partition(" in ")[0]) == (0, "0 created, 0 updated, 5 unchanged")
    assert await count(database_url) == 6


async def test_what_is_not_valid_ends_the_load_unless_it_may_be_skipped(database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "patients.ndjson"
    path.write_text(lines([patient(id="p1"), patient(gender="the-secret"), patient(id="p2")]))
    place = f"{path}:2: Patient.gender: gender must be one of the codes female, male, other, unknown."
    code, printed = run(database_url, path)
    assert (code, printed.splitlines()[0]) == (1, place)
    assert await count(database_url) == 0
    code, skipping = run(database_url, "--skip-invalid", path)
    assert (code, skipping.splitlines()[0]) == (0, place)
    assert "2 created, 0 updated, 0 unchanged, 1 not valid" in skipping
    assert "the-secret" not in printed + skipping
    assert await count(database_url) == 2


async def test_an_interrupted_load_goes_on_where_it_stopped(database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "clinic.ndjson"
    contents = [*clinic(4_000)]
    path.write_text(lines(contents))
    async with held_up(database_url, "resource", f"NEW.id = '{contents[3_000]['id']}'"):
        process = command(database_url, path)
        while await count(database_url) == 0:
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
    with process:
        _, printed = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "massage-fhir: interrupted; load the same files again to go on" in printed
    stopped = await count(database_url)
    assert 0 < stopped < 4_000
    code, printed = run(database_url, path)
    assert (code, printed.splitlines()[0]) == (0, f"{path}: goes on after line {stopped:,}")
    assert f"{4_000 - stopped:,} created, 0 updated, 0 unchanged" in printed
    assert await count(database_url) == 4_000


async def test_an_absolute_reference_needs_the_base(database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "observations.ndjson"
    path.write_text(lines([observation("http://127.0.0.1:8222/fhir/Patient/p1", id="o1")]))
    code, printed = run(database_url, "--skip-invalid", path)
    assert (code, f"{path}: lines 1 to 1 were not stored: " in printed) == (1, True)
    assert "line 1 has an absolute reference" in printed
    assert await count(database_url) == 0
    code, printed = run(database_url, "--base-url", "http://127.0.0.1:8222/fhir", path)
    assert (code, printed.splitlines()[-1].partition(" in ")[0]) == (0, "1 created, 0 updated, 0 unchanged")
    code, printed = run(database_url, "--base-url", "127.0.0.1", path)
    assert (code, "BASE_URL: must be an absolute http or https URL" in printed) == (2, True)


def test_a_file_that_is_not_there_ends_the_load(database_url: str, tmp_path: Path) -> None:
    code, printed = run(database_url, tmp_path / "nosuch")
    assert (code, printed) == (1, f"massage-fhir: {tmp_path}/nosuch cannot be read: No such file or directory\n")
