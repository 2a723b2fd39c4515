"""What the tests of reindex share: its parts, and a connection of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from service.assembly import assemble
from service.store.pool import Pool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from service.assembly import Standard
    from service.interactions.parts import Parts
    from service.settings import Settings


@pytest.fixture
async def parts(settings: Settings, standard: Standard) -> AsyncIterator[Parts]:
    """What a reindex works with, on the database of `fresh_client`."""
    assert settings.database_url
    pool = Pool(settings.database_url.get_secret_value(), min_size=0, max_size=2)
    yield assemble(settings, standard, pool, cursor_secret="")
    await pool.close()


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A connection beside the service's."""
    assert settings.database_url
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    yield connection
    await connection.close()
