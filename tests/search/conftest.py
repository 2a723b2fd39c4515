"""Resources with short ids in a real Postgres, and searches that answer with the ids that match."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest

from service.fhir import codec
from service.fhir.definitions import load
from service.fhir.reference import identity_of
from service.fhir.search.extract import Extractor
from service.fhir.search.parse import parse_criteria, parse_search
from service.fhir.search.registry import Registry
from service.fhir.sight import seen_number
from service.store.found import found_in
from service.store.index_rows import keyed_rows
from service.store.likeness import UNKNOWN, likeness_of
from service.store.pool import Pool
from service.store.search import compile_count, compile_match, compile_search
from service.store.tables import INDEX_TABLES, resource, seen_by
from tests.search.planning import plan_of
from tests.search.population import POPULATION

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence
    from contextlib import AbstractAsyncContextManager

    from service.fhir.search.query import Query
    from service.store.search import Statement
    from service.store.search.statement import Position
    from tests.conftest import Cluster

    Json = dict[str, Any]

BASE = "https://fhir.example.org/fhir"
NOW = datetime(2024, 6, 1, tzinfo=UTC)


class Library:
    """A database with resources. The first one stored is the oldest; each was updated a minute after the one before.

    One in `old_each`, if any, is as it was stored before resources had a likeness, and references subjects beside them.
    """

    old_each: int | None = None

    def __init__(self, pool: Pool, registry: Registry) -> None:
        self._pool = pool
        self._registry = registry
        self._extractor = Extractor(registry)
        self._key = 0

    async def store(self, contents: Iterable[Json]) -> None:
        """Store resources with their index rows, faster than through the service."""
        records: dict[str, list[tuple[Any, ...]]] = {table.name: [] for table in (resource, *INDEX_TABLES.values())}
        for content in contents:
            self._key += 1
            kind, id_ = content["resourceType"], content["id"]
            instant = NOW + timedelta(minutes=self._key)
            stored = codec.encode(content)
            every = self._extractor.rows(kind, content, BASE)
            is_old = self.old_each is not None and self._key % self.old_each == 0
            likeness = UNKNOWN if is_old else likeness_of(kind, every)
            values = (self._key, identity_of(kind, id_), instant, 1, kind, id_, "PUT", stored, likeness)
            records[resource.name].append(values)
            for each, table in INDEX_TABLES.items():
                rows = keyed_rows(self._key, each, every)
                records[table.name] += [(*row[:-1], None) for row in rows] if is_old and each == "reference" else rows
        async with self._pool.acquire() as connection:
            for name, rows in records.items():
                await connection.copy_records_to_table(name, records=rows)

    async def delete(self, resource_type: str, id_: str) -> None:
        """Leave a tombstone."""
        async with self._pool.acquire() as connection:
            key = await connection.fetchval(
                "UPDATE resource SET content = NULL, method = 'DELETE' WHERE identity = $1 RETURNING key",
                identity_of(resource_type, id_),
            )
            for table in INDEX_TABLES.values():
                await connection.execute(f"DELETE FROM {table.name} WHERE resource_key = $1", key)  # noqa: S608

    def query(self, resource_type: str | None, text: str) -> Query:
        """The query of a URL's query part."""
        parameters = tuple(parse_qsl(text, keep_blank_values=True))
        return parse_search(self._registry, resource_type, parameters, base=BASE, now=NOW)

    async def page(
        self,
        resource_type: str | None,
        text: str,
        *,
        limit: int = 1000,
        after: Position | None = None,
        backwards: bool = False,
    ) -> list[tuple[Position, str]]:
        """The positions and ids that a page of the search has, in its order."""
        query = self.query(resource_type, text)
        rows = await self.fetch(compile_search(query, limit=limit, after=after, backwards=backwards))
        return [(each.position, each.id) for each in found_in(rows)]

    async def walked(
        self, resource_type: str | None, text: str, limit: int, *, backwards_from: Position | None = None
    ) -> list[tuple[Position, str]]:
        """What follows from the start, or precedes a position, page by page until one is not full."""
        walked: list[tuple[Position, str]] = []
        after, backwards = backwards_from, backwards_from is not None
        while True:
            page = await self.page(resource_type, text, limit=limit, after=after, backwards=backwards)
            walked += page
            if len(page) < limit:
                return walked
            after = page[-1][0]

    async def ids(self, resource_type: str | None, text: str) -> list[str]:
        """The ids that match, in order; the count agrees with them."""
        found = [id_ for _, id_ in await self.page(resource_type, text)]
        (count,) = await self.fetch(compile_count(self.query(resource_type, text)))
        assert count[0] == len(found)
        return found

    async def matches(self, criteria: Sequence[tuple[str, str]]) -> list[list[str]]:
        """For each (type, criteria) the ids that match, two at most."""
        queries = [
            parse_criteria(self._registry, each, tuple(parse_qsl(text, keep_blank_values=True)), base=BASE)
            for each, text in criteria
        ]
        found: list[list[str]] = [[] for _ in criteria]
        for row in await self.fetch(compile_match(queries)):
            found[row["ordinal"]].append(row["id"])
        return found

    async def plan(self, statement: Statement, *, run: bool = False) -> str:
        """The plan of a statement, with row counts if it is run."""
        async with self._pool.acquire() as connection:
            return await plan_of(connection, statement, run=run)

    async def fetch(self, statement: Statement) -> list[Any]:
        """The rows of a statement."""
        async with self._pool.acquire() as connection:
            rows: list[Any] = await connection.fetch(statement.text, *statement.arguments)
            return rows

    async def keep_unanalyzed(self) -> None:
        """Leave the planner without statistics until the test itself runs ANALYZE."""
        for table in (resource, seen_by, *INDEX_TABLES.values()):
            await self.execute(f"ALTER TABLE {table.name} SET (autovacuum_enabled = off)")

    async def share(self, resource_type: str, organisation: str) -> None:
        """Give each resource of a type to the organisation that SQL over its `key` names."""
        await self.execute(
            "INSERT INTO seen_by (resource_key, source, organisation, made) "  # noqa: S608 - the test's own
            f"SELECT key, {seen_number(resource_type)}, {organisation}, true "
            f"FROM resource WHERE type = '{resource_type}' ORDER BY key"
        )

    async def execute(self, text: str) -> None:
        """Run SQL of the test's own."""
        async with self._pool.acquire() as connection:
            await connection.execute(text)


