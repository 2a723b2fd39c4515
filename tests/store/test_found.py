"""What searches find is what a read shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import asyncpg

from service.fhir.stamp import instant_text
from service.store.found import INSTANT

INSTANTS = [
    datetime(1, 1, 2, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=UTC),
    datetime(2026, 1, 9, 8, 0, 0, 7000, tzinfo=UTC),
    datetime(2026, 7, 1, 0, 30, 0, 120999, tzinfo=timezone(timedelta(hours=14))),
    datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC),
]


async def test_the_database_writes_instants_as_the_service_does(database_url: str) -> None:
    """Whatever time zone the session is in, which a pooler may leave as it is."""
    connection = await asyncpg.connect(database_url, server_settings={"timezone": "Asia/Kathmandu"})
    try:
        statement = f"SELECT {INSTANT} FROM unnest($1::timestamptz[]) AS r(last_updated)"  # noqa: S608
        written = [row[0] for row in await connection.fetch(statement, INSTANTS)]
    finally:
        await connection.close()
    assert written == [instant_text(each) for each in INSTANTS]
