"""_include and _revinclude: what is returned beside the matches, in one statement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from service.fhir.search.parse_include import references_of
from service.store.search import compile_includes, compile_search

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from service.fhir.search.registry import Registry
    from tests.search.conftest import Library


def _to(target: str) -> dict[str, str]:
    return {"reference": target}


def _organization(id_: str, above: str | None = None) -> dict[str, Any]:
    return {"resourceType": "Organization", "id": id_, **({"partOf": _to(f"Organization/{above}")} if above else {})}


def _referral(id_: str, subject: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "ServiceRequest",
        "id": id_,
        "status": "active",
        "intent": "order",
        "subject": _to(subject),
        **more,
    }


_CLINIC: Final = (
    _organization("top"),
    _organization("middle", "top"),
    _organization("bottom", "middle"),
    {"resourceType": "Practitioner", "id": "doc"},
    {"resourceType": "Patient", "id": "ann", "managingOrganization": _to("Organization/bottom")},
    {"resourceType": "Patient", "id": "bob"},
    {"resourceType": "Group", "id": "team", "type": "person", "actual": True},
    _referral("of-ann", "Patient/ann", requester=_to("Practitioner/doc")),
    _referral("again", "Patient/ann", basedOn=[_to("ServiceRequest/of-ann")]),
    _referral("of-bob", "Patient/bob"),
    _referral("of-team", "Group/team"),
    _referral("of-nobody", "Patient/gone"),
    {
        "resourceType": "Task",
        "id": "task",
        "status": "requested",
        "intent": "order",
        "focus": _to("ServiceRequest/of-ann"),
        "owner": _to("Organization/middle"),
    },
)


@pytest.fixture(scope="module")
async def clinic(make_library: Callable[[], AbstractAsyncContextManager[Library]]) -> AsyncIterator[Library]:
    """Three organisations above each other, referrals and a task."""
    async with make_library() as made:
        await made.store(_CLINIC)
        yield made


async def _included(library: Library, registry: Registry, resource_type: str, text: str, limit: int = 100) -> list[str]:
    query = library.query(resource_type, text)
    matches = [row["key"] for row in await library.fetch(compile_search(query, limit=100))]
    statement = compile_includes(query.includes, matches, references=registry.reference_sources, limit=limit, depth=3)
    return [f"{row['type']}/{row['id']}" for row in await library.fetch(statement)]


async def test_nothing_is_looked_up_once_there_is_as_much_as_is_returned(clinic: Library, registry: Registry) -> None:
    """Where the first step has found enough, no further one begins."""
    query = clinic.query("Patient", "_id=ann&_include:iterate=*&_revinclude:iterate=*")
    matches = [row["key"] for row in await clinic.fetch(compile_search(query, limit=1))]
    for limit, goes_on in ((1, False), (100, True)):
        statement = compile_includes(
            query.includes, matches, references=registry.reference_sources, limit=limit, depth=3
        )
        plan = await clinic.plan(statement, run=True)
        begun = [line for line in plan.splitlines() if "CTE Scan on step_2 b" in line]
        assert len(begun) == 2, plan
        assert all(("never executed" in line) != goes_on for line in begun), plan


def test_what_refers_from_one_type_is_looked_up_by_the_sources_of_that_type(
    clinic: Library, registry: Registry
) -> None:
    """There are hundreds of all types, each a look into the index for every resource."""
    query = clinic.query("Patient", "_revinclude=ServiceRequest:*")
    statement = compile_includes(query.includes, [1], references=registry.reference_sources, limit=100)
    own = set(references_of(registry, "ServiceRequest"))
    assert own < set(registry.reference_sources)
    assert own in [set(each) for each in statement.arguments if isinstance(each, list)]


def test_the_sources_of_each_type_are_all_that_there_are(registry: Registry) -> None:
    of_each = [references_of(registry, each) for each in registry.definitions.resource_types]
    assert sorted(number for each in of_each for number in each) == sorted(registry.reference_sources)


INCLUDES: Final = [
    ("ServiceRequest", "_id=of-ann&_include=ServiceRequest:subject", "Patient/ann"),
    (
        "ServiceRequest",
        "_id=of-ann&_include=ServiceRequest:subject&_include=ServiceRequest:requester",
        "Patient/ann Practitioner/doc",
    ),
    ("ServiceRequest", "_include=ServiceRequest:subject", "Patient/ann Patient/bob Group/team"),
    ("ServiceRequest", "_include=ServiceRequest:subject:Group", "Group/team"),
    ("ServiceRequest", "_include=ServiceRequest:patient", "Patient/ann Patient/bob"),
    ("ServiceRequest", "_id=of-nobody&_include=ServiceRequest:subject", ""),
    ("ServiceRequest", "_id=of-ann&_include=*", "Patient/ann Practitioner/doc"),
    # what is a match already is not returned again
    ("ServiceRequest", "_include=ServiceRequest:based-on", ""),
    ("ServiceRequest", "_id=again&_include=ServiceRequest:based-on", "ServiceRequest/of-ann"),
    ("Patient", "_id=ann&_revinclude=ServiceRequest:subject", "ServiceRequest/of-ann ServiceRequest/again"),
    (
        "Patient",
        "_revinclude=ServiceRequest:patient",
        "ServiceRequest/of-ann ServiceRequest/again ServiceRequest/of-bob",
    ),
    ("ServiceRequest", "_id=of-ann&_revinclude=Task:focus", "Task/task"),
    ("ServiceRequest", "_id=of-ann&_revinclude=*", "Task/task ServiceRequest/again"),
    # :iterate goes on from what was included
    ("Task", "_include=Task:owner", "Organization/middle"),
    ("Task", "_include=Task:owner&_include:iterate=Organization:partof", "Organization/middle Organization/top"),
    ("Task", "_include=Task:focus&_include:iterate=ServiceRequest:subject", "ServiceRequest/of-ann Patient/ann"),
    ("Organization", "_id=top&_revinclude:iterate=Organization:partof", "Organization/middle Organization/bottom"),
    (
        "Organization",
        "_id=bottom&_include:iterate=Organization:partof&_revinclude=Patient:organization",
        "Patient/ann Organization/middle Organization/top",
    ),
]


@pytest.mark.parametrize("resource_type,text,expected", INCLUDES)
async def test_includes(clinic: Library, registry: Registry, resource_type: str, text: str, expected: str) -> None:
    """https://hl7.org/fhir/R4/search.html#revinclude, each resource once"""
    found = await _included(clinic, registry, resource_type, text)
    assert sorted(found) == sorted(expected.split())


