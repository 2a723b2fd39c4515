"""Every search parameter of every served type: a statement, and a plan that reads indexes alone."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

from service.fhir.outcome import FhirError
from service.store.search import compile_count, compile_search
from tests.search.population import POPULATION

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    from service.fhir.search.parameter import SearchParameter
    from service.fhir.search.query import Query
    from service.fhir.search.registry import Registry
    from tests.search.conftest import Library

SAMPLES = {
    "token": "x",
    "reference": "x",
    "string": "x",
    "date": "2024-02",
    "uri": "http://example.org/x",
    "number": "5",
    "quantity": "5",
}
SLOW = ("Seq Scan", "Bitmap", "Hash Join", "Hash Semi Join", "Merge Join")


@pytest.fixture(scope="module")
async def unread(make_library: Callable[[], AbstractAsyncContextManager[Library]]) -> AsyncIterator[Library]:
    """A database without statistics, so that nothing but the statements leads to the plans."""
    async with make_library() as made:
        await made.store(POPULATION)
        yield made


async def test_every_parameter_is_answered_from_indexes(unread: Library, registry: Registry) -> None:
    """Its pages and its totals; and what its absence finds, and its order, where there are such."""
    texts = {}
    for resource_type in registry.definitions.resource_types:
        for parameter in registry.parameters(resource_type).values():
            for query in _queries(unread, resource_type, parameter):
                for statement in (compile_search(query, limit=21), compile_count(query)):
                    texts[statement.text] = statement
    assert len(texts) > 30
    for statement in texts.values():
        plan = await unread.plan(statement)
        assert not [slow for slow in SLOW if slow in plan], plan


def _queries(library: Library, resource_type: str, parameter: SearchParameter) -> Iterator[Query]:
    """Searches by a value, by the absence of one, in the order of the values."""
    yield next(_accepted(library, resource_type, [f"{parameter.code}={value}" for value in _values(parameter)]))
    yield from _accepted(library, resource_type, [f"{parameter.code}:missing=true"])
    yield from _accepted(library, resource_type, [f"_sort={parameter.code}", f"_sort=-{parameter.code}"])


def _accepted(library: Library, resource_type: str, texts: list[str]) -> Iterator[Query]:
    for text in texts:
        try:
            yield library.query(resource_type, text)
        except FhirError:
            continue


def _values(parameter: SearchParameter) -> Iterator[str]:
    """Values to try: an element of type code, or boolean, or one that refers by URL does not take any text."""
    if parameter.components:
        yield from ("$".join(parts) for parts in product(*(list(_values(each)) for each in parameter.components)))
        return
    yield SAMPLES[parameter.kind]
    yield from (code for codes in parameter.systems.values() for code in sorted(codes)[:1])
    yield from ("true", "Patient/x", "http://example.org/x")
