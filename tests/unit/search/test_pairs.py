"""Codes and whose they are, as one value: which rows have it, and which criteria ask for it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from service.fhir.code_systems import LOINC
from service.fhir.reference import digest_of, identity_of
from service.fhir.search.contained import CONTAINED
from service.fhir.search.extract import Extractor
from service.fhir.search.pairs import LISTED, PAIRS, Pair, pair_digest, pair_sources
from service.store.search.pairing import found_pair
from tests.builders.resources import observation, reference

if TYPE_CHECKING:
    from service.fhir.search.registry import Registry
    from tests.unit.search.conftest import Parse

CLINIC, ANN = identity_of("Organization", "c"), identity_of("Patient", "ann")
STATUS, CODE = -546560364, 515063101
PAIN = (digest_of(LOINC), "72514-3")


def task(**elements: Any) -> dict[str, Any]:
    """A Task of a clinic."""
    content = {"resourceType": "Task", "status": "requested", "intent": "order", "owner": reference("Organization/c")}
    return content | elements


def pairs_of(registry: Registry, content: dict[str, Any], table: str = "token") -> set[tuple[Any, Any]]:
    """Pair and date of the rows that have either."""
    rows: list[Any] = Extractor(registry).rows(content["resourceType"], content, "").get(table, [])  # type: ignore[call-overload]
    return {row[-2:] for row in rows if row[-2:] != (None, None)}


@pytest.mark.parametrize("resource_type", PAIRS)
def test_the_parameters_of_a_pair_are_those_of_r4(registry: Registry, resource_type: str) -> None:
    """The code knows its pair, of which each resource has one other part at most."""
    pair, parameters = PAIRS[resource_type], registry.parameters(resource_type)
    found = parameters[pair.code].pair
    assert found is not None
    assert [(found.code,), (found.of,), (found.by,)] == [parameters[each].source_numbers for each in (*_names(pair),)]
    assert [code for code, each in parameters.items() if each.pair] == [pair.code]


def _names(pair: Pair) -> tuple[str, ...]:
    return pair.code, pair.of, pair.by


def test_what_is_listed_has_an_index_of_its_own(registry: Registry) -> None:
    """Which is made with the numbers of its codes."""
    codes = [registry.parameters(each)[pair.code].source_numbers for each, pair in PAIRS.items() if pair.listed]
    assert codes == [(each,) for each in LISTED]


def test_a_search_over_several_types_has_no_pairs(registry: Registry) -> None:
    """Their codes stand under several numbers."""
    assert registry.shared_parameters(("Observation", "Condition"))["code"].pair is None


@pytest.mark.parametrize("name", ["performer", "part-of"])
def test_what_a_resource_may_have_several_of_is_of_no_pair(registry: Registry, name: str) -> None:
    """Its rows would not be all that meets both."""
    with pytest.raises(ValueError, match=f"{name} cannot be of a pair"):
        pair_sources(Pair("code", name, "date"), registry.parameters("Observation"))


def test_the_digest_is_the_same_in_every_release() -> None:
    """The index holds it, and a migration has computed it."""
    assert pair_digest(STATUS, CLINIC, None, "requested") == UUID("aaadbd06-46fd-0cb7-6023-0a5d9a0e5d1e")


@pytest.mark.parametrize(
    "other",
    [(CODE, CLINIC, None, "a"), (STATUS, ANN, None, "a"), (STATUS, CLINIC, PAIN[0], "a"), (STATUS, CLINIC, None, "b")],
)
def test_every_part_counts(other: tuple[int, UUID, UUID | None, str]) -> None:
    """Another code of another source is another pair."""
    assert pair_digest(*other) != pair_digest(STATUS, CLINIC, None, "a")


@pytest.mark.parametrize(
    "elements,expected",
    [
        ({}, {(pair_digest(STATUS, CLINIC, None, "requested"), None)}),
        (
            {"authoredOn": "2026-01-02"},
            {(pair_digest(STATUS, CLINIC, None, "requested"), datetime(2026, 1, 2, tzinfo=UTC))},
        ),
        ({"owner": None}, set()),
        ({"owner": {"display": "The clinic"}}, {(pair_digest(STATUS, UUID(int=0), None, "requested"), None)}),
        ({"owner": {"identifier": {"value": "1"}}}, set()),
    ],
)
def test_the_status_of_a_task_is_kept_with_its_owner(
    registry: Registry, elements: dict[str, Any], expected: set[tuple[Any, Any]]
) -> None:
    """And with when it was written; nobody can ask for what is nobody's."""
    content = {name: value for name, value in task(**elements).items() if value is not None}
    assert pairs_of(registry, content) == expected


