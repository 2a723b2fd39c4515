"""$outcome-measures over the demo: the numbers are those of what was told, as far as the caller sees it."""

from __future__ import annotations

from collections import Counter
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest

from service.assembly import assemble, command_pool
from service.demo.directory import CLINICS, REFERRERS
from service.demo.filling import Maker, Plan, left
from service.demo.writing import write
from service.fhir import codec
from service.fhir.concept import code_in
from service.fhir.interaction import Context, Operation, Update
from service.fhir.reference import identity_of
from service.fhir.sight import EVERYTHING, Sight
from service.interactions.current import CurrentParts
from service.interactions.write import WriteRequest
from service.interactions.write import write as stored
from service.loop.server import loop_of
from service.massage.catalogue.code_systems import code_systems
from service.massage.catalogue.rows import load
from service.massage.cycle.moment import start_of
from service.massage.cycle.terms import STEP, TASK_CODE
from service.store.checkpoint import Checkpoint
from tests.api.outcome import assert_outcome
from tests.conftest import application_on, client_of, settings_for
from tests.demo.conftest import SEED, TODAY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import httpx

    from service.assembly import Standard
    from service.demo.world import World
    from service.massage.protocol import Protocols
    from service.settings import Settings
    from tests.conftest import Cluster

Json = dict[str, Any]

NORTH, SOUTH, _ = CLINICS
WHEN = {"periodStart": "2026", "periodEnd": "2026"}


@pytest.fixture(scope="module")
async def kept(
    cluster: Cluster, standard: Standard, protocols: Protocols, worlds: list[World]
) -> AsyncIterator[Settings]:
    """A database with the demo, and settings by which nothing is withheld."""
    async with AsyncExitStack() as stack:
        told: dict[str, Any] = {"smallest_group": 1, "outcome_period": "year"}
        settings = settings_for(await stack.enter_async_context(cluster.clone()), referral_rules="on", **told)
        pool = command_pool(settings)
        parts = assemble(settings, standard, pool, cursor_secret="")
        maker = Maker(parts, protocols)
        for each in await left(settings, Plan(seed=SEED, patients=1, today=TODAY)):
            if each.kind != "patients":
                await maker.fill(each)
        context = Context(base="", request_id="demo", received_at=datetime(2026, 11, 22, tzinfo=UTC))
        resources = [one for world in worlds for one in world.kept.values()]
        await write(await CurrentParts(parts).current(), context, resources, Checkpoint(name="told"))
        await pool.close()
        yield settings


@pytest.fixture(scope="module")
async def http(kept: Settings, standard: Standard) -> AsyncIterator[httpx.AsyncClient]:
    """Everybody, in the open mode."""
    from service.serve import prepare

    async with application_on(await prepare(kept), standard) as running, client_of(running) as client:
        yield client


def referred(worlds: list[World], clinic: str, referrer: str = "") -> list[tuple[World, Json]]:
    """The referrals to a clinic, and of a referrer if one is named, each with its Task; none in error."""
    found = []
    for world in worlds:
        (task,) = [each for each in world.all("Task") if code_in(each["code"], TASK_CODE) == "fulfill"]
        is_theirs = task.get("owner", {}).get("reference") == clinic and task["status"] != "entered-in-error"
        if is_theirs and referrer in task["requester"]["reference"]:
            found.append((world, task))
    return found


def part(content: Json, name: str) -> Json:
    """The parts of the one parameter of that name, by theirs."""
    (found,) = [each for each in content["parameter"] if each["name"] == name]
    return {each["name"]: next(value for key, value in each.items() if key != "name") for each in found["part"]}


async def asked(kept: Settings, standard: Standard, clinic: str, sight: Sight, least: int = 1) -> Json:
    """The answer within a sight."""
    from dataclasses import replace

    pool = command_pool(kept)
    parts = assemble(kept, standard, pool, cursor_secret="")
    parts = replace(parts, store=parts.store.within(sight))
    loop = loop_of(parts.definitions, parts.registry, UTC, smallest_group=least, outcome_period="year")
    operation = loop.operations["outcome-measures"]
    context = Context(base="", request_id="x", received_at=datetime(2026, 11, 22, 12, tzinfo=UTC))
    named = Operation(
        name="outcome-measures", type="Organization", id=clinic, parameters=tuple(WHEN.items()), method="GET"
    )
    answer = await operation(parts, context, named)
    await pool.close()
    content: Json = codec.decode(answer.body)
    return content


