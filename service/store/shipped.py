"""Which of the resources that come with the service the database has: one row to read at every start."""

from __future__ import annotations

from typing import Final

import asyncpg

from service.fhir.outcome import CANONICAL
from service.fhir.reference import identity_of
from service.store.migration import LOCK_KEY as LOCK_KEY  # noqa: PLC0414 - storing them is a part of bringing it up

MANIFEST_TYPE: Final = "Library"
MANIFEST_ID: Final = "comes-with-the-service"
FINGERPRINT: Final = f"{CANONICAL}/NamingSystem/shipped-fingerprint"
"""The system of the identifier that the manifest has."""

_FINGERPRINT: Final = "SELECT content #>> '{identifier,0,value}' FROM resource WHERE identity = $1"


async def shipped_fingerprint(url: str) -> str | None:
    """The fingerprint of the resources that were stored last, over a connection of its own; None where none were."""
    connection = await asyncpg.connect(url)
    try:
        found: str | None = await connection.fetchval(_FINGERPRINT, identity_of(MANIFEST_TYPE, MANIFEST_ID))
    finally:
        await connection.close()
    return found
