"""The service as the evaluator's counterpart: resources in, the names of those that a search finds out."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import AsyncExitStack, contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from service.fhir import codec
from service.store.tables import metadata
from tests.conftest import application_on, client_of, settings_for
from tests.search.evaluator.pools import BASE

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from service.assembly import Standard
    from tests.conftest import Cluster
    from tests.search.evaluator.queries import Query

Json = dict[str, Any]

UNSUPPORTED: Final = frozenset({"not-supported"})
"""The error codes with which the service refuses a search that R4 allows: by a value set that it does not hold."""

_SPARED: Final = frozenset({"alembic_version", "search_generation", "secret"})
_ADDED_TO: Final = "audit_"
"""What the names of the tables begin with that nothing is ever deleted from."""


class Service:
    """The service in this process, and the loop that it runs on."""

    def __init__(self, runner: asyncio.Runner, client: httpx.AsyncClient, database: asyncpg.Connection) -> None:
        self._runner = runner
        self._client = client
        self._database = database
        self.asked: Counter[str] = Counter()

    def store(self, resources: list[Json]) -> list[Json]:
        """The resources as they are stored in a database that has no others."""
        return self._runner.run(self._store(resources))

    def search(self, query: Query) -> list[str] | None:
        """The names of what the service finds; None if it says that it does not support the search."""
        return self._runner.run(self._search(query))

    async def _store(self, resources: list[Json]) -> list[Json]:
        for table in reversed(metadata.sorted_tables):
            if table.name not in _SPARED and not table.name.startswith(_ADDED_TO):
                await self._database.execute(f"DELETE FROM {table.name}")  # noqa: S608
        if not resources:
            return []
        entries = [
            {"resource": each, "request": {"method": "PUT", "url": f"{each['resourceType']}/{each['id']}"}}
            for each in resources
        ]
        bundle = codec.encode({"resourceType": "Bundle", "type": "transaction", "entry": entries})
        headers = {"Content-Type": "application/fhir+json", "Prefer": "return=representation"}
        answer = await self._client.post("/", content=bundle, headers=headers)
        assert answer.status_code == 200, f"{answer.text}\n{bundle!r}"
        return [entry["resource"] for entry in json.loads(answer.text, parse_float=Decimal)["entry"]]

    async def _search(self, query: Query) -> list[str] | None:
        path = "/".join((*(query.compartment or ()), query.type))
        result = [("_sort", query.sort)] if query.sort else []
        if query.contained != "false":
            result += [("_contained", query.contained), ("_containedType", query.contained_type)]
        answer = await self._client.get(f"/{path}", params=[*query.criteria, *result, ("_count", str(query.count))])
        if answer.status_code == 400 and _codes(answer.json()) & UNSUPPORTED:
            self.asked["refused"] += 1
            return None
        found: list[str] = []
        while True:
            assert answer.status_code == 200, f"{query}: {answer.text}"
            page = answer.json()
            found += [_name(each) for each in page.get("entry", ())]
            following = [link["url"] for link in page["link"] if link["relation"] == "next"]
            if not following:
                self.asked["answered"] += 1
                return found
            answer = await self._client.get(following[0])


def _name(entry: Json) -> str:
    """``Type/id`` of an entry, of a contained resource that of its container with its own id after ``#``."""
    name = str(entry["fullUrl"]).removeprefix(f"{BASE}/")
    assert name.endswith(f"{entry['resource']['id']}"), entry
    return name


def _codes(outcome: Json) -> set[str]:
    return {coding["code"] for issue in outcome["issue"] for coding in issue.get("details", {}).get("coding", ())}


@contextmanager
def serving(cluster: Cluster, standard: Standard) -> Iterator[Service]:
    """The service on a database and an event loop of its own: Hypothesis calls from outside of any loop."""

    async def start(stack: AsyncExitStack) -> tuple[httpx.AsyncClient, asyncpg.Connection]:
        url = await stack.enter_async_context(cluster.clone())
        running = await stack.enter_async_context(application_on(settings_for(url), standard))
        database = await asyncpg.connect(url)
        stack.push_async_callback(database.close)
        return await stack.enter_async_context(client_of(running)), database

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        stack = AsyncExitStack()
        try:
            yield Service(runner, *runner.run(start(stack)))
        finally:
            runner.run(stack.aclose())
