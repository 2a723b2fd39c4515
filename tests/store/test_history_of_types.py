"""The history of a type, or of the system, for who sees little of it: what others have is not walked past."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from service.fhir.sight import EVERY_CLINIC, seen_number
from service.store.history_statement import HistoryPage, history_statement
from service.store.pool import Pool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.conftest import Cluster

SMALL, BIG = UUID(int=1), UUID(int=2)
TYPES = ("Observation", "Organization", "Patient")
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
# each 100th resource is older than all others, and the small clinic's
FILLED = """
INSERT INTO resource (identity, last_updated, version_id, type, id, method, content, likeness)
  SELECT md5(t.type || n)::uuid, $1::timestamptz + n * interval '1 minute' - (n % 100 = 0)::integer * interval '1 year',
    2, t.type, n::text, 'PUT', '{}', 0
  FROM generate_series(1, 1000) AS n, unnest($2::text[]) AS t(type);
"""
SUPERSEDED = """INSERT INTO resource_history (identity, last_updated, version_id, type, id, method, content)
  SELECT identity, last_updated - interval '1 second', 1, type, id, 'POST', '{}' FROM resource"""
SEEN = """INSERT INTO seen_by
  SELECT r.key, t.source, CASE WHEN r.id::integer % 100 = 0 THEN $3::uuid ELSE $4::uuid END, true
  FROM resource r JOIN unnest($1::text[], $2::integer[]) AS t(type, source) ON t.type = r.type"""


@pytest.fixture(scope="module")
async def connection(cluster: Cluster) -> AsyncIterator[Any]:
    """With a small clinic beside a big one."""
    async with cluster.clone() as url:
        pool = Pool(url, max_size=1)
        async with pool.acquire() as one:
            await one.execute(FILLED, BEGUN, list(TYPES))
            await one.execute(SUPERSEDED)
            await one.execute(SEEN, list(TYPES), [seen_number(each) for each in TYPES], SMALL, BIG)
            await one.execute("ANALYZE")
            yield one
        await pool.close()


def scanned(plan: dict[str, Any]) -> Iterator[int]:
    """The rows that each scan of a plan looked at."""
    if plan["Node Type"].endswith("Scan") and plan["Node Type"] != "Function Scan":
        yield (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    for inner in plan.get("Plans", ()):
        yield from scanned(inner)


def page(types: tuple[str, ...], limit: int = 11, **more: Any) -> HistoryPage:
    return HistoryPage(identity=None, types=types, limit=limit, **more)


@pytest.mark.parametrize("types", [("Patient",), TYPES])
async def test_a_page_is_found_without_a_look_at_what_others_have(connection: Any, types: tuple[str, ...]) -> None:
    """But for the types that everybody sees."""
    text, arguments = history_statement(page(types), (SMALL, EVERY_CLINIC))
    ((explained,),) = await connection.fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}", *arguments)
    assert sum(scanned(json.loads(explained)[0]["Plan"])) < 400


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"since": BEGUN - timedelta(days=365)},
        {"at": (BEGUN + timedelta(minutes=550), BEGUN + timedelta(minutes=551))},
        {"at": (BEGUN - timedelta(days=365), BEGUN - timedelta(days=364, hours=15))},
        {"after": (BEGUN - timedelta(days=364, hours=16), UUID(int=0), 1)},
    ],
    ids=["all", "since", "at", "at before", "after"],
)
@pytest.mark.parametrize("types", [("Patient",), ("Patient", "Observation"), TYPES])
async def test_who_sees_more_than_is_looked_up_gets_the_same(
    connection: Any, types: tuple[str, ...], more: dict[str, Any]
) -> None:
    """By a walk through all that there is."""
    text, arguments = history_statement(page(types, **more), (SMALL,))
    walk = text.replace("> 5000", "> 0")
    assert walk != text
    found = [tuple(row) for row in await connection.fetch(text, *arguments)]
    assert found == [tuple(row) for row in await connection.fetch(walk, *arguments)]
    assert found
