"""The parts that write, on a database of the test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.assembly import assemble, command_pool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from service.assembly import Standard
    from service.interactions.parts import Parts
    from service.settings import Settings


@pytest.fixture
async def parts(settings: Settings, standard: Standard) -> AsyncIterator[Parts]:
    """What a worker writes with."""
    async with command_pool(settings) as pool:
        yield assemble(settings, standard, pool, cursor_secret="")
