"""The index rows of contained resources, whoever writes them: they are always those of the current version."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from service.assembly import assemble, command_pool
from service.fhir import codec
from service.fhir.interaction import Context
from service.load.batch import prepare, write
from service.load.source import Piece
from service.store.contained import contained_key, contained_position, container_key
from service.store.tables import INDEX_TABLES
from tests.builders.resources import service_request
from tests.conftest import application_on, client_of
from tests.faults.agreement import disagreements
from tests.reindex.rebuilding import command

if TYPE_CHECKING:
    import httpx

    from service.assembly import Standard
    from service.settings import Settings

Json = dict[str, Any]

BASE = "http://testserver/fhir"
NOW = datetime(2026, 1, 9, tzinfo=UTC)


def url_of(settings: Settings) -> str:
    """The URL of the service's database."""
    assert settings.database_url
    return settings.database_url.get_secret_value()


@pytest.mark.parametrize("container", [1, 2, 77, 2**42])
@pytest.mark.parametrize("number", [1, 2, 2**20 - 1])
def test_a_key_tells_the_container_and_the_place(container: int, number: int) -> None:
    """And is one that no resource of its own has."""
    key = contained_key(container, number)
    assert -(2**63) <= key < 0
    assert (container_key(key), contained_position(key)) == (container, number - 1)
    assert (container_key(container), contained_position(container)) == (container, None)


def test_later_containers_and_earlier_places_have_higher_keys() -> None:
    """So that what comes newest first does so here."""
    keys = [contained_key(container, number) for container in (2, 1) for number in (1, 2, 2**20 - 1)]
    assert keys == sorted(keys, reverse=True)


def referral(number: int, *practices: str, **more: Any) -> Json:
    """A referral of the patient that it contains, who belongs to the first of the practices, a part of the next one."""
    content = service_request("Patient/1", "Practitioner/1", number=number) | {"id": f"r{number}", **more}
    if not practices:
        return content
    last = len(practices) - 1
    inside = [
        {"resourceType": "Organization", "id": f"o{place}", "name": name}
        | ({"partOf": {"reference": f"#o{place + 1}"}} if place < last else {})
        for place, name in enumerate(practices)
    ]
    inside.append({"resourceType": "Patient", "id": "p", "managingOrganization": {"reference": "#o0"}})
    return content | {"subject": {"reference": "#p"}, "contained": inside}


async def put(client: httpx.AsyncClient, content: Json) -> None:
    """Store a version of a referral."""
    answer = await client.put(f"ServiceRequest/{content['id']}", json=content)
    assert answer.status_code in {200, 201}, answer.text


async def found(client: httpx.AsyncClient, name: str) -> set[str]:
    """The ids of the referrals whose patient belongs to a practice of the name."""
    answer = await client.get("ServiceRequest", params={"patient.organization.name": name})
    return {entry["resource"]["id"] for entry in answer.json().get("entry", [])}


async def test_every_write_leaves_the_rows_of_its_version(fresh_client: httpx.AsyncClient, settings: Settings) -> None:
    """Creates, updates that change all, something or nothing of it, deletions and new beginnings."""
    url = url_of(settings)
    for practices, status in (
        (("Oak", "Elm"), "active"),
        (("Oak", "Elm"), "completed"),
        (("Oak",), "completed"),
        (("Ash", "Oak", "Elm"), "active"),
        ((), "active"),
        (("Oak",), "active"),
    ):
        await put(fresh_client, referral(1, *practices, status=status))
        assert await disagreements(url, BASE) == []
        assert await found(fresh_client, "Oak") == ({"r1"} if practices[:1] == ("Oak",) else set())
    assert (await fresh_client.delete("ServiceRequest/r1")).status_code == 204
    assert await disagreements(url, BASE) == []
    assert await found(fresh_client, "Oak") == set()
    await put(fresh_client, referral(1, "Elm"))
    assert await disagreements(url, BASE) == []
    assert await found(fresh_client, "Elm") == {"r1"}


def transaction() -> Json:
    """New versions of some referrals and new ones, of which some contain something before, after, or both."""
    contents = [referral(0, "Elm"), referral(1, "Oak"), referral(2, "Ash"), referral(3), referral(4, "Oak", "Elm")]
    entries = [
        {"resource": each, "request": {"method": "PUT", "url": f"ServiceRequest/{each['id']}"}} for each in contents
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


async def test_a_transaction_leaves_the_rows_of_its_versions(
    fresh_client: httpx.AsyncClient, settings: Settings
) -> None:
    """Those that change and those that stay the same are written by one statement."""
    for content in (referral(0, "Oak", "Elm"), referral(1, "Oak", status="draft"), referral(2), referral(3, "Oak")):
        await put(fresh_client, content)
    answer = await fresh_client.post("/", json=transaction())
    assert answer.status_code == 200, answer.text
    assert await disagreements(url_of(settings), BASE) == []
    assert [await found(fresh_client, name) for name in ("Oak", "Elm", "Ash")] == [{"r1", "r4"}, {"r0"}, {"r2"}]


async def test_referential_integrity_changes_nothing(settings: Settings, standard: Standard) -> None:
    """References within a resource are not between resources."""
    strict = settings.model_copy(update={"referential_integrity": True})
    async with application_on(strict, standard) as running, client_of(running) as client:
        for resource_type in ("Patient", "Practitioner"):
            await client.put(f"{resource_type}/1", json={"resourceType": resource_type, "id": "1"})
        for _ in range(2):
            answer = await client.post("/", json=transaction())
            assert answer.status_code == 200, answer.text
            await put(client, referral(1, "Oak", "Elm"))
        assert [await found(client, name) for name in ("Oak", "Elm", "Ash")] == [{"r1", "r4"}, {"r0"}, {"r2"}]


async def test_a_reindex_makes_the_rows_of_databases_that_have_none(
    fresh_client: httpx.AsyncClient, settings: Settings
) -> None:
    """Of a release that did not look into contained resources, or of none."""
    contents = [referral(0, "Oak", "Elm"), referral(1, "Oak"), referral(2)]
    for content in contents:
        await put(fresh_client, content)
    connection = await asyncpg.connect(url_of(settings))
    try:
        for table in INDEX_TABLES.values():
            await connection.execute(f"DELETE FROM {table.name} WHERE resource_key < 0 AND resource_key % 3 <> 0")  # noqa: S608
            await connection.execute(
                f"INSERT INTO {table.name} SELECT * FROM {table.name} WHERE resource_key < 0"  # noqa: S608
            )
    finally:
        await connection.close()
    assert await disagreements(url_of(settings), BASE) != []
    code, printed = await command(settings, "--base-url", BASE)
    assert code == 0, printed
    assert await disagreements(url_of(settings), BASE) == []
    assert await found(fresh_client, "Oak") == {"r0", "r1"}


async def test_a_load_writes_them_too(settings: Settings, standard: Standard) -> None:
    """By the same code."""
    pool = command_pool(settings)
    parts = assemble(settings, standard, pool, cursor_secret="")
    context = Context(base=BASE, request_id="load", received_at=NOW)
    for practices in (("Oak",), ("Oak", "Elm"), ("Elm",)):
        texts = tuple((each, codec.encode(referral(each, *practices))) for each in range(20))
        await write(parts, context, prepare(parts, context, Piece(file="f", texts=texts, checkpoint=None)))
    await pool.close()
    assert await disagreements(url_of(settings), BASE) == []
