"""A database that has the resources of all rows, written as the service writes them, and searches in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote

from service.fhir import codec
from service.fhir.resource import Version
from service.fhir.search.extract import Extractor
from service.fhir.search.parse import parse_search
from service.fhir.stamp import stamped
from service.store.change import Change
from tests.search.planning import plan_of
from tests.search.population import BASE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from service.fhir.search.query import Query
    from service.fhir.search.registry import Registry
    from service.store.search import Statement
    from service.store.store import Store
    from tests.search.every_parameter.row import Row

FIRST_WRITE = datetime(2026, 1, 1, tzinfo=UTC)
AT_ONCE = 500
MOST = 20_000


class Filled:
    """The store and the rows in it: the match and the other resource of row 7 have the ids 7-match and 7-other."""

    def __init__(self, store: Store, registry: Registry, rows: Sequence[Row]) -> None:
        self.rows = rows
        self._store = store
        self._registry = registry
        self._extractor = Extractor(registry)
        self._numbers: dict[tuple[str | None, str], list[int]] = {}
        for number, row in enumerate(rows):
            for searched in (row.type, None):
                self._numbers.setdefault((searched, row.code), []).append(number)

    def numbers(self, resource_type: str | None, code: str) -> list[int]:
        """The numbers of a parameter's rows; for the whole system those of all types."""
        return self._numbers.get((resource_type, code), [])

    def resources(self, resource_type: str) -> set[str]:
        """The ids of the resources of a type."""
        own = resources_of(number for number, row in enumerate(self.rows) if row.type == resource_type)
        return own | {id_ for type_, id_, _ in self._targets() if type_ == resource_type}

    def having(self, resource_type: str, code: str) -> tuple[set[str], set[str]]:
        """The ids of those of a parameter's resources that have a value, and of those that have none."""
        numbers = self.numbers(resource_type, code)
        lacking = {f"{number}-other" for number in numbers if not self.rows[number].both}
        return resources_of(numbers) - lacking, lacking

    def distinct(self, resource_type: str, code: str) -> list[tuple[str, str]]:
        """The ids of the matches and others of a parameter's rows whose values no other row has."""
        rows = [(number, self.rows[number]) for number in self.numbers(resource_type, code)]
        return [(f"{number}-match", f"{number}-other") for number, row in rows if row.both and not row.shared]

    async def fill(self) -> None:
        """Write the resources of all rows; each was updated a second after the one before."""
        changes = list(self._changes())
        async with self._store.transaction() as session:
            for start in range(0, len(changes), AT_ONCE):
                await session.write(changes[start : start + AT_ONCE])

    def query(self, resource_type: str | None, name: str, value: str) -> Query:
        """A search with one parameter, as a request that escapes what has to be."""
        parameters = tuple(parse_qsl(f"{name}={quote(value)}", strict_parsing=True))
        return parse_search(self._registry, resource_type, parameters, base=BASE)

    def searches(self, number: int) -> list[str]:
        """The search values of a row."""
        instant = f"{FIRST_WRITE + timedelta(seconds=2 * number):%Y-%m-%dT%H:%M:%SZ}"
        return [
            text.replace("{id}", f"{number}-match").replace("{instant}", instant) for text in self.rows[number].searches
        ]

    async def ids(self, query: Query) -> list[str]:
        """The ids of what a search finds, in its order."""
        async with self._store.session() as session:
            return [found.id for found in await session.search(query, limit=MOST)]

    async def included(self, resource_type: str, id_: str, include: tuple[str, str]) -> list[str]:
        """The ids of what comes with a resource by an include, given as parameter and value."""
        query = parse_search(self._registry, resource_type, (("_id", id_), include), base=BASE)
        async with self._store.session() as session:
            keys = [found.key for found in await session.search(query, limit=MOST)]
            references = self._registry.reference_sources
            found = await session.included(query.includes, keys, references=references, limit=MOST, depth=1)
            return [each.id for each in found]

    async def plan(self, statement: Statement) -> str:
        """How Postgres goes about a statement."""
        async with self._store._pool.acquire() as connection:
            return await plan_of(connection, statement)

    async def analyze(self) -> None:
        """Give Postgres its statistics."""
        async with self._store._pool.acquire() as connection:
            await connection.execute("ANALYZE")

    def target(self, number: int) -> tuple[str, str] | None:
        """The type and id of the resource that the match of a row refers to, where its type is served."""
        type_, _, id_ = (self.rows[number].target or "").partition("/")
        return (type_, id_) if type_ in self._registry.definitions.resource_types else None

    def _targets(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        for number, row in enumerate(self.rows):
            if target := self.target(number):
                yield *target, row.target_content

    def _changes(self) -> Iterator[Change]:
        contents = [(row.type, content) for row in self.rows for content in (row.match, row.other)]
        ids = [f"{number}-{name}" for number in range(len(self.rows)) for name in ("match", "other")]
        for seconds, ((type_, content), id_) in enumerate(zip(contents, ids, strict=True)):
            yield self._change(type_, id_, content, FIRST_WRITE + timedelta(seconds=seconds))
        for type_, id_, named in self._targets():
            yield self._change(type_, id_, named, FIRST_WRITE + timedelta(days=1))

    def _change(self, type_: str, id_: str, content: Mapping[str, Any], instant: datetime) -> Change:
        read: Any = codec.decode(codec.encode({"resourceType": type_, **content}))
        complete = stamped(read, logical_id=id_, version_id=1, last_updated=instant)
        version = Version(
            type=type_, id=id_, version_id=1, last_updated=instant, method="PUT", content=codec.encode(complete)
        )
        return Change(version=version, rows=self._extractor.rows(type_, complete, BASE))


def resources_of(numbers: Iterable[int]) -> set[str]:
    """The ids of the resources of some rows."""
    return {f"{number}-{name}" for number in numbers for name in ("match", "other")}