async def test_referrals_and_how_they_ended_are_those_that_were_told(
    http: httpx.AsyncClient, worlds: list[World]
) -> None:
    content = (await http.get(f"{NORTH.reference}/$outcome-measures", params=WHEN)).json()
    told = referred(worlds, NORTH.reference)
    ended = Counter(task["status"] for _, task in told)
    loop = part(content, "loop")
    assert {"name": "referrals", "valueInteger": len(told)} in content["parameter"]
    assert (loop["completed"], loop["failed"], loop["declined"]) == (
        ended["completed"],
        ended["failed"],
        ended["rejected"],
    )
    over = sum(ended[each] for each in ("completed", "failed", "rejected", "cancelled"))
    assert loop["closureRate"] == pytest.approx(ended["completed"] / over, abs=0.001)


async def test_the_time_until_acceptance_is_that_of_the_provenances(
    http: httpx.AsyncClient, worlds: list[World]
) -> None:
    hours = []
    for world, task in referred(worlds, NORTH.reference):
        accepted = [each for each in world.all("Provenance") if code_in(each["activity"], STEP) == "T3"]
        for each in accepted:
            began, ended = start_of(task["authoredOn"]), start_of(each["recorded"])
            assert began is not None
            assert ended is not None
            hours.append((ended - began).total_seconds() / 3600)
    content = (await http.get(f"{NORTH.reference}/$outcome-measures", params=WHEN)).json()
    assert part(content, "acceptance")["medianHours"] == pytest.approx(median(hours), abs=0.06)


async def test_missed_visits_are_those_that_were_told(http: httpx.AsyncClient, worlds: list[World]) -> None:
    visits = Counter(
        each["status"] for world, _ in referred(worlds, SOUTH.reference) for each in world.all("Appointment")
    )
    content = (await http.get(f"{SOUTH.reference}/$outcome-measures", params=WHEN)).json()
    told = part(content, "visits")
    assert (told["kept"], told["missed"]) == (visits["fulfilled"], visits["noshow"])


async def test_a_referrer_is_told_of_its_own_referrals_alone(
    kept: Settings, standard: Standard, worlds: list[World]
) -> None:
    for referrer in REFERRERS:
        own = identity_of("Organization", referrer.id)
        content = await asked(kept, standard, NORTH.id, Sight(by=(own,), maker=own))
        number = len(referred(worlds, NORTH.reference, referrer.reference))
        assert {"name": "referrals", "valueInteger": number} in content["parameter"]


async def test_another_clinic_is_told_nothing(kept: Settings, standard: Standard) -> None:
    other = identity_of("Organization", SOUTH.id)
    content = await asked(kept, standard, NORTH.id, Sight(by=(other,), maker=other))
    assert [each["name"] for each in content["parameter"]][-1] == "withheld"
    assert not any(each["name"] == "referrals" for each in content["parameter"])


async def test_small_groups_are_withheld(kept: Settings, standard: Standard) -> None:
    content = await asked(kept, standard, NORTH.id, EVERYTHING, least=5)
    numbers = [
        value
        for each in content["parameter"]
        if each["name"] not in {"smallestGroup", "conditionsWithheld", "techniquesWithheld"}
        for one in each.get("part", [each])
        if isinstance(value := one.get("valueInteger"), int)
    ]
    assert numbers
    assert all(each == 0 or each >= 5 for each in numbers)


async def test_a_period_without_referrals_is_told_nothing_of(http: httpx.AsyncClient) -> None:
    content = (await http.get(f"{NORTH.reference}/$outcome-measures?periodStart=2001&periodEnd=2001")).json()
    assert [each["name"] for each in content["parameter"]][-1] == "withheld"


