"""The offline commands go by the search parameters that clients have stored, and what is loaded may be one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.api.stored_parameters import hurried, note, put, until_done
from tests.builders.resources import observation
from tests.conftest import application_on, client_of
from tests.load.test_command import count, lines, run
from tests.reindex.rebuilding import BASE, command, found

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from service.assembly import Standard
    from service.settings import Settings

__all__ = ["hurried"]

ON_BASE = ("--base-url", BASE)
STIFF: dict[str, Any] = {"note": [{"text": "Stiff"}]}


@pytest.fixture
async def client(settings: Settings, standard: Standard, hurried: None) -> AsyncIterator[httpx.AsyncClient]:
    """A service on the database that the commands get."""
    async with application_on(settings, standard) as running, client_of(running) as http:
        yield http


def url_of(settings: Settings) -> str:
    assert settings.database_url
    return settings.database_url.get_secret_value()


async def test_what_is_loaded_is_found_by_a_stored_parameter(
    client: httpx.AsyncClient, settings: Settings, tmp_path: Path
) -> None:
    await put(client, note())
    await until_done(client)
    path = tmp_path / "loaded.ndjson"
    path.write_text(lines([observation("Patient/p", id="o1") | STIFF]))
    assert run(url_of(settings), path, *ON_BASE)[0] == 0
    assert await found(client, "Observation?note=stiff") == ["o1"]


async def test_a_parameter_that_is_loaded_takes_effect(
    client: httpx.AsyncClient, settings: Settings, tmp_path: Path
) -> None:
    """For what is loaded with it, too."""
    path = tmp_path / "loaded.ndjson"
    path.write_text(lines([note(), *(observation("Patient/p", id=f"o{number}") | STIFF for number in range(3))]))
    assert run(url_of(settings), path, *ON_BASE)[0] == 0
    assert (await until_done(client))[0]["state"] == "completed"
    assert len(await found(client, "Observation?note=stiff")) == 3


async def test_a_parameter_that_cannot_be_served_ends_the_load(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "loaded.ndjson"
    path.write_text(lines([note(code="status")]))
    code, printed = run(url_of(settings), path, *ON_BASE)
    assert (code, "SearchParameter.code: The search parameter cannot be served" in printed) == (1, True)
    assert await count(url_of(settings)) == 0


async def test_a_reindex_by_the_command_keeps_the_rows_of_stored_parameters(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    """And knows them by name."""
    await put(client, observation("Patient/p", id="o1") | STIFF)
    await put(client, note())
    await until_done(client)
    code, printed = await command(settings, "--parameter", "note", *ON_BASE)
    assert code == 0
    assert printed.splitlines()[-1].startswith("1 resources, 0 of them with other index rows than before, in ")
    assert await found(client, "Observation?note=stiff") == ["o1"]