@pytest.fixture(scope="session")
def registry() -> Registry:
    """The search parameters of R4."""
    return Registry(load())


@asynccontextmanager
async def _library(cluster: Cluster, registry: Registry) -> AsyncIterator[Library]:
    async with cluster.clone() as url, Pool(url, min_size=0, max_size=2, statement_timeout_seconds=60) as pool:
        yield Library(pool, registry)


@pytest.fixture(scope="session")
def make_library(cluster: Cluster, registry: Registry) -> Callable[[], AbstractAsyncContextManager[Library]]:
    """What makes empty libraries, for ``async with``."""
    return lambda: _library(cluster, registry)


@pytest.fixture
async def empty_library(make_library: Callable[[], AbstractAsyncContextManager[Library]]) -> AsyncIterator[Library]:
    """A library of the test's own."""
    async with make_library() as made:
        yield made


@pytest.fixture(scope="session", params=["cluster", pytest.param("older_cluster", marks=pytest.mark.postgres15)])
def each_cluster(request: pytest.FixtureRequest) -> Cluster:
    """The newest and the oldest PostgreSQL that the service runs on."""
    cluster: Cluster = request.getfixturevalue(request.param)
    return cluster


@pytest.fixture(scope="session")
async def library(each_cluster: Cluster, registry: Registry) -> AsyncIterator[Library]:
    """The tagged population that the tables of this folder search; nobody changes it."""
    async with _library(each_cluster, registry) as made:
        made.old_each = 3
        await made.store(POPULATION)
        yield made
