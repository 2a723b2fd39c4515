"""A reindex loses no good row where it does not know the base, and goes on with no other extraction's work."""

from __future__ import annotations

from dataclasses import replace as with_changes
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from service.fhir.search.acceptance import extended
from service.jobs import rebuild
from service.jobs.rebuild import Progress, ReindexError, extraction_of
from tests.builders.resources import observation, patient
from tests.reindex.rebuilding import BASE, command, found, index_rows, rebuilt

if TYPE_CHECKING:
    import asyncpg
    import httpx

    from service.interactions.parts import Parts
    from service.settings import Settings


@pytest.mark.parametrize("reference", [f"{BASE}/Patient/p1", "https://ehr.example.org/fhir/Patient/p1"])
async def test_without_a_base_the_rows_that_are_there_tell_it(
    fresh_client: httpx.AsyncClient, parts: Parts, database: asyncpg.Connection[Any], reference: str
) -> None:
    """The service took the base from the request; on that the reference was local, or not."""
    await fresh_client.put("Observation/o1", json=observation(reference, id="o1"))
    before = await index_rows(database)
    done = await rebuilt(parts, base="")
    assert (done.passed, done.replaced) == (1, 0)
    assert await index_rows(database) == before


async def test_without_a_base_rows_that_no_base_explains_are_left_alone(
    fresh_client: httpx.AsyncClient, parts: Parts, database: asyncpg.Connection[Any]
) -> None:
    """A reindex that knows no base stops there."""
    await fresh_client.put("Observation/o1", json=observation(f"{BASE}/Patient/p1", id="o1"))
    await database.execute("DELETE FROM index_token")
    before = await index_rows(database)
    with pytest.raises(ReindexError, match=r"Observation with an absolute reference .* BASE_URL or --base-url"):
        await rebuilt(parts, base="")
    assert await index_rows(database) == before
    assert await found(fresh_client, "Observation?patient=Patient/p1") == ["o1"]


async def test_without_a_base_absolute_urls_that_are_no_references_are_no_obstacle(
    fresh_client: httpx.AsyncClient, parts: Parts
) -> None:
    """Extensions and profiles are named by the URLs of StructureDefinitions."""
    extension = [{"url": f"{BASE}/StructureDefinition/e1", "valueString": "a"}]
    meta = {"profile": [f"{BASE}/StructureDefinition/p1"]}
    await fresh_client.put("Patient/p1", json=patient(id="p1", extension=extension, meta=meta))
    done = await rebuilt(parts, base="")
    assert (done.passed, done.replaced) == (1, 0)


async def test_with_integrity_a_reference_that_no_parameter_reads_needs_a_base_too(
    fresh_client: httpx.AsyncClient, parts: Parts
) -> None:
    note = [{"text": "a", "authorReference": {"reference": f"{BASE}/Patient/p2"}}]
    await fresh_client.put("Observation/o1", json=observation("Patient/p1", id="o1", note=note))
    # on either base the rows that there are would be the same
    strict = with_changes(parts, limits=with_changes(parts.limits, referential_integrity=True))
    await rebuilt(parts, base="")
    with pytest.raises(ReindexError):
        await rebuilt(strict, base="")


async def test_an_interrupted_reindex_begins_anew_where_it_would_go_on_with_other_rows(
    fresh_client: httpx.AsyncClient, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an upgrade, or with another setting; and once more when that is taken back."""
    monkeypatch.setattr(rebuild, "_BATCH", 1)
    monkeypatch.setattr(rebuild, "_BATCHES_TO_A_REST", 1)
    for number in range(3):
        await fresh_client.put(f"Patient/p{number}", json=patient(number, id=f"p{number}"))
    begun: list[int] = []

    async def interrupted(changed: Parts, base: str) -> None:
        told: list[int] = []

        def interrupt(progress: Progress) -> None:
            told.append(progress.passed)
            if progress.passed == told[0] + 1:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            await rebuilt(changed, base=base, watch=interrupt)
        begun.append(told[0])

    await interrupted(parts, BASE)
    await interrupted(parts, BASE)
    await interrupted(with_changes(parts, software_version="another"), BASE)
    await interrupted(parts, BASE)
    await interrupted(parts, "http://another/fhir")
    await interrupted(with_changes(parts, zone=ZoneInfo("Europe/Berlin")), BASE)
    await interrupted(with_changes(parts, limits=with_changes(parts.limits, referential_integrity=True)), BASE)
    assert begun == [0, 1, 0, 0, 0, 0, 0]


async def test_the_digest_of_an_extraction_depends_on_the_search_parameters(parts: Parts) -> None:
    content = {
        "resourceType": "SearchParameter",
        "url": "http://parameters.example.org/nick",
        "name": "nick",
        "status": "active",
        "description": "a",
        "code": "nick",
        "base": ["Patient"],
        "type": "string",
        "expression": "Patient.name.text",
    }
    changed = with_changes(parts, registry=extended(parts.registry, content))
    assert extraction_of(parts, BASE) == extraction_of(parts, BASE) != extraction_of(changed, BASE)


async def test_the_command_takes_the_base_as_an_option(
    fresh_client: httpx.AsyncClient, settings: Settings, database: asyncpg.Connection[Any]
) -> None:
    await fresh_client.put("Observation/o1", json=observation(f"{BASE}/Patient/p1", id="o1"))
    await database.execute("DELETE FROM index_reference")
    code, printed = await command(settings)
    assert (code, "absolute reference" in printed) == (1, True)
    assert await database.fetchval("SELECT count(*) FROM index_reference") == 0
    code, printed = await command(settings, "--base-url", f"{BASE}/")
    assert (code, printed.partition(" in ")[0]) == (0, "1 resources, 1 of them with other index rows than before,")
    assert await found(fresh_client, "Observation?patient=Patient/p1") == ["o1"]
