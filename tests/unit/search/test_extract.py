"""From content to index rows, in one walk."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.codec import decode
from service.fhir.outcome import FhirError
from service.fhir.path import compile_path
from service.fhir.reference import identity_of
from service.fhir.search.contained import CONTAINED, inner_number
from service.fhir.search.expression import resolve_expression
from service.fhir.search.extract import Extractor, Node
from service.fhir.search.types.search_type import FurtherNumbers, Rows
from tests.builders.resources import observation, patient, reference, service_request
from tests.examples import official_examples

if TYPE_CHECKING:
    from service.fhir.search.parameter import Source
    from service.fhir.search.registry import Registry

BASE = "https://fhir.example.org/fhir"


@pytest.fixture(scope="module")
def extractor(registry: Registry) -> Extractor:
    """Of the served types."""
    return Extractor(registry)


def test_rows_come_by_kind_and_once(extractor: Extractor, registry: Registry) -> None:
    """In the order of the tables' columns, under the numbers of the type's sources."""
    referral = service_request("Patient/1", "Practitioner/2", number=7)
    rows = extractor.rows("ServiceRequest", referral, BASE)
    assert {kind: {len(row) for row in found} for kind, found in rows.items()} == {
        kind: {{"token": 6, "text": 3, "reference": 5}.get(kind, 4)} for kind in ("token", "reference", "text", "date")
    }
    sources = registry.sources("ServiceRequest")
    known = {number for source in sources for number in (source.number, source.of_type_number)}
    for found in rows.values():
        assert len(set(found)) == len(found)
        assert {row[0] for row in found} <= known


def test_nothing_searchable_has_no_rows(extractor: Extractor) -> None:
    """And no empty kinds."""
    assert extractor.rows("Binary", {"resourceType": "Binary", "contentType": "text/plain"}, BASE) == {}


def test_content_is_left_as_it_was(extractor: Extractor) -> None:
    """Extraction only reads."""
    content = observation("Patient/1")
    before = repr(content)
    extractor.rows("Observation", content, BASE)
    assert repr(content) == before


def test_the_base_decides_what_is_local(extractor: Extractor) -> None:
    """The same reference, seen through two bases."""
    content = observation(f"{BASE}/Patient/1")
    here = extractor.rows("Observation", content, BASE)["reference"]
    elsewhere = extractor.rows("Observation", content, "https://elsewhere.example.org")["reference"]
    assert {row[3] for row in here}.isdisjoint({row[3] for row in elsewhere})


def test_references_to_who_acts_tell_whom_the_resource_is_about(extractor: Extractor) -> None:
    """Others do not, so that their rows stay as small as they are."""
    content = observation("Patient/1", performer=[reference("Practitioner/2"), reference("RelatedPerson/3")])
    told = {row[3]: row[4] for row in extractor.rows("Observation", content, BASE)["reference"]}
    patient_, therapist, relative = (
        identity_of(*each) for each in (("Patient", "1"), ("Practitioner", "2"), ("RelatedPerson", "3"))
    )
    assert told == {patient_: None, therapist: patient_, relative: None}


def test_what_is_about_several_tells_of_none(extractor: Extractor) -> None:
    """Its other rows have to be looked at; so do those of what is about nobody."""
    actors = ("Patient/1", "Patient/2", "Practitioner/2")
    appointment = {"participant": [{"actor": reference(each), "status": "accepted"} for each in actors]}
    nobody = {"performer": [reference("Practitioner/2")]}
    for resource_type, content in (("Appointment", appointment), ("Observation", nobody)):
        rows = extractor.rows(resource_type, {"resourceType": resource_type, **content}, BASE)["reference"]
        assert {row[4] for row in rows} == {None}


def test_a_patient_is_found_by_every_name(extractor: Extractor, registry: Registry) -> None:
    """One row for each part that some parameter reads."""
    rows = extractor.rows("Patient", patient(name=[{"family": "A", "given": ["B", "C"]}]), BASE)["string"]
    family, given = (registry.parameters("Patient")[code].source_numbers for code in ("family", "given"))
    read = {*family, *given}
    assert sorted(row for row in rows if row[0] in read) == sorted(
        [(*family, 0, "a", "A"), (*given, 0, "b", "B"), (*given, 0, "c", "C")]
    )


def test_what_is_contained_stands_apart(extractor: Extractor, registry: Registry) -> None:
    """Under its number and other sources; the container has one row more, that says what it contains."""
    inside = patient(id="p", name=[{"family": "A"}])
    referral = service_request("#p", "Practitioner/2", number=7)
    plain = extractor.rows("ServiceRequest", referral, BASE)
    rows = extractor.rows("ServiceRequest", referral | {"contained": [inside]}, BASE)
    (family,) = registry.parameters("Patient")["family"].source_numbers
    assert (1, inner_number(family), 0, "a", "A") in rows["contained_string"]
    assert {row[0] for kind in CONTAINED.values() for row in rows.get(kind, ())} == {1}
    assert len(rows["reference"]) == len(plain["reference"]) + 1
    assert {kind: set(rows[kind]) for kind in plain if kind != "reference"} == {
        kind: set(each) for kind, each in plain.items() if kind != "reference"
    }


def test_keys_have_room_for_so_many_contained_resources(extractor: Extractor, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a million are refused, not left out."""
    monkeypatch.setattr("service.fhir.search.contained.MOST", 1)
    referral = service_request("#p0", "Practitioner/2") | {"contained": [patient(id=f"p{each}") for each in range(2)]}
    with pytest.raises(FhirError) as raised:
        extractor.rows("ServiceRequest", referral, BASE)
    assert raised.value.code == "too-costly"


def test_the_walk_reaches_what_fhirpath_reaches(registry: Registry) -> None:
    """On all clinical examples of R4, for every source that indexes all types of its element."""
    compared = 0
    paths = {each: _complete(registry, each) for each in registry.definitions.resource_types}
    for example in official_examples("clinical"):
        content = decode(example.data)
        for source, path in paths.get(example.type, ()):
            reached = _reached(source, content)
            assert sorted(map(repr, reached)) == sorted(map(repr, path.evaluate(content))), (example.file, source)
            compared += bool(reached)
    assert compared > 3000


def _complete(registry: Registry, resource_type: str) -> list[tuple[Source, Any]]:
    definitions = registry.definitions
    return [
        (source, compile_path(source.expression, definitions=definitions, type_name=resource_type))
        for source in registry.sources(resource_type)
        if source.paths and len(resolve_expression(definitions, source.expression).paths) == len(source.paths)
    ]


def _reached(source: Source, content: dict[str, Any]) -> list[Any]:
    reached: list[Any] = []
    root = Node()
    for path in source.paths:
        root.at(path).leaves.append((lambda value, _number, _rows: reached.append(value), source.number))
    root.visit(content, Rows(base=BASE, types=frozenset(), zone=UTC, further=FurtherNumbers()))
    return reached
