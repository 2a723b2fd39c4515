"""The embedded server: there when needed, gone when nobody needs it, found again after a crash of the service."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from service.store.embedded import Embedded, EmbeddedError
from tests.faults.database import runs

START_AND_DIE = """
import os, signal, sys
from pathlib import Path
from service.store.embedded import Embedded
embedded = Embedded(Path(sys.argv[1]))
embedded.launch()
embedded.wait_until_ready()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a server's data are, or will be once the first test has created them."""
    return tmp_path_factory.mktemp("embedded") / "data"


@pytest.fixture
def fresh_folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


def postmaster(folder: Path) -> int | None:
    try:
        return int((folder / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    except FileNotFoundError:
        return None


async def answer(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def start_and_die(folder: Path) -> None:
    subprocess.run([sys.executable, "-c", START_AND_DIE, str(folder)], check=False, cwd=Path(__file__).parents[2])


async def test_it_is_postgresql_18_and_made_to_last(folder: Path) -> None:
    with Embedded(folder) as embedded:
        url = embedded.wait_until_ready()
        assert str(await answer(url, "SHOW server_version")).startswith("18")
        for setting in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
            assert await answer(url, f"SHOW {setting}") == "on"


async def test_it_listens_on_no_port(folder: Path) -> None:
    with Embedded(folder) as embedded:
        assert await answer(embedded.wait_until_ready(), "SHOW listen_addresses") == ""


def test_nobody_else_can_read_its_data(folder: Path) -> None:
    with Embedded(folder) as embedded:
        embedded.wait_until_ready()
        assert (folder / "postgres").stat().st_mode & 0o077 == 0
        assert (folder / "socket").stat().st_mode & 0o077 == 0


async def test_what_was_written_is_there_after_a_restart(folder: Path) -> None:
    with Embedded(folder) as embedded:
        await answer(embedded.wait_until_ready(), "CREATE TABLE kept AS SELECT 1 AS x")
    with Embedded(folder) as embedded:
        assert await answer(embedded.wait_until_ready(), "SELECT x FROM kept") == 1


def test_the_last_user_stops_it(folder: Path) -> None:
    with Embedded(folder) as one:
        one.wait_until_ready()
        with Embedded(folder) as other:
            other.wait_until_ready()
        assert postmaster(folder) is not None
    assert postmaster(folder) is None


def test_a_second_user_finds_the_running_server(folder: Path) -> None:
    with Embedded(folder) as one:
        one.wait_until_ready()
        running = postmaster(folder)
        with Embedded(folder) as other:
            assert other.wait_until_ready() == one.url
            assert postmaster(folder) == running


def test_a_killed_service_leaves_a_server_that_the_next_one_finds_and_stops(folder: Path) -> None:
    start_and_die(folder)
    left = postmaster(folder)
    with Embedded(folder) as embedded:
        embedded.wait_until_ready()
        assert postmaster(folder) == left
    assert postmaster(folder) is None


async def test_a_killed_server_is_started_again(folder: Path) -> None:
    start_and_die(folder)
    left = postmaster(folder)
    assert left is not None
    os.kill(left, signal.SIGKILL)
    while runs(left):  # noqa: ASYNC110 - until then it takes connections
        await asyncio.sleep(0.01)
    with Embedded(folder) as embedded:
        assert await answer(embedded.wait_until_ready(), "SELECT 1") == 1
        assert postmaster(folder) != left


async def test_a_process_id_that_another_program_has_got_does_not_hinder(folder: Path) -> None:
    with Embedded(folder) as embedded:
        embedded.wait_until_ready()
    stale = folder / "postgres" / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{folder}/postgres\n1\n5432\n{folder}/socket\n\n1 1\nready\n")
    with Embedded(folder) as embedded:
        assert await answer(embedded.wait_until_ready(), "SELECT 1") == 1


async def test_a_creation_that_was_cut_off_is_begun_again(fresh_folder: Path) -> None:
    (fresh_folder / "postgres.new" / "base").mkdir(parents=True)
    with Embedded(fresh_folder) as embedded:
        assert await answer(embedded.wait_until_ready(), "SELECT 1") == 1


@pytest.mark.parametrize("name", ["a % long & name " * 6, 'Ä, "b"'])
async def test_a_long_or_unusual_path_is_fine(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    """The folder above it has a short and usual name."""
    with Embedded(tmp_path_factory.mktemp("a") / name) as embedded:
        assert await answer(embedded.wait_until_ready(), "SELECT 1") == 1


def test_data_of_another_version_are_refused(fresh_folder: Path) -> None:
    (fresh_folder / "postgres").mkdir(parents=True)
    (fresh_folder / "postgres" / "PG_VERSION").write_text("14\n")
    with pytest.raises(EmbeddedError, match="PostgreSQL 14"):
        Embedded(fresh_folder).launch()
    assert postmaster(fresh_folder) is None


def test_a_server_that_cannot_start_says_why(fresh_folder: Path) -> None:
    (fresh_folder / "postgres").mkdir(parents=True)
    (fresh_folder / "postgres" / "PG_VERSION").write_text("18\n")
    with pytest.raises(EmbeddedError, match="configuration file"), Embedded(fresh_folder) as embedded:
        embedded.wait_until_ready()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedError, match=r"file/data \(DATA_DIR\) cannot be made: Not a directory"):
        Embedded(tmp_path / "file" / "data").launch()


async def test_errors_in_its_log_do_not_quote_values(folder: Path) -> None:
    with Embedded(folder) as embedded:
        url = embedded.wait_until_ready()
        await answer(url, "CREATE TABLE person (name text PRIMARY KEY)")
        await answer(url, "INSERT INTO person VALUES ('Pat Example')")
        with pytest.raises(asyncpg.UniqueViolationError):
            await answer(url, "INSERT INTO person VALUES ('Pat Example')")
    assert "Pat Example" not in (folder / "postgres.log").read_text()
