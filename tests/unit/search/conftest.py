"""What the tests of search share: the registry of the served types, and short ways to parse and extract."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import parse_qsl

import pytest

from service.fhir.definitions import load
from service.fhir.search.extract import Extractor
from service.fhir.search.parse import parse_search
from service.fhir.search.registry import Registry

if TYPE_CHECKING:
    from service.fhir.search.query import Query

BASE = "https://fhir.example.org/fhir"
NOW = datetime(2024, 1, 22, tzinfo=UTC)


class Parse(Protocol):
    """Parses the query part of a URL."""

    def __call__(self, resource_type: str | None, text: str, **options: Any) -> Query: ...


class Values(Protocol):
    """The index rows of one parameter, without their source and element."""

    def __call__(self, content: dict[str, Any], code: str) -> set[tuple[Any, ...]]: ...


@pytest.fixture(scope="session")
def registry() -> Registry:
    """The search parameters of R4."""
    return Registry(load())


@pytest.fixture(scope="session")
def parse(registry: Registry) -> Parse:
    """Parses a search, strictly unless told otherwise."""

    def parsed(resource_type: str | None, text: str, **options: Any) -> Query:
        parameters = tuple(parse_qsl(text, keep_blank_values=True))
        return parse_search(registry, resource_type, parameters, base=BASE, now=NOW, **options)

    return parsed


_FURTHER: Final = {"reference": -1, "token": -2}
"""Table → where in its rows what is no value of the parameter begins: whom the resource is about, and pairs."""


@pytest.fixture(scope="session")
def values(registry: Registry) -> Values:
    """Extracts the rows of one parameter from content."""
    extractor = Extractor(registry)

    def extracted(content: dict[str, Any], code: str) -> set[tuple[Any, ...]]:
        parameter = registry.parameters(content["resourceType"])[code]
        rows = extractor.rows(content["resourceType"], content, BASE).get(parameter.table, [])
        end = _FURTHER.get(parameter.table)
        return {row[2:end] for row in rows if row[0] in parameter.source_numbers}

    return extracted
