"""Clients that write at random, one request after the other, and remember what the service acknowledged.

Each client works on resources of its own, so that nothing but a fault can refuse what it sends. What was refused may
have been stored all the same, so the client does not touch that resource again.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.benchmarks.client import Connection
from tests.builders.resources import CLINIC, identifier, observation, patient

if TYPE_CHECKING:
    from tests.benchmarks.client import Reply

MARKS: Final = f"{CLINIC}/marks"
"""The system of the identifiers, one per write, and of the tags, one per transaction."""
ENTRIES: Final = 5
"""The size of every transaction."""
_OWN: Final = 200
"""How many resources a client keeps changing."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A version that the service said it has stored; a deletion has no mark."""

    path: str
    version_id: int
    mark: str | None


@dataclass(slots=True)
class Storm:
    """`clients` write until `stop` is set or the service goes away."""

    port: int
    clients: int = 16
    seed: int = 1
    acknowledged: list[Acknowledged] = field(default_factory=list)
    transactions: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    _grown: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def run(self) -> None:
        """Write until stopped; a client whose connection breaks ends."""
        await asyncio.gather(*(self._client(number) for number in range(self.clients)))

    async def until_acknowledged(self, how_many: int, *, limit_seconds: float = 60) -> None:
        """Wait for that many acknowledged versions."""
        async with asyncio.timeout(limit_seconds), self._grown:
            await self._grown.wait_for(lambda: len(self.acknowledged) >= how_many)

    async def _client(self, number: int) -> None:
        client = _Client(self, f"{self.seed}-{number}", random.Random(f"{self.seed}-{number}"))  # noqa: S311
        try:
            async with Connection(self.port) as connection:
                while not self.stopped.is_set():
                    await client.write(connection)
        except (ConnectionError, OSError):
            return

    async def remember(self, *versions: Acknowledged) -> None:
        """Note what was acknowledged."""
        async with self._grown:
            self.acknowledged.extend(versions)
            self._grown.notify_all()


class _Client:
    def __init__(self, storm: Storm, name: str, dice: random.Random) -> None:
        self._storm = storm
        self._name = name
        self._dice = dice
        self._count = 0
        self._own: dict[str, int] = {}

    async def write(self, connection: Connection) -> None:
        """One random write, remembered when it is acknowledged."""
        draw = self._dice.random()
        if draw < 0.35 or not self._own:
            await self._create(connection)
        elif draw < 0.65:
            await self._update(connection)
        elif draw < 0.95:
            await self._transaction(connection)
        else:
            await self._delete(connection)

    async def _create(self, connection: Connection) -> None:
        mark = self._mark()
        reply = await connection.request("POST", "/fhir/Observation", _marked(mark))
        if self._accepted(reply, 201, "create"):
            path, version = located(reply.header("location") or "")
            await self._written(path, version, mark)

    async def _update(self, connection: Connection) -> None:
        mark = self._mark()
        path, version = self._dice.choice(list(self._own.items()))
        content = _marked(mark) | {"id": path.partition("/")[2]}
        headers = {"if-match": f'W/"{version}"'} if self._dice.random() < 0.5 else {}
        reply = await connection.request("PUT", f"/fhir/{path}", content, headers)
        if self._accepted(reply, 200, "update"):
            await self._written(path, version_of(reply), mark)
        else:
            del self._own[path]

    async def _delete(self, connection: Connection) -> None:
        path = self._dice.choice(list(self._own))
        version = self._own.pop(path)
        reply = await connection.request("DELETE", f"/fhir/{path}")
        if self._accepted(reply, 204, "delete", 200):
            await self._storm.remember(Acknowledged(path, version + 1, None))

    async def _transaction(self, connection: Connection) -> None:
        """A patient and its Observations: some new, one an update of an own one."""
        mark = self._mark()
        tag = {"meta": {"tag": [{"system": MARKS, "code": mark}]}}
        path = self._dice.choice(list(self._own))
        updated = _marked(mark) | tag | {"id": path.partition("/")[2]}
        entries = [
            _entry(patient(identifier=[identifier(MARKS, mark)]) | tag, "POST", "Patient", "urn:uuid:" + _UUID),
            _entry(updated, "PUT", path),
            *(
                _entry(_marked(mark, subject="urn:uuid:" + _UUID) | tag, "POST", "Observation")
                for _ in range(ENTRIES - 2)
            ),
        ]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        reply = await connection.request("POST", "/fhir", bundle)
        if not self._accepted(reply, 200, "transaction"):
            del self._own[path]
            return
        self._storm.transactions.append(mark)
        written = [located(entry["response"]["location"]) for entry in reply.json()["entry"]]
        self._own[path] = written[1][1]
        versions = [Acknowledged(found, version, mark) for found, version in written]
        await self._storm.remember(*versions)

    def _accepted(self, reply: Reply, status: int, what: str, other: int | None = None) -> bool:
        if reply.status in {status, other}:
            return True
        self._storm.refused.append(f"{what}: {reply.status} {reply.body[:300]!r}")
        return False

    async def _written(self, path: str, version: int, mark: str) -> None:
        self._own[path] = version
        if len(self._own) > _OWN:
            del self._own[next(iter(self._own))]
        await self._storm.remember(Acknowledged(path, version, mark))

    def _mark(self) -> str:
        self._count += 1
        return f"{self._name}-{self._count}"


def located(location: str) -> tuple[str, int]:
    """``Type/id`` and version id of a Location such as ``[base]/Type/id/_history/1``."""
    *_, resource_type, logical_id, _, version = location.split("/")
    return f"{resource_type}/{logical_id}", int(version)


def version_of(reply: Reply) -> int:
    """The version id in an answer's ETag."""
    return int((reply.header("etag") or "").removeprefix("W/").strip('"'))


_UUID: Final = "6d3f3c3a-8a3d-4f6e-9d2b-1f5b6a7c8d9e"


def _marked(mark: str, *, subject: str = "Patient/somebody") -> Json:
    return observation(subject, identifier=[identifier(MARKS, mark)])


def _entry(content: Json, method: str, url: str, full_url: str | None = None) -> Json:
    entry: Json = {"resource": content, "request": {"method": method, "url": url}}
    return entry if full_url is None else entry | {"fullUrl": full_url}


async def missing(port: int, acknowledged: list[Acknowledged], *, clients: int = 8) -> list[str]:
    """The acknowledged versions that cannot be read at their version, or not as they were sent."""
    found: list[str] = []
    left = iter(acknowledged)

    async def look() -> None:
        async with Connection(port) as connection:
            for one in left:
                reply = await connection.request("GET", f"/fhir/{one.path}/_history/{one.version_id}")
                if not _is_as_sent(reply, one):
                    found.append(f"{one.path} version {one.version_id}: {reply.status} {reply.body[:300]!r}")

    await asyncio.gather(*(look() for _ in range(clients)))
    return found


def _is_as_sent(reply: Reply, one: Acknowledged) -> bool:
    if one.mark is None:
        return reply.status == 410
    return reply.status == 200 and reply.json()["identifier"] == [identifier(MARKS, one.mark)]