async def test_no_more_is_included_than_the_limit(clinic: Library, registry: Registry) -> None:
    """Those nearest to the matches come first."""
    text = "_id=bottom&_include:iterate=Organization:partof&_revinclude=Patient:organization"
    assert len(await _included(clinic, registry, "Organization", text, limit=2)) == 2
    found = await _included(
        clinic, registry, "Organization", "_id=bottom&_include:iterate=Organization:partof", limit=1
    )
    assert found == ["Organization/middle"]


async def test_iteration_ends_after_its_depth(empty_library: Library, registry: Registry) -> None:
    """A circle is walked no further than its members."""
    await empty_library.store(_organization(f"o{number}", f"o{(number + 1) % 6}") for number in range(6))
    found = await _included(empty_library, registry, "Organization", "_id=o0&_include:iterate=Organization:partof")
    assert found == ["Organization/o1", "Organization/o2", "Organization/o3"]


async def test_includes_read_indexes_alone(clinic: Library, registry: Registry) -> None:
    """However many matches there are."""
    query = clinic.query(
        "Task",
        "_include=Task:focus&_include:iterate=*&_revinclude=Task:based-on&_revinclude:iterate=ServiceRequest:subject",
    )
    plan = await clinic.plan(compile_includes(query.includes, [1, 2], references=registry.reference_sources, limit=10))
    for slow in ("Seq Scan", "Bitmap", "Hash Join", "Merge Join"):
        assert slow not in plan, plan