def test_every_code_of_an_observation_is_kept_with_its_subject(registry: Registry) -> None:
    """Those of its components and values are not."""
    coding = [{"system": LOINC, "code": PAIN[1]}, {"code": "pain"}]
    content = observation("Patient/ann", code={"coding": coding}, effectiveDateTime="2026-01-02T10:00:00Z")
    at = datetime(2026, 1, 2, 10, tzinfo=UTC)
    assert pairs_of(registry, content) == {
        (pair_digest(CODE, ANN, *PAIN), at),
        (pair_digest(CODE, ANN, None, "pain"), at),
    }


def test_what_is_contained_has_no_pairs(registry: Registry) -> None:
    """A search that is not about it never meets it."""
    inside = observation("Patient/ann", id="o")
    content = {"resourceType": "DiagnosticReport", "status": "final", "code": {"text": "a"}, "contained": [inside]}
    assert pairs_of(registry, content, CONTAINED["token"]) == set()


@pytest.mark.parametrize(
    "resource_type,text,expected",
    [
        ("Task", "owner=Organization/c&status=requested", [(STATUS, CLINIC, None, "requested")]),
        ("Task", "status=requested&owner=Organization/c", [(STATUS, CLINIC, None, "requested")]),
        ("Task", "owner:Organization=c&status=requested", [(STATUS, CLINIC, None, "requested")]),
        (
            "Task",
            "owner=Organization/c&status=http://hl7.org/fhir/task-status|draft",
            [(STATUS, CLINIC, None, "draft")],
        ),
        ("Task", "owner=Organization/c&status=|draft", [(STATUS, CLINIC, None, "draft")]),
        (
            "Task",
            "owner=Organization/c,Patient/ann&status=requested,draft",
            [(STATUS, who, None, each) for who in (CLINIC, ANN) for each in ("requested", "draft")],
        ),
        ("Task", "owner=Organization/c&status=requested&patient=Patient/ann", [(STATUS, CLINIC, None, "requested")]),
        ("Task", "owner=Organization/c&status:not=requested", None),
        ("Task", "owner=Organization/c&status:missing=true", None),
        ("Task", "owner:identifier=urn:x|c&status=requested", None),
        ("Task", "patient=Patient/ann&status=requested", None),
        ("Task", "owner=Organization/c&business-status=requested", None),
        ("Observation", f"patient=ann&code={LOINC}|72514-3", [(CODE, ANN, *PAIN)]),
        ("Observation", f"subject=Patient/ann&code={LOINC}|72514-3", [(CODE, ANN, *PAIN)]),
        ("Observation", "patient=ann&code=|pain", [(CODE, ANN, None, "pain")]),
        ("Observation", "patient=ann&code=72514-3", None),
        ("Observation", f"patient=ann&code={LOINC}|", None),
        ("Observation", f"patient=ann&code={LOINC}|72514-3,pain", None),
        ("Observation", "patient=ann&code:text=pain", None),
        ("Observation", f"patient=ann&combo-code={LOINC}|72514-3", None),
        ("Observation", f"subject.identifier=ann&code={LOINC}|72514-3", None),
    ],
)
def test_two_criteria_are_a_pair(parse: Parse, resource_type: str, text: str, expected: list[Any] | None) -> None:
    """Where every value of both is one of the index, whatever their order."""
    found = found_pair(parse(resource_type, text).where.criteria)
    assert (found and found.digests) == (expected and [pair_digest(*each) for each in expected])


@pytest.mark.parametrize("most,is_pair", [(64, True), (65, False)])
def test_so_many_pairs_are_looked_for(parse: Parse, most: int, *, is_pair: bool) -> None:
    """More are two lists."""
    owners = ",".join(f"Organization/{number}" for number in range(most))
    found = found_pair(parse("Task", f"owner={owners}&status=requested").where.criteria)
    assert (found is not None) is is_pair
