"""The statements that keep sight look up each key by itself, however much else there is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from service.store import joining, reading, referrals, session, sight, simultaneous
from service.store.pool import Pool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

STATEMENTS = {
    "link": sight._LINK,
    "grant": sight._GRANT,
    "find": joining._FIND,
    "lock": referrals._LOCK,
    "members": referrals._MEMBERS,
    "begun": simultaneous._FOUND,
    "read": reading._EACH,
    "version": session._VREAD_SEEN,
    "current": session._CURRENT + session._SHOWN,
}
FILLED = """
INSERT INTO resource (identity, last_updated, version_id, type, id, method, content, likeness)
  SELECT gen_random_uuid(), now(), 1, 'Observation', n::text, 'POST', '{}', 0 FROM generate_series(1, 2000) AS n;
INSERT INTO index_reference (resource_key, source, element, target_type, target)
  SELECT key, 7, 0, 3, gen_random_uuid() FROM resource;
INSERT INTO index_date (resource_key, source, element, low, high)
  SELECT key, 8, 0, now() - key * interval '1 hour', now() - key * interval '1 hour' + interval '1 hour' FROM resource;
INSERT INTO seen_by SELECT key, 1, lpad(to_hex(key % 2), 32, '0')::uuid, true FROM resource;
INSERT INTO referral_member SELECT key - key % 10, key, key % 3 = 0 FROM resource WHERE key < 200;
INSERT INTO referral_party
  SELECT DISTINCT referral_key, referral_key, gen_random_uuid(), 'named' FROM referral_member;
ANALYZE"""


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Any]:
    """With many resources, few referrals and organisations, as PostgreSQL knows: it likes to read the whole of few."""
    pool = Pool(database_url, max_size=1)
    async with pool.acquire() as one:
        await one.execute(FILLED)
        yield one
    await pool.close()


async def planned(connection: Any, name: str, text: str) -> list[str]:
    """The lines of the plan for all values alike."""
    parameters = max(int(number) for number in re.findall(r"\$(\d+)", text))
    await connection.execute(f"PREPARE planned_{name} AS {text}")
    given = ", ".join(["NULL"] * parameters)
    rows = await connection.fetch(f"EXPLAIN (COSTS OFF) EXECUTE planned_{name} ({given})")
    return [row[0] for row in rows]


async def test_who_sees_a_resource_is_looked_up_by_the_resource(connection: Any) -> None:
    """Not among all that an organisation sees: that PostgreSQL 18 does where it is given a list of organisations."""
    for name, text in STATEMENTS.items():
        plan = await planned(connection, name, text)
        assert not any("ix_seen_by_organisation" in line for line in plan), "\n".join(plan)


async def test_no_index_is_read_as_a_whole(connection: Any) -> None:
    for name, text in STATEMENTS.items():
        plan = await planned(connection, name, text)
        for line, after in zip(plan, [*plan[1:], ""], strict=True):
            assert "Seq Scan" not in line, "\n".join(plan)
            if "Index Scan" in line or "Index Only Scan" in line:
                assert "Index Cond" in after, f"{name}: {line}\n" + "\n".join(plan)
