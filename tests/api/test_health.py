"""What an operator's probes see, and what is outside of FHIR."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import pytest

from service.app import create_app
from tests.conftest import client_of, settings_for

if TYPE_CHECKING:
    import httpx

    from service.assembly import Standard

HEALTH = "http://testserver/health"


async def test_a_service_with_its_database_is_live_and_ready(client: httpx.AsyncClient) -> None:
    for probe, status in (("live", "live"), ("ready", "ready")):
        answer = await client.get(f"{HEALTH}/{probe}")
        assert answer.status_code == 200
        assert answer.json()["status"] == status
        assert answer.headers["cache-control"] == "no-store"


async def test_a_service_behind_its_migrations_is_not_ready_and_says_why(
    fresh_client: httpx.AsyncClient, database_url: str
) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE alembic_version SET version_num = '0001'")
    await connection.close()
    answer = await fresh_client.get(f"{HEALTH}/ready")
    assert answer.status_code == 503
    assert "0001" in answer.json()["reasons"][0]


async def test_a_service_without_its_database_starts_is_live_and_not_ready(standard: Standard) -> None:
    application = create_app(settings_for("postgresql://user:the-password@127.0.0.1:1/none"), standard)
    async with application.running(), client_of(application) as client:
        assert (await client.get(f"{HEALTH}/live")).status_code == 200
        answer = await client.get(f"{HEALTH}/ready")
    assert answer.status_code == 503
    assert "database" in answer.json()["reasons"][0]
    assert "the-password" not in answer.text


@pytest.mark.parametrize("path", ["/Patient", "/fhirs", "/health", "/metadata"])
async def test_an_address_that_is_not_served_points_to_fhir(path: str, client: httpx.AsyncClient) -> None:
    answer = await client.get(f"http://testserver{path}")
    assert answer.status_code == 404
    assert "/fhir" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/fhir", "/fhir/", "/fhir/Patient"])
async def test_the_base_and_all_below_it_is_fhir(path: str, client: httpx.AsyncClient) -> None:
    answer = await client.get(f"http://testserver{path}")
    assert answer.headers["content-type"].startswith("application/fhir+json")


async def test_a_path_before_the_base_is_kept_in_links(standard: Standard, database_url: str) -> None:
    settings = settings_for(database_url, base_url="https://clinic.example.org/behind/fhir")
    application = create_app(settings, standard)
    async with application.running(), client_of(application) as client:
        answer = await client.post("Patient", json={"resourceType": "Patient"})
    assert answer.headers["location"].startswith("https://clinic.example.org/behind/fhir/Patient/")


async def test_what_a_start_leaves_for_later_is_made_without_a_database(standard: Standard) -> None:
    application = create_app(settings_for("postgresql://user:the-password@127.0.0.1:1/none"), standard)
    application.complete()
    async with client_of(application) as client:
        assert (await client.get(f"{HEALTH}/live")).status_code == 200
