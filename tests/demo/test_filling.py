"""The demo in a database: as clients would have made it, once, and in no database that holds anything else."""

from __future__ import annotations

from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from service.assembly import assemble, command_pool
from service.demo.error import DemoError
from service.demo.filling import Maker, Plan, left, unmarked
from service.demo.report import fill_demo
from service.demo.writing import write
from service.fhir import codec
from service.fhir.interaction import Context, Process
from service.interactions.current import CurrentParts
from service.interactions.perform import Engine
from service.loop.server import loop_of
from service.serve import prepare
from service.store.checkpoint import Checkpoint
from tests.builders.resources import patient
from tests.conftest import application_on, client_of, settings_for
from tests.demo.conftest import SEED, TODAY, row_of
from tests.reindex.rebuilding import index_rows, rebuilt

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from service.assembly import Standard
    from service.demo.world import World
    from service.interactions.parts import Parts
    from service.massage.protocol import Protocols
    from service.settings import Settings
    from tests.conftest import Cluster

FEW = Plan(seed=SEED, patients=10, today=TODAY)
REPLAYED = ("acknowledged", "exhausted", "adverse-event", "no-show", "on-hold", "safety-hold", "rejected")


async def filled(parts: Parts, settings: Settings, protocols: Protocols, plan: Plan = FEW) -> int:
    """How many resources the demo came to that were not there."""
    maker = Maker(parts, protocols)
    return sum([await maker.fill(each) for each in await left(settings, plan)])


async def rows(settings: Settings, statement: str) -> list[tuple[Any, ...]]:
    assert settings.database_url
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


async def test_it_is_made_once_and_grows(parts: Parts, settings: Settings, protocols: Protocols) -> None:
    made = await filled(parts, settings, protocols)
    assert made > 100
    assert await filled(parts, settings, protocols) == 0
    more = await filled(parts, settings, protocols, Plan(seed=SEED, patients=12, today=TODAY))
    assert await rows(settings, "SELECT count(*) FROM resource WHERE type = 'Patient'") == [(12,)]
    assert await rows(settings, "SELECT count(*) FROM resource") == [(made + more,)]


async def test_its_index_rows_are_those_that_extraction_gives(
    parts: Parts, settings: Settings, protocols: Protocols
) -> None:
    made = await filled(parts, settings, protocols)
    assert settings.database_url
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    try:
        before = await index_rows(connection)
        assert (await rebuilt(parts)).passed == made
        assert await index_rows(connection) == before
    finally:
        await connection.close()


async def test_versions_are_those_that_were_told(
    settings: Settings, parts: Parts, protocols: Protocols, standard: Standard, worlds: list[World]
) -> None:
    await filled(parts, settings, protocols)
    world = worlds[0]
    (referral,) = world.all("ServiceRequest")
    name = next(name for name, kept in world.kept.items() if name[0] == "Appointment" and len(kept.versions) > 2)
    async with application_on(await prepare(settings), standard) as running, client_of(running) as http:
        history = (await http.get(f"{name[0]}/{name[1]}/_history")).json()["entry"]
        found = (await http.get(f"ServiceRequest?identifier={referral['identifier'][0]['value']}")).json()["entry"]
    versions = [codec.decode(each.content or b"") for each in world.kept[name].versions]
    assert [each["resource"] for each in history] == versions[::-1]
    assert [each["resource"]["id"] for each in found] == [referral["id"]]


async def test_what_is_not_marked_keeps_it_out(settings: Settings, standard: Standard) -> None:
    assert await unmarked(settings) is None
    async with application_on(await prepare(settings), standard) as running, client_of(running) as http:
        assert (await http.post("Patient", json=patient(1))).status_code == 201
    assert await unmarked(settings) == "Patient"


async def test_demos_and_knowledge_do_not_keep_it_out(
    parts: Parts, settings: Settings, protocols: Protocols, standard: Standard
) -> None:
    await filled(parts, settings, protocols)
    async with application_on(await prepare(settings), standard) as running, client_of(running) as http:
        content = {
            "resourceType": "CodeSystem",
            "url": "http://example.org/x",
            "status": "active",
            "content": "example",
        }
        assert (await http.post("CodeSystem", json=content)).status_code == 201
    assert await unmarked(settings) is None


