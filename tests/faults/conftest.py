"""The service with several workers on a durable database, shared by those tests that only race."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.benchmarks.serving import the_service
from tests.faults.database import Database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.benchmarks.serving import Serving


@pytest.fixture(scope="package")
def raced_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The database of the service that is raced."""
    with Database(tmp_path_factory.mktemp("raced") / "data") as database:
        yield database


@pytest.fixture(scope="package")
async def raced(raced_database: Database) -> AsyncIterator[Serving]:
    """A service with two workers and small pools, so that requests meet each other."""
    async with the_service(raced_database.folder, workers=2, pool_max_size=6, log_level="warning") as service:
        yield service


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A database of the test's own."""
    with Database(tmp_path / "data") as database:
        yield database
