"""The console script: what it prints, and a start that fails says why in one sentence, without secrets."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from service.settings import Settings
from service.store import embedded
from tests.benchmarks.serving import the_service

ROOT = Path(__file__).parents[2]


def run(*arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
    """`massage-fhir` with these arguments and settings, and none of the environment's."""
    kept = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
    given = {name.upper(): str(value) for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-m", "service", *arguments],
        cwd=ROOT,
        env=kept | given,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_version_is_that_of_the_package() -> None:
    assert run("version").stdout == "0.1.0\n"


def test_every_command_is_listed() -> None:
    listed = run("--help").stdout
    for command in ("serve", "migrate", "load", "reindex", "definitions", "openapi", "settings", "version"):
        assert f" {command} " in listed


def test_settings_are_printed_without_secrets() -> None:
    printed = run("settings", port=9000, database_url="postgresql://user:the-secret@host/db").stdout
    assert "PORT=9000\n" in printed
    assert "the-secret" not in printed


def test_bad_settings_end_the_start() -> None:
    ended = run("serve", port="eighty", database_url="mysql://user:the-secret@host/db")
    assert ended.returncode == 2
    assert "PORT: " in ended.stderr
    assert "DATABASE_URL: " in ended.stderr
    assert "the-secret" not in ended.stderr


def test_a_database_url_that_cannot_be_read_ends_the_start_without_a_part_of_it() -> None:
    ended = run("serve", database_url="postgresql://user:the/secret@host/db")
    line = "DATABASE_URL: cannot be read; percent-encode / ? # @ : in the password"
    assert (ended.returncode, ended.stderr) == (2, f"massage-fhir: these settings cannot be used:\n{line}\n")


def test_a_half_configured_image_does_not_start() -> None:
    """As the Dockerfile has it, without what only the operator can know."""
    ended = run("serve", host="0.0.0.0", auth_mode="smart", database_url="postgresql://user@host/db")  # noqa: S104
    assert ended.returncode == 2
    assert "BASE_URL: must be the https:// URL" in ended.stderr


def test_an_open_service_does_not_listen_for_others() -> None:
    ended = run("serve", host="0.0.0.0", port=0)  # noqa: S104 - to be refused
    assert ended.returncode == 2
    assert "AUTH_MODE: open lets everybody read and change everything" in ended.stderr


async def test_an_open_service_says_so_at_start(tmp_path: Path) -> None:
    async with the_service(tmp_path) as service:
        assert "warning AUTH_MODE is open" in service.log
    async with the_service(tmp_path, auth_mode="smart") as service:
        assert service.log.count("AUTH_MODE is open") == 0


def test_a_port_in_use_ends_the_start_before_the_database_is_touched(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run("serve", port=port, data_dir=tmp_path / "data")
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"massage-fhir: cannot listen on 127.0.0.1 port {port}: ")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_a_database_that_does_not_answer_ends_the_start(command: str) -> None:
    url = "postgresql://user:the-secret@127.0.0.1:1/none"
    ended = run(command, port=0, database_url=url, database_wait_seconds=0.1)
    assert ended.returncode == 1
    assert "massage-fhir: the database at 127.0.0.1:1 did not answer within 0.1 s" in ended.stderr
    assert "the-secret" not in ended.stderr


def test_migrating_by_hand_is_enough_and_can_be_repeated(empty_database_url: str) -> None:
    assert run("migrate", database_url=empty_database_url).returncode == 0
    assert "migrated" not in run("migrate", database_url=empty_database_url).stderr


def test_without_the_embedded_database_a_url_is_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(embedded, "find_spec", lambda _: None)
    with pytest.raises(embedded.EmbeddedError, match="set DATABASE_URL"):
        embedded.Embedded(tmp_path)


def test_the_openapi_document_is_written_where_asked(tmp_path: Path) -> None:
    assert run("openapi", "--folder", str(tmp_path)).returncode == 0
    assert (tmp_path / "openapi.json").stat().st_size > 0
