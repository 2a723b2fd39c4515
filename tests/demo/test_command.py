"""The command itself: what it prints, and that it does its work once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import asyncpg

from service.settings import Settings

ROOT = Path(__file__).parents[2]


def run(url: str, *arguments: str) -> tuple[int, str, str]:
    """The exit code, and what was printed to both."""
    kept = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
    done = subprocess.run(
        [sys.executable, "-m", "service", "demo", "--jobs", "1", *arguments],
        cwd=ROOT,
        env=kept | {"DATABASE_URL": url, "LOG_LEVEL": "error"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


async def test_it_fills_an_empty_database_once_and_no_other(database_url: str) -> None:
    code, printed, told = run(database_url, "--patients", "2")
    assert (code, told.splitlines()[-1].partition(" with ")[0]) == (0, "2 patients")
    assert "Organization/demo-family-practice" in printed
    code, _, told = run(database_url, "--patients", "2")
    assert (code, told.splitlines()[-1].partition(" made in ")[0]) == (0, "0 patients with 0 resources")
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "DELETE FROM index_token WHERE resource_key = (SELECT key FROM resource WHERE type = 'Patient' LIMIT 1)"
    )
    await connection.close()
    code, printed, told = run(database_url, "--patients", "3")
    assert (code, printed) == (1, "")
    assert told.startswith("massage-fhir: the database holds a Patient that is not marked as synthetic")
