"""What workers tidy up by themselves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg

from tests.builders.resources import patient
from tests.conftest import application_on, client_of, settings_for

if TYPE_CHECKING:
    import pytest

    from service.assembly import Standard
    from tests.conftest import Cluster


async def test_claims_that_are_old_go_by_themselves(
    cluster: Cluster, standard: Standard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of the workers removes them now and then."""
    from service.jobs import background

    monkeypatch.setattr(background, "HOUSEKEEPING_SECONDS", 0.02)
    async with cluster.clone() as url, application_on(settings_for(url), standard) as one, client_of(one) as client:
        for number in range(3):
            criteria = {"If-None-Exist": f"identifier=a|{number}"}
            assert (await client.post("Patient", json=patient(number), headers=criteria)).status_code == 201
        connection = await asyncpg.connect(url)
        await connection.execute("UPDATE criteria_claim SET touched_at = now() - interval '61 min' WHERE key % 2 = 0")
        await connection.execute("INSERT INTO criteria_claim VALUES (1, 1, now() - interval '61 min')")
        async with asyncio.timeout(30):
            while await connection.fetchval(  # noqa: ASYNC110 - no event tells of it
                "SELECT count(*) FROM criteria_claim WHERE touched_at < now() - interval '1 hour'"
            ):
                await asyncio.sleep(0.02)
        await connection.close()