@pytest.mark.parametrize(
    "query, code, expression",
    [
        ("periodStart=2026-01", "parameter-required", "http.periodEnd"),
        ("periodStart=2026-01-15&periodEnd=2026-03", "parameter-value", "http.periodStart"),
        ("periodStart=2026-13&periodEnd=2026", "parameter-value", "http.periodStart"),
        ("periodStart=2026&periodEnd=2025", "parameter-value", "http.periodEnd"),
        ("periodStart=2026-01&periodEnd=2026-11", "parameter-value", "http.periodEnd"),
        ("periodStart=2026-02&periodEnd=2026-12", "parameter-value", "http.periodStart"),
        ("periodStart=2025&periodEnd=2026", "parameter-value", "http.periodEnd"),
        ("periodStart=2026&periodEnd=2026&x=1", "parameter-unknown", "http.x"),
    ],
)
async def test_what_is_no_period_of_the_grid_is_refused(
    http: httpx.AsyncClient, query: str, code: str, expression: str
) -> None:
    assert_outcome(await http.get(f"{NORTH.reference}/$outcome-measures?{query}"), 400, code, expression)


async def test_an_organisation_that_is_not_there_is_not_found(http: httpx.AsyncClient) -> None:
    assert_outcome(await http.get("Organization/nobody/$outcome-measures", params=WHEN), 404, "not-found")


async def test_tasks_of_a_role_and_a_service_of_the_clinic_count(
    http: httpx.AsyncClient, kept: Settings, standard: Standard, worlds: list[World]
) -> None:
    """As BSeR and 360X name whom they ask."""
    before = (await http.get(f"{NORTH.reference}/$outcome-measures", params=WHEN)).json()
    own = {"organization": {"reference": NORTH.reference}, "active": True}
    role = (await http.post("PractitionerRole", json={"resourceType": "PractitionerRole"} | own)).json()
    offered = {"resourceType": "HealthcareService", "providedBy": own["organization"]}
    service = (await http.post("HealthcareService", json=offered)).json()
    moved = [task for _, task in referred(worlds, NORTH.reference) if task["status"] == "completed"][:2]
    owners = (f"PractitionerRole/{role['id']}", f"HealthcareService/{service['id']}")
    await owned_by(kept, standard, {task["id"]: owner for task, owner in zip(moved, owners, strict=True)}, moved)
    assert (await http.get(f"{NORTH.reference}/$outcome-measures", params=WHEN)).json() == before
    await owned_by(kept, standard, {task["id"]: NORTH.reference for task in moved}, moved)


async def owned_by(kept: Settings, standard: Standard, owners: dict[str, str], tasks: list[Json]) -> None:
    """Stores Tasks with other owners, whatever the rules say of it."""
    pool = command_pool(kept)
    parts = assemble(kept, standard, pool, cursor_secret="")
    context = Context(base="", request_id="x", received_at=datetime(2026, 11, 22, 12, tzinfo=UTC))
    for task in tasks:
        bare = {name: value for name, value in task.items() if name != "meta"}
        content = bare | {"owner": {"reference": owners[task["id"]]}}
        update = Update(type="Task", target=task["id"], content=content)
        await stored(parts, context, [WriteRequest(interaction=update, new_id=task["id"])])
    await pool.close()


def codes_below(held: Json) -> Iterator[str]:
    """The codes of a CodeSystem, nested ones too."""
    for each in held.get("concept", ()):
        yield each["code"]
        yield from codes_below(each)


async def test_codes_are_those_that_the_service_publishes(http: httpx.AsyncClient) -> None:
    """So that whoever reads the account finds what they mean."""
    held = {each["url"]: set(codes_below(each)) for each in code_systems(load())}
    content = (await http.get(f"{NORTH.reference}/$outcome-measures", params=WHEN)).json()
    parts = [each["part"] for each in content["parameter"] if each["name"] in ("condition", "technique")]
    codings = [one["valueCoding"] for part in parts for one in part if one["name"] == "code"]
    known = [each for each in codings if each["code"] != "other"]
    assert known
    assert all(each["code"] in held[each["system"]] for each in known)
