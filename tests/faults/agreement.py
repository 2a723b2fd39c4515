"""What must hold in the database whatever happened: versions without gaps, index rows that agree with the contents.

The index rows are computed anew from the stored contents with the service's own extractor; history is checked by rules
that need no knowledge of the service.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from service.fhir import codec
from service.fhir.definitions import load
from service.fhir.search.extract import Extractor
from service.fhir.search.registry import Registry
from service.store.contained import container_key
from service.store.index_rows import keyed_rows
from service.store.stored_content import head_of, served
from service.store.tables import INDEX_TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from service.fhir.resource import Content
    from service.fhir.search.extract import IndexRows

    Row = Mapping[str, Any]

_VERSIONS: Final = """SELECT key, identity, type, id, version_id, last_updated, method, content::text FROM resource
UNION ALL SELECT NULL, identity, type, id, version_id, last_updated, method, content::text FROM resource_history"""


async def disagreements(url: str, base: str) -> list[str]:
    """Sentences about whatever is wrong in the database at `url`; `base` is the base URL that clients used."""
    versions, index = await _read(url)
    by_identity: dict[Any, list[Row]] = defaultdict(list)
    for version in versions:
        by_identity[version["identity"]].append(version)
    found = [problem for chain in by_identity.values() for problem in _history_problems(chain)]
    current = [version for version in versions if version["key"] is not None]
    return [*found, *_index_problems(current, index, base)]


async def tagged_versions(url: str, system: str) -> Counter[str]:
    """How many versions carry each code as a `meta.tag` of the system."""
    versions, _ = await _read(url)
    contents = [content for version in versions if (content := _content(version)) is not None]
    tags = [tag for content in contents for tag in content["meta"].get("tag", ())]
    return Counter(tag["code"] for tag in tags if tag["system"] == system)


def _content(version: Row) -> Content | None:
    """The content as it is served; None for a tombstone."""
    if version["content"] is None:
        return None
    head = head_of(version["type"], version["id"], version["version_id"], version["last_updated"])
    content: Content = codec.decode(served(version["content"].encode(), head))
    return content


async def _read(url: str) -> tuple[list[Row], IndexRows]:
    """Every version, and the rows of every index table, of one moment."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            versions = await connection.fetch(_VERSIONS)
            index: IndexRows = {
                kind: [tuple(row) for row in await connection.fetch(f"SELECT * FROM {table.name}")]  # noqa: S608
                for kind, table in INDEX_TABLES.items()
            }
    finally:
        await connection.close()
    return versions, index


def _history_problems(chain: list[Row]) -> Iterable[str]:
    chain.sort(key=lambda version: int(version["version_id"]))
    name = f"{chain[0]['type']}/{chain[0]['id']}"
    numbers = [version["version_id"] for version in chain]
    if numbers != list(range(1, len(chain) + 1)):
        yield f"{name} has the versions {numbers}"
    if [version["key"] is not None for version in chain] != [False] * (len(chain) - 1) + [True]:
        yield f"{name}: the newest version, and only that, must be the current one"
    instants = [version["last_updated"] for version in chain]
    if any(later <= earlier for earlier, later in pairwise(instants)):
        yield f"{name}: lastUpdated does not grow"
    for version in chain:
        yield from _content_problems(name, version)


def _content_problems(name: str, version: Row) -> Iterable[str]:
    number = version["version_id"]
    if (version["content"] is None) != (version["method"] == "DELETE"):
        yield f"{name} version {number}: a tombstone has no content and everything else has"
    content = _content(version)
    if content is not None:
        stamped = (content["resourceType"], content["id"], content["meta"]["versionId"])
        if stamped != (version["type"], version["id"], str(number)):
            yield f"{name} version {number} is stamped {stamped}"


def _index_problems(current: list[Row], index: IndexRows, base: str) -> Iterable[str]:
    extractor = Extractor(Registry(load()))
    kept: dict[tuple[str, int], Counter[tuple[Any, ...]]] = defaultdict(Counter)
    for kind, rows in index.items():
        for row in rows:
            kept[kind, container_key(row[0])][row] += 1
    for version in current:
        content = _content(version)
        expected = {} if content is None else extractor.rows(version["type"], content, base)
        for table in INDEX_TABLES:
            if kept.pop((table, version["key"]), Counter()) != Counter(keyed_rows(version["key"], table, expected)):
                yield f"the {table} rows of {version['type']}/{version['id']} are not those of its content"
    for left, key in kept:
        yield f"there are {left} rows of a resource that does not exist: key {key}"
