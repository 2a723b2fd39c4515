"""The service's answers beside the evaluator's, and what is printed where they differ."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from service.fhir import codec
from tests.search.evaluator import Evaluator, pools

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.search.evaluator.queries import Query
    from tests.search.evaluator.running import Service

Json = dict[str, Any]


def compare(service: Service, resources: list[Json], asked: Iterable[Query]) -> None:
    """Store the resources alone and ask both the same questions; AssertionError where the answers differ.

    What the service does not support is left out. What the evaluator cannot tell, since it depends on a value set or
    code system that is not stored, the service has to refuse.
    """
    stored = service.store(resources)
    evaluator = Evaluator(stored, base=pools.BASE, now=datetime.now(UTC))
    for query in asked:
        found = service.search(query)
        if found is None:
            continue
        expected = _expected(evaluator, query)
        assert len(found) == len(set(found)), f"{query} found {found}"
        assert set(found) == expected, _disagreement(query, stored, set(found), expected)
        assert query.sort is None or evaluator.in_order(found, query.sort), _disorder(query, stored, found)


def _expected(evaluator: Evaluator, query: Query) -> set[str]:
    expected: set[str] = set()
    if query.contained != "true":
        expected |= evaluator.matches(query.type, query.criteria, query.compartment)
    if query.contained != "false":
        expected |= evaluator.contained(query.type, query.criteria, alone=query.contained_type == "contained")
    return expected


def _disagreement(query: Query, stored: list[Json], found: set[str], expected: set[str]) -> str:
    told = f"only the service finds {sorted(found - expected)}, only the evaluator {sorted(expected - found)}"
    differing = [each for each in stored if f"{each['resourceType']}/{each['id']}" in found ^ expected]
    others = [each for each in stored if each not in differing]
    return "\n".join([f"{query}: {told}", *map(_in_short, differing), "beside", *map(_in_short, others)])


def _disorder(query: Query, stored: list[Json], found: list[str]) -> str:
    return "\n".join([f"{query} came as {found}", *map(_in_short, stored)])


def _in_short(resource: Json) -> str:
    return codec.encode({name: value for name, value in resource.items() if name != "meta"}).decode()
