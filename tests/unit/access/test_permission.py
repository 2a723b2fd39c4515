"""The scope matrix: every interaction against every scope, and what searches read beyond their own type."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, get_args

import pytest

from service.access.permission import Allowed, Bounds, Forbidden, Limit, Need, check, check_needs, needs_beyond
from service.access.scopes import parse_scopes
from service.fhir.actor import Actor, Client, Role
from service.fhir.definitions import load
from service.fhir.interaction import (
    Capabilities,
    Create,
    Criteria,
    Delete,
    History,
    Interaction,
    Operation,
    Patch,
    Process,
    Read,
    Search,
    Update,
    VRead,
)
from service.fhir.search.parse import parse_search
from service.fhir.search.registry import Registry
from service.fhir.url_encoding import parse_query

if TYPE_CHECKING:
    from collections.abc import Iterator

CRITERIA = Criteria(parameters=(("identifier", "x"),))
CASES: list[tuple[str, Interaction, str]] = [
    ("read", Read(type="Task", id="1"), "r"),
    ("vread", VRead(type="Task", id="1", version_id="1"), "r"),
    ("history of an instance", History(type="Task", id="1"), "r"),
    ("history of a type", History(type="Task"), "s"),
    ("search", Search(type="Task", parameters=()), "s"),
    ("search of a compartment", Search(type="Task", parameters=(), compartment=("Patient", "1")), "s"),
    ("create", Create(type="Task", content={}), "c"),
    ("conditional create", Create(type="Task", content={}, if_none_exist=CRITERIA), "cs"),
    ("update", Update(type="Task", target="1", content={}), "u"),
    ("conditional update", Update(type="Task", target=CRITERIA, content={}), "us"),
    ("patch", Patch(type="Task", target="1", document=[]), "u"),
    ("conditional patch", Patch(type="Task", target=CRITERIA, document=[]), "us"),
    ("delete", Delete(type="Task", target="1"), "d"),
    ("$lookup", Operation(name="lookup", type="Task"), "r"),
    ("$expand of an instance", Operation(name="expand", type="Task", id="1"), "r"),
    ("$translate", Operation(name="translate", type="Task"), "r"),
    ("$validate-code", Operation(name="validate-code", type="Task"), "r"),
    ("$subsumes", Operation(name="subsumes", type="Task"), "r"),
    ("conditional delete", Delete(type="Task", target=CRITERIA), "ds"),
    ("$validate of a type", Operation(name="validate", type="Task"), ""),
    ("$validate of an instance", Operation(name="validate", type="Task", id="1"), "r"),
    ("an operation that nobody listed", Operation(name="new", type="Task"), "cruds"),
]
"""What it is called, the interaction, the letters that it needs on Task."""

SYSTEM: list[tuple[str, Interaction]] = [
    ("history of the system", History()),
    ("an operation of the system that nobody listed", Operation(name="new")),
]
SUBSETS = ["".join(some) for size in range(1, 6) for some in itertools.combinations("cruds", size)]


def actor(scopes: str, role: Role = "clinic", user: str | None = None, patient: str | None = None) -> Actor:
    client = Client(id="c", name="Client", role=role, organisation="Organization/o")
    return Actor(client=client, scopes=parse_scopes(scopes), user=user, patient=patient)


def matrix() -> Iterator[tuple[Interaction, str, str, str]]:
    for _, interaction, needed in CASES:
        for letters in SUBSETS:
            for resource_type in ("Task", "*", "Patient"):
                yield interaction, needed, letters, resource_type


def test_the_cases_are_all_interactions() -> None:
    """But the two that need no scope themselves."""
    covered = {type(interaction) for _, interaction, _ in CASES}
    assert covered == set(get_args(Interaction)) - {Capabilities, Process}


@pytest.mark.parametrize("name", [name for name, *_ in CASES])
def test_an_interaction_is_allowed_exactly_by_the_scopes_that_hold_its_letters(name: str) -> None:
    """Every interaction with every subset of cruds on its own type, all types and another type."""
    for interaction, needed, letters, resource_type in matrix():
        if interaction is next(each for called, each, _ in CASES if called == name):
            decision = check(actor(f"system/{resource_type}.{letters}"), interaction)
            expected = set(needed) <= set(letters) and resource_type != "Patient"
            assert isinstance(decision, Allowed) == (expected or not needed), (letters, resource_type)


@pytest.mark.parametrize("interaction", [each for _, each in SYSTEM], ids=[name for name, _ in SYSTEM])
def test_what_spans_all_types_needs_a_scope_for_all_of_them(interaction: Interaction) -> None:
    assert isinstance(check(actor("system/Task.cruds system/Patient.cruds"), interaction), Forbidden)
    assert isinstance(check(actor("system/*.cruds"), interaction), Allowed)


@pytest.mark.parametrize("interaction", [Capabilities(), Process(bundle={})])
def test_capabilities_and_the_envelope_of_a_bundle_need_no_scope(interaction: Interaction) -> None:
    """The entries of the Bundle are checked one by one."""
    assert check(actor("system/Task.r"), interaction) == Allowed()


def test_what_is_missing_is_told() -> None:
    assert check(actor("system/Task.rs"), CASES[-4][1]) == Forbidden(missing=Need("Task", "d"))


def test_scopes_of_a_user_or_a_patient_hold_only_with_one() -> None:
    """A token without a user or a launch context has nobody whose scopes these could be."""
    read = Read(type="Task", id="1")
    assert isinstance(check(actor("user/Task.r patient/Task.r"), read), Forbidden)
    assert check(actor("user/Task.r", user="Practitioner/1"), read) == Allowed()
    limited = Limit(type="Task", alternatives=(Bounds(patient="p"),))
    assert check(actor("patient/Task.r", patient="p"), read) == Allowed(limits=(limited,))


def test_a_patients_scopes_never_span_the_system() -> None:
    """The history of everything cannot be limited to one compartment."""
    assert isinstance(check(actor("patient/*.cruds", patient="p"), History()), Forbidden)


def test_filters_are_handed_on_unless_another_scope_needs_none() -> None:
    read = Read(type="Observation", id="1")
    survey, vital = (("category", "survey"),), (("category", "vital-signs"),)
    filtered = "system/Observation.rs?category=survey system/Observation.r?category=vital-signs"
    limit = Limit(type="Observation", alternatives=(Bounds(filters=survey), Bounds(filters=vital)))
    assert check(actor(filtered), read) == Allowed(limits=(limit,))
    assert check(actor(f"{filtered} system/*.r"), read) == Allowed()


@pytest.mark.parametrize("name", [name for name, *_ in CASES])
def test_a_researcher_sees_no_single_resource(name: str) -> None:
    """Whatever the scopes say."""
    interaction = next(each for called, each, _ in CASES if called == name)
    assert isinstance(check(actor("system/*.cruds", "researcher"), interaction), Forbidden)


def test_an_administrative_operation_is_for_administrators() -> None:
    """And for those only with the scopes that it takes."""
    operation = Operation(name="reindex")
    assert isinstance(check(actor("system/*.cruds"), operation), Forbidden)
    assert isinstance(check(actor("system/*.cruds", "administrator"), operation), Allowed)
    assert isinstance(check(actor("system/*.rs", "administrator"), operation), Forbidden)


@pytest.mark.parametrize(
    "interaction",
    [
        Create(type="SearchParameter", content={}),
        Update(type="SearchParameter", target="1", content={}),
        Patch(type="SearchParameter", target="1", document=[]),
        Delete(type="SearchParameter", target="1"),
    ],
)
def test_what_takes_effect_for_everybody_is_written_by_administrators(interaction: Interaction) -> None:
    assert isinstance(check(actor("system/*.cruds"), interaction), Forbidden)
    assert isinstance(check(actor("system/*.cruds", "administrator"), interaction), Allowed)


def test_what_takes_effect_for_everybody_is_read_by_all() -> None:
    assert isinstance(check(actor("system/*.rs"), Read(type="SearchParameter", id="1")), Allowed)


@pytest.mark.parametrize(
    "search, needed",
    [
        ("status=ready", ""),
        ("patient.name=x", "Patient.s"),
        ("owner:Organization.name=x", "Organization.s"),
        ("patient.organization.name=x", "Patient.s Organization.s"),
        ("_has:Provenance:target:agent=Device/1", "Provenance.s"),
        ("_list=42", "List.s"),
        ("_include=Task:patient:Patient", "Patient.r"),
        ("_include=Task:owner:Organization", "Organization.r"),
        ("_revinclude=Provenance:target", "Provenance.r"),
        ("_include=*", ""),
        ("code:in=ValueSet/a", ""),
        ("code:not-in=https://x.example.org/a", ""),
        ("code:above=http://x.example.org|a", ""),
        ("code:below=http://x.example.org|a", ""),
        ("_contained=false", ""),
        ("_contained=true", "*.s"),
        ("_contained=both&_containedType=contained", "*.s"),
    ],
)
def test_a_search_needs_the_types_that_it_looks_into(search: str, needed: str) -> None:
    """A filter on what may not be searched would tell of it; what is included by name is read."""
    registry = Registry(load())
    parameters = parse_query(search.encode())
    query = parse_search(
        registry, "Task", parameters, base="http://x", strict=True, zone=UTC, now=datetime(2026, 1, 1, tzinfo=UTC)
    )
    assert {f"{need.type}.{need.letter}" for need in needs_beyond(query)} == set(needed.split())


def test_needs_are_met_by_several_scopes_together() -> None:
    both = (Need("Task", "s"), Need("Patient", "s"))
    assert check_needs(actor("system/Task.s system/Patient.rs"), both) == Allowed()
    assert check_needs(actor("system/Task.s system/Patient.r"), both) == Forbidden(missing=both[1])
