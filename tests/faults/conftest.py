"""A durable database and a service with several workers, shared by the tests that leave both running."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.benchmarks.serving import the_service
from tests.faults.database import Database, data_folder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.benchmarks.serving import Serving


@pytest.fixture(scope="package")
def database() -> Iterator[Database]:
    """The database that is only raced and locked; who stops one starts one for that."""
    with data_folder() as folder, Database(Path(folder) / "data") as database:
        yield database


@pytest.fixture(scope="package")
async def raced(database: Database) -> AsyncIterator[Serving]:
    """Two workers with small pools, so that requests meet each other."""
    async with the_service(database.folder, workers=2, pool_max_size=6, log_level="warning") as service:
        yield service
