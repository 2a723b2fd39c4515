"""Transactions in which everything is new: one statement writes them, and who sees them, as several would."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from tests.api.auth.conftest import workers_on
from tests.builders.referral import full_url, referral_bundle
from tests.builders.resources import EHR, identifier, reference

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

    from service.assembly import Standard
    from tests.api.auth.conftest import Workers
    from tests.conftest import Cluster

Json = dict[str, Any]

NUMBERS = count(1)
READ = {"request": {"method": "GET", "url": "Patient?_summary=count"}}
"""With an entry that reads, a Bundle is performed in a transaction."""

ROWS = """
SELECT 'member', f.type, r.type, m.hangs::text, NULL FROM referral_member m
  JOIN resource f ON f.key = m.referral_key JOIN resource r ON r.key = m.resource_key WHERE r.key > $1
UNION ALL SELECT 'party', f.type, r.type, coalesce(o.type, p.organisation::text), p.standing || p.counts
  FROM referral_party p
  JOIN resource f ON f.key = p.referral_key JOIN resource r ON r.key = p.source_key
  LEFT JOIN resource o ON o.identity = p.organisation WHERE r.key > $1
UNION ALL SELECT 'seen', r.type, s.source::text, coalesce(o.type, s.organisation::text), s.made::text FROM seen_by s
  JOIN resource r ON r.key = s.resource_key LEFT JOIN resource o ON o.identity = s.organisation WHERE r.key > $1
ORDER BY 1, 2, 3, 4, 5"""


@pytest.fixture(scope="module", params=["off", "on"])
async def workers(request: pytest.FixtureRequest, cluster: Cluster, standard: Standard) -> AsyncIterator[Workers]:
    """With the rules of the referral loop and without."""
    async with workers_on(cluster, standard, {"referral_rules": request.param}) as opened:
        await opened.register("hospital", role="referrer", organisation="Organization/hospital")
        yield opened


async def rows_after(workers: Workers, bundle: Json) -> tuple[list[tuple[Any, ...]], int]:
    """What is kept about who sees what a Bundle makes, and how many statements it took."""
    pool: Any = workers.application._pool
    headers = await workers.bearer("hospital")
    async with pool.acquire() as connection:
        before = await connection.fetchval("SELECT coalesce(max(key), 0) FROM resource")
    await workers.one.get("/Patient/none", headers=headers)
    texts: list[str] = []

    def heard(record: Any) -> None:
        texts.append(record.query)

    connections: list[asyncpg.Connection[Any]] = [*pool._idle]
    for each in connections:
        each.add_query_logger(heard)
    answered = await workers.one.post("/", json=bundle, headers=headers)
    assert answered.status_code == 200, answered.text
    for _ in range(3):  # a connection tells of a statement when the event loop comes round
        await asyncio.sleep(0)
    for each in connections:
        each.remove_query_logger(heard)
    async with pool.acquire() as connection:
        found = [tuple(row) for row in await connection.fetch(ROWS, before)]
    return found, len(texts)


def bundle_of(elements: Json, task: Json, extra: int) -> Json:
    """A referral, of which everything is new, with changes to the order and its Task, and what hangs on it."""
    number = next(NUMBERS)
    bundle = referral_bundle(number)
    for entry in bundle["entry"]:
        content = entry["resource"]
        own = content["identifier"][0]
        known, own["value"] = own["value"], f"{own['value']}-{number}"
        entry["request"]["ifNoneExist"] = entry["request"]["ifNoneExist"].replace(known, own["value"])
        if content["resourceType"] == "ServiceRequest":
            content.pop("performer")
            content |= elements
        if content["resourceType"] == "PractitionerRole":
            content["organization"] = reference("Organization/hospital")
        if content["resourceType"] == "Task":
            content.pop("owner", None)
            content |= task
    for place in range(extra):
        on = [reference(full_url(f"ServiceRequest/{number}"))]
        made = {
            "resourceType": "Communication",
            "status": "completed",
            "identifier": [identifier(f"{EHR}/messages", f"M-{number}-{place}")],
            "basedOn": on,
            "subject": reference(full_url(f"Patient/{number}")),
        }
        bundle["entry"].append({"resource": made, "request": {"method": "POST", "url": "Communication"}})
    return bundle


CLINIC = {"reference": "Organization/clinic"}


@pytest.mark.parametrize(
    "elements, task, extra",
    [
        ({}, {}, 0),
        ({"performer": [CLINIC]}, {}, 2),
        ({"performer": [CLINIC]}, {"owner": CLINIC}, 0),
        ({}, {"owner": {"reference": "Organization/other"}}, 1),
        (
            {"requester": {"reference": "Organization/hospital"}},
            {"requester": {"reference": full_url("PractitionerRole/1")}},
            1,
        ),
    ],
)
async def test_one_statement_keeps_what_several_do(workers: Workers, elements: Json, task: Json, extra: int) -> None:
    """Members, parties and who sees what, of an order with several performers and for anybody to claim."""
    at_once, statements = await rows_after(workers, bundle_of(elements, task, extra))
    bundle = bundle_of(elements, task, extra)
    bundle["entry"].append(READ)
    one_by_one, more = await rows_after(workers, bundle)
    assert at_once == one_by_one
    assert any(kind == "party" for kind, *_ in at_once)
    assert statements == 1
    assert more > 4