def test_a_refusal_names_the_type_and_what_to_do(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def found(_: Settings) -> str:
        return "Patient"

    monkeypatch.setattr("service.demo.report.unmarked", found)
    with pytest.raises(DemoError, match=r"holds a Patient that is not marked as synthetic.*DATABASE_URL"):
        fill_demo(settings, FEW)


@pytest.fixture
async def told(worlds: list[World]) -> list[World]:
    """A referral of each of some scenarios."""
    found: dict[str, World] = {}
    for number, world in enumerate(worlds):
        found.setdefault(row_of(number).ending, world)
    return [found[ending] for ending in REPLAYED]


async def test_sent_through_the_door_it_comes_to_the_same(
    cluster: Cluster, standard: Standard, protocols: Protocols, told: list[World]
) -> None:
    """Contents and versions, what the service wrote beside, and who sees what."""
    async with cluster.clone() as url, parts_on(settings_for(url), standard) as parts:
        await staffed(parts, settings_for(url), protocols)
        rules = loop_of(parts.definitions, parts.registry, UTC).rules
        engine = Engine(CurrentParts(replace(parts, rules=rules)), {})
        for world in told:
            for sent in world.sent:
                contents = [await filed(settings_for(url), each) for each in sent.contents]
                bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [*map(entry, contents)]}
                context = Context(base="", request_id="demo", received_at=sent.moment, organisation=sent.organisation)
                await engine.perform(Process(bundle=bundle), context)
        by_door = await state(settings_for(url), told)
    async with cluster.clone() as url, parts_on(settings_for(url), standard) as parts:
        await staffed(parts, settings_for(url), protocols)
        context = Context(base="", request_id="demo", received_at=told[0].sent[0].moment)
        resources = [kept for world in told for kept in world.kept.values()]
        await write(await CurrentParts(parts).current(), context, resources, Checkpoint(name="told"))
        assert await state(settings_for(url), told) == by_door


async def filed(settings: Settings, content: dict[str, Any]) -> dict[str, Any]:
    """A Task under the number by which the service files it, which is another one in each database."""
    if content["resourceType"] != "Task" or "identifier" not in content:
        return content
    ((text,),) = await rows(settings, f"SELECT content FROM resource WHERE id = '{content['id']}'")  # noqa: S608
    return content | {"identifier": codec.decode(text.encode())["identifier"]}


def entry(content: dict[str, Any]) -> dict[str, Any]:
    """The entry of a transaction that writes a resource under its id, over the version that it was read in."""
    version = content.get("meta", {}).get("versionId")
    request = {"method": "PUT", "url": f"{content['resourceType']}/{content['id']}"}
    return {"resource": content, "request": request | ({"ifMatch": f'W/"{version}"'} if version else {})}


@asynccontextmanager
async def parts_on(settings: Settings, standard: Standard) -> AsyncIterator[Parts]:
    async with command_pool(settings) as pool:
        yield assemble(settings, standard, pool, cursor_secret="")


async def staffed(parts: Parts, settings: Settings, protocols: Protocols) -> None:
    """The organisations and who works there."""
    maker = Maker(parts, protocols)
    for each in await left(settings, FEW):
        if each.kind != "patients":
            await maker.fill(each)


async def state(settings: Settings, told: list[World]) -> tuple[dict[str, Any], Counter[str], dict[str, set[Any]]]:
    """What the sides sent as it stands; of the rest how many of each type and state; who sees the former."""
    sent = {f"{each['resourceType']}/{each['id']}" for world in told for one in world.sent for each in one.contents}
    contents: dict[str, Any] = {}
    beside: Counter[str] = Counter()
    for kind, logical_id, version, text in await rows(settings, "SELECT type, id, version_id, content FROM resource"):
        content = codec.decode(text.encode())
        content.pop("meta", None)
        if f"{kind}/{logical_id}" in sent:
            content["identifier"] = [each for each in content.get("identifier", ()) if "FILL" not in str(each)]
            contents[f"{kind}/{logical_id}"] = (version, content)
        else:
            beside[f"{kind} {content.get('status', content.get('activity'))} {version}"] += 1
    seen: dict[str, set[Any]] = {}
    pairs = "SELECT r.type, r.id, s.organisation FROM seen_by s JOIN resource r ON r.key = s.resource_key"
    for kind, logical_id, organisation in await rows(settings, pairs):
        if f"{kind}/{logical_id}" in sent:
            seen.setdefault(f"{kind}/{logical_id}", set()).add(organisation)
    return contents, beside, seen
